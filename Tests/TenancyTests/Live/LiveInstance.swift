import Crypto
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Synchronization
import TestSupport

/// An instance of the running product, as its users and Emarsys reach it: over the wire alone.
struct LiveInstance: Sendable {
    private static let shared = Task { try await RunningProduct.start() }
    private static let number = Atomic<Int>(0)

    let product: RunningProduct
    let name: String
    let key: String

    /// A fresh instance with both features, of a product that all suites share unless one is given.
    static func make(_ product: RunningProduct? = nil) async throws -> LiveInstance {
        let running: RunningProduct
        if let product { running = product } else { running = try await shared.value }
        let name = "live\(number.add(1, ordering: .relaxed).newValue)"
        return LiveInstance(product: running, name: name, key: try await running.makeInstance(name))
    }

    /// Asks the API with a key of every permission.
    @discardableResult
    func call(_ method: HTTPMethod, _ path: String, _ body: JSON? = nil) async throws -> (status: Int, json: JSON) {
        let answer = try await product.call(method, host: name, "/api/v0" + path, body, headers: ["X-API-Key": key])
        return (answer.status.code, answer.json)
    }

    /// The first object of an answer that must be one.
    func first(_ method: HTTPMethod, _ path: String, _ body: JSON? = nil) async throws -> JSON {
        let answer = try await call(method, path, body)
        guard (200..<300).contains(answer.status) else {
            throw CommandFailure(command: path, status: Int32(answer.status), output: "\(answer.json)")
        }
        return answer.json["data"]?[0] ?? .null
    }

    /// All of a list.
    func list(_ path: String) async throws -> [JSON] {
        var found: [JSON] = []
        var after: String?
        repeat {
            let more = after.map { "&after=\($0)" } ?? ""
            let page = try await call(.get, path + (path.contains("?") ? "&" : "?") + "limit=200" + more).json
            found += page["data"]?.array ?? []
            after = page["next"]?.string
        } while after != nil
        return found
    }

    /// The secret that Emarsys signs with at present.
    func secret() async throws -> String {
        try await first(.get, "/integrations/emarsys/webhook")["secret"]?.string ?? ""
    }

    /// Sends a webhook as Emarsys does.
    func webhook(
        _ body: JSON, order: Bool = false, secret: String? = nil, token: String? = nil, raw: [UInt8]? = nil
    ) async throws -> (status: Int, json: JSON, headers: HTTPHeaders) {
        let signing: String
        if let secret { signing = secret } else { signing = token == nil ? try await self.secret() : "" }
        let bearer = token ?? EventBench.token(secret: Array(signing.utf8))
        let path = "/api/v0/webhooks/incoming/emarsys/\(order ? "order" : "custom")_external_event"
        return try await product.post(path, host: name, raw ?? body.encoded(), authorization: "Bearer " + bearer)
    }

    /// Asks again and again until an answer fits; nil after so many seconds.
    func eventually<T>(within seconds: Int = 20, _ ask: () async throws -> T?) async throws -> T? {
        let end = MonotonicTime.now + .seconds(seconds)
        repeat {
            if let answer = try await ask() { return answer }
            try await Task.sleep(for: .milliseconds(50))
        } while MonotonicTime.now < end
        return nil
    }

    /// Has no sooner than this an end: the event has had its turn.
    func processed(_ id: String?) async throws -> JSON? {
        try await eventually { () -> JSON? in
            let event = try await first(.get, "/events/\(id ?? "")")
            guard ["processed", "rejected", "failed"].contains(event["status"]?.string ?? "") else { return nil }
            return event
        }
    }
}

/// Where deliveries of live instances go: answers as told, after as long as told.
final class LiveSink: HTTPResponder {
    struct Received: Sendable {
        let path: String
        let id: String
        let signature: WebhookSigner.Signature
        let body: [UInt8]
        var json: JSON { (try? JSON.parse(body)) ?? .null }
    }

    private let state = Mutex<(status: HTTPStatus, headers: HTTPHeaders, received: [Received])>((.ok, [:], []))
    private let hangs: Bool
    private let group = EventLoopGroup(loops: 1)

    /// - Parameter hangs: takes connections and requests, and never answers
    init(hangs: Bool = false) { self.hangs = hangs }

    /// Opens it until the tests end; answers its address.
    func open() throws -> String {
        let opened = HTTPServer(
            configuration: HTTPServerConfiguration(address: .loopback(port: 0)), group: group, responder: self)
        let address = try opened.bind()
        Task(executorPreference: group.loops[0]) { try? await opened.run() }
        return "http://\(address)"
    }

    var received: [Received] { state.withLock(\.received) }

    /// What it answers from now on.
    func answer(_ status: HTTPStatus, headers: HTTPHeaders = [:]) {
        state.withLock {
            $0.status = status
            $0.headers = headers
        }
    }

    func respond(to request: HTTPRequest) async -> HTTPResponse {
        let received = Received(
            path: request.path, id: request.header("webhook-id") ?? "",
            signature: .init(
                id: request.header("webhook-id") ?? "", timestamp: request.header("webhook-timestamp") ?? "",
                signature: request.header("webhook-signature") ?? ""), body: request.body)
        let (status, headers) = state.withLock { state in
            state.received.append(received)
            return (state.status, state.headers)
        }
        if hangs { try? await Task.sleep(for: .seconds(60)) }
        var response = HTTPResponse.text("a word of the sink", status: status)
        for header in headers { response.headers.set(header.name, header.value) }
        return response
    }
}
