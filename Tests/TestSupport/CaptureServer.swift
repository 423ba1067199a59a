import EventLoop
public import HTTP
import Synchronization

/// A server in the test's own process that remembers what it was asked and answers 204, or hands on to another server.
public final class CaptureServer: HTTPResponder {
    /// Where it listens.
    public var baseURL: String { "http://127.0.0.1:\(port.load(ordering: .relaxed))" }

    private let port = Atomic<Int>(0)
    private let target: String?
    private let client: HTTPClient
    private let seen = Mutex<[HTTPRequest]>([])
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// Starts a server.
    ///
    /// - Parameter target: where to hand requests on to, without a path; nil answers 204 to all
    public static func start(handingOnTo target: String? = nil) throws -> CaptureServer {
        let group = EventLoopGroup(loops: 1)
        let server = CaptureServer(target, HTTPClient(group: group))
        guard let address = SocketAddress("127.0.0.1:0") else {
            throw CommandFailure(command: "listen", status: -1, output: "")
        }
        let http = HTTPServer(
            configuration: HTTPServerConfiguration(address: address), group: group, responder: server)
        let bound = try http.bind()
        server.port.store(Int("\(bound)".split(separator: ":").last ?? "") ?? 0, ordering: .relaxed)
        let task = Task(executorPreference: group.next()) { _ = try? await http.run() }
        server.task.withLock { $0 = task }
        return server
    }

    private init(_ target: String?, _ client: HTTPClient) {
        self.target = target
        self.client = client
    }

    /// Stops it.
    public func stop() { task.withLock { $0 }?.cancel() }

    /// What it was asked so far.
    public var requests: [HTTPRequest] { seen.withLock { $0 } }

    /// Waits until one of the requests fits.
    public func wait(seconds: Double = 20, for fits: (HTTPRequest) -> Bool) async throws -> HTTPRequest {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            if let found = requests.first(where: fits) { return found }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw CommandFailure(command: "wait", status: -1, output: "no such request among \(requests.count)")
    }

    /// Remembers and answers.
    public func respond(to request: HTTPRequest) async -> HTTPResponse {
        seen.withLock { $0.append(request) }
        guard let target else { return HTTPResponse(status: .noContent) }
        var headers = HTTPHeaders()
        for field in request.headers {
            switch field.name.lowercased() {
            case "host", "content-length", "connection", "transfer-encoding": continue
            default: headers.add(field.name, field.value)
            }
        }
        guard let url = HTTPURL(target + request.target),
            let answer = try? await client.send(
                HTTPClientRequest(
                    method: request.method, url: url, headers: headers, body: request.body, addressPolicy: .any))
        else { return HTTPResponse(status: .badGateway) }
        var kept = HTTPHeaders()
        for field in answer.headers {
            switch field.name.lowercased() {
            case "content-length", "connection", "transfer-encoding", "date", "keep-alive": continue
            default: kept.add(field.name, field.value)
            }
        }
        return HTTPResponse(status: answer.status, headers: kept, body: .bytes(answer.body))
    }
}
