import Crypto
import EventLoop
import FoundationEssentials
public import HTTP
public import JSON
public import Sandbox

/// A simulated Emarsys account in the test's own process.
public final class SandboxProcess: Sendable {
    private let server: SandboxServer
    private let task: Task<Void, Never>
    private let client: HTTPClient

    /// Where its API is.
    public var baseURL: String { server.info.baseURL }
    /// Where tokens come from.
    public var tokenURL: String { server.info.tokenURL }
    /// The WSSE user.
    public var username: String { server.info.username }
    /// The WSSE user's secret.
    public var secret: String { server.info.secret }
    /// The OAuth client.
    public var clientID: String { server.info.clientID }
    /// The OAuth client's secret.
    public var clientSecret: String { server.info.clientSecret }

    /// Starts an account with so many contacts.
    public static func start(contacts: Int) throws -> SandboxProcess {
        var options = SandboxOptions()
        options.contacts = contacts
        options.port = 0
        return try SandboxProcess(options)
    }

    /// Starts an account of its own kind; the port is chosen by the system.
    public static func start(_ options: SandboxOptions) throws -> SandboxProcess { try SandboxProcess(options) }

    /// The account, to be steered.
    public var account: SandboxAccount { server.account }

    private init(_ options: SandboxOptions) throws {
        let group = EventLoopGroup(loops: 1)
        let server = try SandboxServer(options, group: group)
        self.server = server
        client = HTTPClient(group: group)
        task = Task(executorPreference: group.next()) { try? await server.run() }
    }

    deinit { task.cancel() }

    /// A webhook's token.
    public static func token(secret: String) -> String {
        let signed =
            Base64URL.encode(Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8)) + "." + Base64URL.encode(Array("{}".utf8))
        return signed + "." + Base64URL.encode(HMACKey(Array(secret.utf8)).authenticate(Array(signed.utf8)))
    }

    /// Sends a custom event for a fresh contact, signed as Emarsys signs.
    public func sendWebhook(to product: RunningProduct, key: String, eventName: String) async throws {
        try await send(
            .object([
                "phone": "+4915112345678", "event_name": .string(eventName),
                "event_data": ["discount_code": "HAPPY24"],
            ]), to: product, key: key)
    }

    /// Sends a webhook, signed as Emarsys signs.
    ///
    /// - Parameter path: `custom_external_event` or `order_external_event`
    public func send(
        _ body: JSON, as path: String = "custom_external_event", to product: RunningProduct, instance: String = "acme",
        key: String, headers: HTTPHeaders = [:]
    ) async throws {
        let webhook = try await product.call(
            .get, host: instance, "/api/v0/integrations/emarsys/webhook", headers: ["X-API-Key": key])
        let secret = webhook.json["data"]?[0]?["secret"]?.string ?? ""
        var headers = headers
        headers.set("Authorization", "Bearer \(Self.token(secret: secret))")
        let answer = try await product.call(
            .post, host: instance, "/api/v0/webhooks/incoming/emarsys/\(path)", body, headers: headers)
        guard answer.status.code == 202 else {
            throw CommandFailure(command: "webhook", status: Int32(answer.status.code), output: "\(answer.json)")
        }
    }
}
