import EventLoop
import HTTP
import Synchronization
import Testing

@Suite("The client")
struct ClientTests {
    /// Runs the body on a loop with a client of its own.
    private func withClient(
        idleTimeout: Duration = .seconds(30), _ body: @escaping @Sendable (HTTPClient) async throws -> Void
    ) async throws {
        let group = EventLoopGroup(loops: 1)
        let client = HTTPClient(group: group, idleTimeout: idleTimeout)
        let result = await Task(executorPreference: group.loops[0]) { try await body(client) }.result
        client.close()
        group.shutDown()
        try result.get()
    }

    private func url(_ address: SocketAddress, _ target: String = "/") throws -> HTTPURL {
        try #require(HTTPURL("http://\(address)\(target)"))
    }

    @Test("uses one connection for requests after one another")
    func reuse() async throws {
        let peers = Mutex<Set<SocketAddress?>>([])
        try await withServer { _ in
        } responder: { request in
            peers.withLock { _ = $0.insert(request.remoteAddress) }
            return .text("\(request.method) \(request.target) \(request.body.count) \(request.host ?? "")")
        } _: { _, address in
            try await withClient { client in
                for number in 1...5 {
                    let request = HTTPClientRequest(
                        method: .post, url: try url(address, "/\(number)?q"), body: [1, 2, 3])
                    let response = try await client.send(request)
                    #expect(String(decoding: response.body, as: UTF8.self) == "POST /\(number)?q 3 \(address)")
                }
                #expect(peers.withLock { $0.count } == 1)
            }
        }
    }

    @Test("works from outside its loops, many requests at once")
    func manyAtOnce() async throws {
        try await withServer { _, address in
            let group = EventLoopGroup(loops: 2)
            let client = HTTPClient(group: group)
            let url = try url(address)
            let answers = try await withThrowingTaskGroup(of: Int.self) { tasks in
                for _ in 0..<100 {
                    tasks.addTask { try await client.send(HTTPClientRequest(url: url)).status.code }
                }
                return try await tasks.reduce(into: 0) { sum, code in sum += code }
            }
            #expect(answers == 20_000)
            client.close()
            group.shutDown()
        }
    }

    @Test("closes connections that are kept for too long")
    func eviction() async throws {
        try await withServer { server, address in
            try await withClient(idleTimeout: .milliseconds(20)) { client in
                _ = try await client.send(HTTPClientRequest(url: try url(address)))
                #expect(server.connectionCount == 1)
                while server.connectionCount > 0 { try await EventLoop.current?.sleep(for: .milliseconds(5)) }
            }
        }
    }

    @Test(
        "understands every way in which an answer can end",
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\n\r\n", "abc"),
            ("HTTP/1.0 200 OK\r\n\r\nabc", "abc"),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
                ""
            ),
        ])
    func framings(answer: String, body: String) async throws {
        try await withScript([answer]) { address, _ in
            try await withClient { client in
                let response = try await client.send(HTTPClientRequest(url: try url(address)))
                #expect(String(decoding: response.body, as: UTF8.self) == body)
            }
        }
    }

    @Test(
        "refuses answers that it cannot be sure of",
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", HTTPClientError.Code.connectionLost),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", .connectionLost),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", .invalidResponse),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", .invalidResponse),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", .invalidResponse),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\n", .invalidResponse),
            ("SSH-2.0-OpenSSH_9.2\r\n", .invalidResponse),
            ("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", .responseTooLarge),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n", .responseTooLarge),
            ("HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "a", count: 101), .responseTooLarge),
            ("", .connectionLost),
        ])
    func invalidAnswers(answer: String, expected: HTTPClientError.Code) async throws {
        try await withScript([answer, answer]) { address, _ in
            try await withClient { client in
                let request = HTTPClientRequest(url: try url(address), maxResponseBytes: 100)
                #expect(await failure(client, request)?.code == expected)
            }
        }
    }

    @Test("sends an idempotent request again when the kept connection was dead, another one never")
    func staleConnection() async throws {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        for (method, expected) in [(HTTPMethod.get, nil), (.post, HTTPClientError.Code.connectionLost)] {
            // The first connection answers once and closes when it sees the next request.
            try await withScript([answer, answer], closesAt: 2) { address, requests in
                try await withClient { client in
                    let url = try url(address)
                    _ = try await client.send(HTTPClientRequest(url: url))
                    #expect(await failure(client, HTTPClientRequest(method: method, url: url))?.code == expected)
                    #expect(requests.value.withLock { $0 } == (expected == nil ? 3 : 2))
                }
            }
        }
    }

    @Test("connects to no private address under the public policy, whatever name it has")
    func addressPolicy() async throws {
        try await withServer { server, address in
            try await withClient { client in
                let port = address.port ?? 0
                let hosts = ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "ip6-localhost", "0.0.0.0"]
                for host in hosts {
                    guard let url = HTTPURL("http://\(host):\(port)/") else { continue }
                    let code = await failure(client, HTTPClientRequest(url: url, addressPolicy: .publicOnly()))?.code
                    #expect(code == .addressRefused || (host == "ip6-localhost" && code == .nameNotFound))
                }
                #expect(server.connectionCount == 0)
                let block = try #require(CIDRBlock("127.0.0.0/8"))
                let url = try url(address)
                let allowed = HTTPClientRequest(url: url, addressPolicy: .publicOnly(allowing: [block]))
                #expect(try await client.send(allowed).status == .ok)
                // The kept connection is no way round a stricter policy.
                #expect(
                    await failure(client, HTTPClientRequest(url: url, addressPolicy: .publicOnly()))?.code
                        == .addressRefused)
            }
        }
    }

    @Test("gives up in time, also while the server is silent, and when cancelled")
    func timeouts() async throws {
        let gate = Gate()
        try await withServer { _ in
        } responder: { _ in
            await gate.pass()
            return .text("late")
        } _: { _, address in
            try await withClient { client in
                let url = try url(address)
                #expect(
                    await failure(client, HTTPClientRequest(url: url, timeout: .milliseconds(20)))?.code == .timedOut)
                let waiting = Task(executorPreference: EventLoop.current) {
                    await failure(client, HTTPClientRequest(url: url))?.code
                }
                await gate.waitForVisitor()
                waiting.cancel()
                #expect(await waiting.value == .cancelled)
            }
            gate.open()
        }
    }

    @Test("does not follow redirects")
    func redirects() async throws {
        try await withServer { _ in
        } responder: { _ in
            HTTPResponse(status: .found, headers: ["Location": "http://127.0.0.1:1/"])
        } _: { _, address in
            try await withClient { client in
                let response = try await client.send(HTTPClientRequest(url: try url(address)))
                #expect(response.status == .found)
            }
        }
    }

    @Test("sends no field that would split the request or change its framing")
    func invalidRequests() async throws {
        try await withServer { _, address in
            try await withClient { client in
                let url = try url(address)
                for headers: HTTPHeaders in [["X": "a\r\nY: b"], ["X Y": "a"], ["content-length": "3"], ["Host": "b"]] {
                    #expect(
                        await failure(client, HTTPClientRequest(url: url, headers: headers))?.code == .invalidRequest)
                }
            }
        }
    }

    @Test("tells names that do not exist and ports where nobody listens apart")
    func unreachable() async throws {
        try await withClient { client in
            let name = try #require(HTTPURL("http://no-such-host.invalid/"))
            let code = await failure(client, HTTPClientRequest(url: name))?.code
            #expect(code == .nameNotFound || code == .nameUnavailable)
            let listener = try ListeningSocket(.loopback(port: 0))
            let address = listener.address
            listener.close()
            #expect(await failure(client, HTTPClientRequest(url: try url(address)))?.code == .connectionFailed)
        }
    }
}

/// Why the client got no answer; nil if it got one.
func failure(_ client: HTTPClient, _ request: HTTPClientRequest) async -> HTTPClientError? {
    do throws(HTTPClientError) {
        _ = try await client.send(request)
        return nil
    } catch {
        return error
    }
}

/// A server that sends scripted answers, each connection the given ones in turn, and then closes. It counts the
/// requests. `closesAt` closes the first connection when that request of it comes, without an answer.
private func withScript(
    _ answers: [String], closesAt: Int? = nil,
    _ body: @escaping @Sendable (SocketAddress, SharedCount) async throws -> Void
) async throws {
    let requests = SharedCount()
    let group = EventLoopGroup(loops: 1)
    let loop = group.loops[0]
    let listener = try ListeningSocket(.loopback(port: 0))
    let address = listener.address
    nonisolated(unsafe) let accepting = listener
    let server = Task(executorPreference: loop) {
        var connections = 0
        while let accepted = try? await accepting.accept() {
            connections += 1
            let isFirst = connections == 1
            Task(executorPreference: loop) {
                let stream = try accepted.open()
                defer { stream.close() }
                var buffer = ByteBuffer()
                for (number, answer) in answers.enumerated() {
                    while !ByteStreamText.text(buffer).contains("\r\n\r\n") {
                        if try await stream.read(into: &buffer) == 0 { return }
                    }
                    buffer.skip(buffer.count)
                    requests.value.withLock { $0 += 1 }
                    if isFirst, number + 1 == closesAt { return }
                    try await stream.write(Array(answer.utf8))
                    if closesAt == nil { return }
                }
            }
        }
    }
    let result = await Task { try await body(address, requests) }.result
    server.cancel()
    _ = await server.value
    group.shutDown()
    try result.get()
}

final class SharedCount: Sendable {
    let value = Mutex(0)
}

private enum ByteStreamText {
    static func text(_ buffer: ByteBuffer) -> String {
        buffer.withBytes { bytes in bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
    }
}
