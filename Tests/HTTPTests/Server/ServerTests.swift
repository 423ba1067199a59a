import EventLoop
import HTTP
import Testing

@Suite("The server")
struct ServerTests {
    @Test("answers with date, request id and nosniff, and keeps the connection for the next request")
    func keepAlive() async throws {
        try await withServer { _, address in
            let client = try await RawClient(address)
            var ids: Set<String> = []
            for number in 1...3 {
                try await client.send("GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
                let (head, body) = try await client.answer()
                #expect(body == "GET /\(number) ")
                #expect(head.hasPrefix("HTTP/1.1 200 OK\r\nDate: "))
                #expect(head.contains("\r\nX-Content-Type-Options: nosniff\r\n"))
                #expect(!head.contains("Server:"))
                #expect(!head.contains("Connection:"))
                let id = head.split(separator: "\r\n").first { $0.hasPrefix("X-Request-Id: ") }
                ids.insert(String(try #require(id)))
            }
            #expect(ids.count == 3)
            client.stream.close()
        }
    }

    @Test("answers pipelined requests in order and in one write")
    func pipelining() async throws {
        try await withServer { _, address in
            let client = try await RawClient(address)
            let requests = (1...50).map { "POST /\($0) HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi" }
            try await client.send(requests.joined())
            for number in 1...50 {
                #expect(try await client.answer().body == "POST /\(number) hi")
            }
            client.stream.close()
        }
    }

    @Test("reads a request that comes byte by byte")
    func byteByByte() async throws {
        try await withServer { _, address in
            let client = try await RawClient(address)
            let request = "POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            for byte in request.utf8 { try await client.stream.write([byte]) }
            #expect(try await client.answer().body == "POST /slow abc")
            client.stream.close()
        }
    }

    @Test("answers HEAD with the length and no body")
    func head() async throws {
        try await withServer { _, address in
            let client = try await RawClient(address)
            try await client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await client.answer(isHead: true).head.contains("\r\nContent-Length: 8"))
            #expect(try await client.answer().body == "GET /y ")
            client.stream.close()
        }
    }

    @Test("asks for the body with 100 Continue where the client waits for it")
    func expectContinue() async throws {
        try await withServer { _, address in
            let client = try await RawClient(address)
            try await client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            try await client.read { $0 == "HTTP/1.1 100 Continue\r\n\r\n" }
            try await client.send("abc")
            let text = try await client.read { $0.hasSuffix("PUT / abc") }
            #expect(text.contains("\r\n\r\nHTTP/1.1 200 OK\r\n"))
            client.stream.close()
        }
    }

    @Test("closes when the client asks for it, and after HTTP/1.0")
    func connectionClose() async throws {
        try await withServer { _, address in
            for request in [
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
            ] {
                let client = try await RawClient(address)
                try await client.send(request)
                #expect(try await client.rest().contains("\r\nConnection: close\r\n"))
                client.stream.close()
            }
            let old = try await RawClient(address)
            try await old.send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
            #expect(try await old.answer().head.contains("\r\nConnection: keep-alive"))
            old.stream.close()
        }
    }

    @Test(
        "refuses what is no request with problem+json and closes, whatever follows",
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", 400, "missing_host"),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
                "conflicting_framing"
            ),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400, "malformed_chunk"),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "unsupported_version"),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: <20000 bytes>\r\n\r\n", 431, "head_too_large"),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", 413, "body_too_large"),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n", 413, "body_too_large"),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n", 413,
                "body_too_large"
            ),
        ])
    func refusals(request: String, status: Int, code: String) async throws {
        try await withServer {
            $0.bodyLimit = { _ in 100 }
        } _: { _, address in
            let client = try await RawClient(address)
            let request = request.replacing("<20000 bytes>", with: String(repeating: "x", count: 20_000))
            try await client.send(request + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
            let text = try await client.rest()
            #expect(text.hasPrefix("HTTP/1.1 \(status) "))
            #expect(text.contains("\r\nContent-Type: application/problem+json\r\n"))
            #expect(text.contains("\r\nX-Request-Id: "))
            #expect(text.contains("\r\nConnection: close\r\n"))
            #expect(text.contains("\"code\":\"\(code)\""))
            #expect(!text.contains("smuggled"))
            client.stream.close()
        }
    }

    @Test("lets a client that keeps sending read its last answer before the connection ends")
    func lingers() async throws {
        let body = [UInt8](repeating: 0x61, count: 1 << 20)
        try await withServer {
            $0.bodyLimit = { _ in 100 }
        } _: { _, address in
            for request in [
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            ] {
                let client = try await RawClient(address)
                try await client.stream.write(Array(request.utf8) + body)
                let text = try await client.rest()
                #expect(text.hasPrefix(request.hasPrefix("GET") ? "HTTP/1.1 200 " : "HTTP/1.1 413 "))
                client.stream.close()
            }
        }
    }

    @Test("answers the valid requests before an invalid one")
    func validThenInvalid() async throws {
        try await withServer { _, address in
            let client = try await RawClient(address)
            try await client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost : a\r\n\r\n")
            #expect(try await client.answer().body == "GET /1 ")
            #expect(try await client.rest().hasPrefix("HTTP/1.1 400 "))
            client.stream.close()
        }
    }

    @Test("sends no body with 204 and replaces fields that would split the answer")
    func unusualAnswers() async throws {
        let responder: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
            request.path == "/204"
                ? HTTPResponse(status: .noContent)
                : HTTPResponse(status: .ok, headers: ["X": "a\r\nSet-Cookie: b"])
        }
        try await withServer(responder: responder) { _, address in
            let client = try await RawClient(address)
            try await client.send("GET /204 HTTP/1.1\r\nHost: a\r\n\r\nGET /split HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await !client.answer().head.contains("Content-Length"))
            let (head, _) = try await client.answer()
            #expect(head.hasPrefix("HTTP/1.1 500 "))
            #expect(!head.contains("Set-Cookie"))
            client.stream.close()
        }
    }

    @Test("takes the body of a large request and gives a large answer")
    func largeBodies() async throws {
        let size = 3 << 20
        try await withServer {
            $0.bodyLimit = { _ in 4 << 20 }
        } responder: { request in
            HTTPResponse(status: .ok, body: .bytes(request.body))
        } _: { _, address in
            let client = try await RawClient(address)
            nonisolated(unsafe) let stream = client.stream
            let writer = Task(executorPreference: EventLoop.current) {
                try await stream.write(Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n".utf8))
                try await stream.write([UInt8](repeating: 0x61, count: size))
            }
            var buffer = ByteBuffer()
            var total = 0
            while total < size {
                total += try await stream.read(into: &buffer)
                buffer.skip(buffer.count)
            }
            #expect(total < size + 1000)
            try await writer.value
            stream.close()
        }
    }

    @Test("listens on a unix socket")
    func unixSocket() async throws {
        let path = "/tmp/charles-emarsys-server-test.sock"
        try await withServer {
            $0.address = .unix(path)
        } _: { _, address in
            let client = try await RawClient(address)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await client.answer().body == "GET / ")
            client.stream.close()
        }
    }
}
