import Emarsys
import EventLoop
import HTTP
import Sandbox

/// A sandbox on a loopback port and a client for it, for the length of a test.
struct SandboxStage: Sendable {
    let server: SandboxServer
    let http: HTTPClient
    let shared = EmarsysSharedState()
    let time: ManualTime

    var account: SandboxAccount { server.account }

    /// Which credential the client uses.
    enum Auth: CaseIterable { case wsse, oauth2 }

    func client(_ auth: Auth = .wsse, key: String = "tenant", secret: String? = nil) -> EmarsysClient {
        let info = server.info
        let credential: EmarsysCredential =
            switch auth {
            case .wsse: .wsse(username: info.username, secret: secret ?? info.secret)
            case .oauth2:
                .oauth2(clientID: info.clientID, clientSecret: secret ?? info.clientSecret, tokenURL: info.tokenURL)
            }
        var client = EmarsysClient(
            connection: EmarsysConnection(key: key, credential: credential, baseURL: info.baseURL), http: http,
            shared: shared, time: time, policy: EmarsysEndpointPolicy(extraHosts: ["127.0.0.1"]))
        client.retry = RetryPlan(attempts: 3, firstDelay: .zero)
        return client
    }

    /// A contact id by its place in the account.
    func id(_ index: Int) -> String { SandboxAccount.contactID(at: index) }

    /// Runs `body` on a loop with a sandbox that serves meanwhile. The clock stands still unless a test moves it.
    static func run(
        _ change: (inout SandboxOptions) -> Void = { _ in },
        _ body: @escaping @Sendable (SandboxStage) async throws -> Void
    ) async throws {
        var options = SandboxOptions()
        options.contacts = 2000
        options.quirks.evaluationCalls = 0
        change(&options)
        let group = EventLoopGroup(loops: 1)
        defer { group.shutDown() }
        let time = ManualTime()
        let server = try SandboxServer(options, group: group, time: time)
        let stage = SandboxStage(server: server, http: HTTPClient(group: group), time: time)
        let loop = group.next()
        let serving = Task(executorPreference: loop) { try await server.run() }
        let outcome = await Task(executorPreference: loop) { try await body(stage) }.result
        stage.http.close()
        serving.cancel()
        _ = await serving.result
        try outcome.get()
    }
}
