import EventLoop
import HTTP
import Testing

/// A responder made of a closure.
struct ClosureResponder: HTTPResponder {
    let body: @Sendable (HTTPRequest) async -> HTTPResponse

    func respond(to request: HTTPRequest) async -> HTTPResponse { await body(request) }
}

/// Runs a server on two loops and the body on a loop of its own; stops both afterwards.
func withServer(
    _ configure: @Sendable (inout HTTPServerConfiguration) -> Void = { _ in },
    responder: @escaping @Sendable (HTTPRequest) async -> HTTPResponse = echo,
    _ body: @escaping @Sendable (HTTPServer, SocketAddress) async throws -> Void
) async throws {
    var configuration = HTTPServerConfiguration(address: .loopback(port: 0))
    configuration.drainTimeout = .seconds(5)
    configuration.drainGrace = .milliseconds(50)
    configure(&configuration)
    let group = EventLoopGroup(loops: 2)
    let clients = EventLoopGroup(loops: 1)
    let server = HTTPServer(
        configuration: configuration, group: group, responder: ClosureResponder(body: responder))
    let address = try server.bind()
    let running = Task { try await server.run() }
    let result = await Task(executorPreference: clients.loops[0]) { try await body(server, address) }.result
    running.cancel()
    try await running.value
    group.shutDown()
    clients.shutDown()
    try result.get()
}

/// Answers with the method, the target and the body.
let echo: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
    .text("\(request.method) \(request.target) \(String(decoding: request.body, as: UTF8.self))")
}

/// A client that writes bytes as they are and reads until what it expects has come.
final class RawClient {
    let stream: ByteStream
    private var buffer = ByteBuffer()

    init(_ address: SocketAddress) async throws {
        stream = try await ByteStream.connect(to: address, deadline: .now + .seconds(5))
        stream.deadline = .now + .seconds(10)
    }

    func send(_ text: String) async throws { try await stream.write(Array(text.utf8)) }

    /// All that has come and was not taken yet.
    var received: String {
        buffer.withBytes { bytes in bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
    }

    /// Reads until the condition holds or the server closes.
    @discardableResult
    func read(until isEnough: (String) -> Bool) async throws -> String {
        while !isEnough(received) {
            if try await stream.read(into: &buffer) == 0 { break }
        }
        return received
    }

    /// Reads one answer with `Content-Length` and takes it.
    func answer(isHead: Bool = false) async throws -> (head: String, body: String) {
        var end: String.Index?
        try await read { text in
            guard let found = text.firstRange(of: "\r\n\r\n") else { return false }
            let head = text[..<found.lowerBound]
            let length = isHead ? 0 : Self.length(head)
            guard text[found.upperBound...].utf8.count >= length else { return false }
            end = text.utf8.index(found.upperBound, offsetBy: length)
            return true
        }
        let text = received
        let found = try #require(text.firstRange(of: "\r\n\r\n"), "no answer but: \(text)")
        let last = try #require(end, "no whole answer but: \(text)")
        buffer.skip(text[..<last].utf8.count)
        return (String(text[..<found.lowerBound]), String(text[found.upperBound..<last]))
    }

    /// Reads until the server closes.
    func rest() async throws -> String { try await read { _ in false } }

    private static func length(_ head: Substring) -> Int {
        for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix("content-length: ") {
            return Int(line.dropFirst(16)) ?? 0
        }
        return 0
    }
}
