import EventLoop
import HTTP
import JSON

/// A simulated Emarsys account on a loopback port.
///
/// The API is below `/api/v2` (WSSE) and `/api/v3` (OAuth), the token endpoint at `/oauth2/token`, and what tests and
/// demonstrations steer it by below `/sandbox`. Bind it to loopback only: the steering asks for no credential.
public final class SandboxServer: Service {
    /// The account it serves.
    public let account: SandboxAccount
    /// How to reach it.
    public let info: SandboxInfo
    private let server: HTTPServer
    private let sender: SandboxWebhookSender

    /// Binds the port; the server answers while ``run()`` runs.
    ///
    /// - Throws: the system's error if the port cannot be had
    public init(
        _ options: SandboxOptions = SandboxOptions(), group: EventLoopGroup, time: any TimeSource = SystemTime()
    ) throws {
        account = SandboxAccount(options, time: time)
        guard let address = SocketAddress("\(options.address):\(options.port)") else {
            throw SandboxServerError.invalidAddress
        }
        let client = HTTPClient(group: group)
        sender = SandboxWebhookSender(http: client, time: time)
        var configuration = HTTPServerConfiguration(address: address)
        configuration.bodyLimit = { _ in 16 << 20 }
        server = HTTPServer(
            configuration: configuration, group: group, responder: SandboxResponder(account: account, sender: sender))
        let bound = try server.bind()
        let base = "http://\(bound)"
        info = SandboxInfo(
            baseURL: base, username: options.username, secret: options.secret, clientID: options.clientID,
            clientSecret: options.clientSecret, tokenURL: "\(base)/oauth2/token")
    }

    /// Serves until the task is cancelled.
    public func run() async throws {
        defer { sender.http.close() }
        try await server.run()
    }

    /// Sends webhooks as the account's Automation Center would, and returns what became of them.
    public func send(_ order: SandboxWebhookOrder) async -> [SandboxDelivery] {
        await sender.send(order, from: account)
    }

    /// Starts a sandbox on a loop of `group` and returns how to reach it; it runs as long as the process.
    public static func start(_ options: SandboxOptions = SandboxOptions(), group: EventLoopGroup) throws -> SandboxInfo
    {
        let server = try SandboxServer(options, group: group)
        Task(executorPreference: group.next()) { try await server.run() }
        return server.info
    }
}

/// Why a sandbox could not be set up.
public enum SandboxServerError: Error, Sendable, Hashable {
    /// The address is not an IP address.
    case invalidAddress
}

extension SandboxInfo {
    /// The JSON object that `charles-emarsys sandbox --json` prints.
    public var json: JSON {
        [
            "base_url": .string(baseURL), "username": .string(username), "secret": .string(secret),
            "client_id": .string(clientID), "client_secret": .string(clientSecret), "token_url": .string(tokenURL),
        ]
    }
}
