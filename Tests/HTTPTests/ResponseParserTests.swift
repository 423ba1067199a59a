import Testing

@testable import HTTP

@Suite("The response parser")
struct ResponseParserTests {
    private func head(_ text: String, to method: HTTPMethod = .get) throws(HTTPParseError) -> HTTPResponseHead? {
        var parser = HTTPResponseParser()
        let bytes = Array(text.utf8)
        for count in 1..<bytes.count {
            if case .head = try parser.head(of: bytes.span.bytes.extracting(0..<count), to: method) {
                Issue.record("a head before its end")
                return nil
            }
        }
        guard case .head(let head, let length) = try parser.head(of: bytes.span.bytes, to: method) else { return nil }
        #expect(length == bytes.count)
        return head
    }

    @Test("reads status, fields and framing")
    func reads() throws {
        let plain = try #require(try head("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: \t y \r\n\r\n"))
        #expect(plain.status == .ok)
        #expect(plain.framing == .length(5))
        #expect(plain.headers["x"] == "y")
        #expect(plain.keepsAlive)
        let chunked = try #require(try head("HTTP/1.1 201 \r\nTransfer-Encoding: CHUNKED\r\nConnection: close\r\n\r\n"))
        #expect(chunked.framing == .chunked)
        #expect(!chunked.keepsAlive)
        let open = try #require(try head("HTTP/1.1 200\r\n\r\n"))
        #expect(open.framing == .untilClose)
        #expect(!open.keepsAlive)
        #expect(try head("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n")?.keepsAlive == false)
        #expect(try head("HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n\r\n")?.keepsAlive == true)
    }

    @Test("answers without body have none, whatever they announce", arguments: [100, 103, 204, 304])
    func bodiless(_ code: Int) throws {
        #expect(try head("HTTP/1.1 \(code) x\r\nContent-Length: 5\r\n\r\n")?.framing == .length(0))
        #expect(try head("HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n", to: .head)?.framing == .length(0))
    }

    @Test(
        "refuses whatever could be read in two ways",
        arguments: [
            ("HTTP/2 200 OK\r\n\r\n", HTTPParseError.unsupportedVersion), ("HTTP/1.1 20 OK\r\n\r\n", .malformedHead),
            ("HTTP/1.1 2000 OK\r\n\r\n", .malformedHead), ("HTTP/1.1 600 OK\r\n\r\n", .malformedHead),
            ("HTTP/1.1  200 OK\r\n\r\n", .malformedHead), ("http/1.1 200 OK\r\n\r\n", .malformedHead),
            ("ICY 200 OK and more\r\n\r\n", .malformedHead), ("HTTP/1.1 099 OK\r\n\r\n", .malformedHead),
            ("HTTP/1.1 200 OK\n\n", .bareLF), ("HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", .bareCR),
            ("HTTP/1.1 200 OK\r\nX: a\0\r\n\r\n", .controlCharacter),
            ("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", .foldedField),
            ("HTTP/1.1 200 OK\r\nX : a\r\n\r\n", .malformedField),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", .invalidContentLength),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n", .invalidContentLength),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", .conflictingFraming),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", .conflictingFraming),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .invalidTransferEncoding),
            ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .invalidTransferEncoding),
        ])
    func refuses(_ text: String, _ error: HTTPParseError) {
        #expect(throws: error) { try head(text) }
    }

    @Test("limits the head")
    func limits() {
        let long = "HTTP/1.1 200 OK\r\nX: " + String(repeating: "y", count: 70_000)
        var parser = HTTPResponseParser()
        #expect(throws: HTTPParseError.headTooLarge) { try parser.head(of: Array(long.utf8).span.bytes, to: .get) }
        let many = "HTTP/1.1 200 OK\r\n" + String(repeating: "X: y\r\n", count: 201) + "\r\n"
        parser = HTTPResponseParser()
        #expect(throws: HTTPParseError.headTooLarge) { try parser.head(of: Array(many.utf8).span.bytes, to: .get) }
    }
}
