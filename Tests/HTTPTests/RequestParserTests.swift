import Testing

@testable import HTTP

@Suite("The request parser")
struct RequestParserTests {
    @Test("keeps what it read, and makes strings of it on demand")
    func head() throws {
        let text =
            "POST /api/v0/contacts?limit=5&q=a%20b+c#x HTTP/1.1\r\nHost: Acme.example:8080\r\n"
            + "X-One:\t first \t\r\nx-one: second\r\nContent-Length: 3\r\nEmpty:\r\n\r\nabc"
        var parser = HTTPRequestParser()
        guard case .head(let head, let length) = try parser.head(of: Array(text.utf8).span.bytes) else {
            Issue.record("no head")
            return
        }
        #expect(length == text.utf8.count - 3)
        #expect(head.method == .post)
        #expect(head.path == "/api/v0/contacts")
        #expect(head.query == "limit=5&q=a%20b+c")
        #expect(head.host == "Acme.example:8080")
        #expect(head.header("X-ONE") == "first")
        #expect(head.headerValues("x-one") == ["first", "second"])
        #expect(head.header("empty") == "")
        #expect(head.header("missing") == nil)
        #expect(head.framing == .length(3))
        #expect(head.keepsAlive)
        #expect(head.headers.count == 5)
        let request = HTTPRequest(head: head)
        #expect(request.queryItem("limit") == "5")
        #expect(request.queryItem("q") == "a b c")
        #expect(request.queryItem("none") == nil)
    }

    @Test(
        "refuses what could be framed in two ways, and reads nothing behind it",
        arguments: [
            ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", HTTPParseError.conflictingFraming),
            ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", .conflictingFraming),
            ("Transfer-Encoding: gzip, chunked\r\n", .invalidTransferEncoding),
            ("Transfer-Encoding: chunked, chunked\r\n", .invalidTransferEncoding),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", .invalidTransferEncoding),
            ("Transfer-Encoding: identity\r\n", .invalidTransferEncoding),
            ("Transfer-Encoding: \u{0B}chunked\r\n", .controlCharacter),
            ("Transfer-Encoding: xchunked\r\n", .invalidTransferEncoding),
            ("Transfer-Encoding: \"chunked\"\r\n", .invalidTransferEncoding),
            ("Transfer-Encoding:\r\n", .invalidTransferEncoding),
            ("Content-Length: 3\r\nContent-Length: 3\r\n", .invalidContentLength),
            ("Content-Length: 3, 3\r\n", .invalidContentLength), ("Content-Length: +3\r\n", .invalidContentLength),
            ("Content-Length: -3\r\n", .invalidContentLength), ("Content-Length: 0x3\r\n", .invalidContentLength),
            ("Content-Length: 3_0\r\n", .invalidContentLength), ("Content-Length: 3.0\r\n", .invalidContentLength),
            ("Content-Length: ٣\r\n", .invalidContentLength),
            ("Content-Length: 9223372036854775808\r\n", .invalidContentLength),
            ("Content-Length : 3\r\n", .malformedField), ("Content-Length\t: 3\r\n", .malformedField),
            ("Transfer-Encoding : chunked\r\n", .malformedField),
            ("X: a\r\n b\r\n", .foldedField), ("X: a\r\n\tb\r\n", .foldedField),
            ("X: a\rb\r\n", .bareCR), ("X: a\nb\r\n", .bareLF), ("X: a\n", .bareLF), ("X: a\r\r\n", .bareCR),
            ("X: a\0b\r\n", .controlCharacter), ("X: a\u{1}\r\n", .controlCharacter),
            ("X: \u{7F}\r\n", .controlCharacter),
            ("X\0: a\r\n", .controlCharacter), (": a\r\n", .malformedField), ("X\r\n", .malformedField),
            ("X Y: a\r\n", .malformedField), ("Xé: a\r\n", .malformedField), ("X(): a\r\n", .malformedField),
            ("Expect: 200-ok\r\n", .unknownExpectation),
        ])
    func framing(_ fields: String, _ error: HTTPParseError) {
        for order in ["Host: a\r\n" + fields, fields + "Host: a\r\n"] {
            let stream = RequestStream("POST / HTTP/1.1\r\n\(order)\r\nGET /smuggled HTTP/1.1\r\nHost: b\r\n\r\n")
            #expect(stream.error == error)
            #expect(stream.requests.isEmpty)
        }
    }

    @Test(
        "takes one valid Host and no other",
        arguments: [
            ("", HTTPParseError?.some(.missingHost)), ("Host: a\r\nHost: a\r\n", .repeatedHost),
            ("Host: a\r\nhOST: b\r\n", .repeatedHost), ("Host:\r\n", .invalidHost), ("Host: a b\r\n", .invalidHost),
            ("Host: a, b\r\n", .invalidHost), ("Host: a/b\r\n", .invalidHost), ("Host: u@a\r\n", .invalidHost),
            ("Host: a:b\r\n", .invalidHost), ("Host: a:80:80\r\n", .invalidHost), ("Host: a:65536\r\n", .invalidHost),
            ("Host: a:000080\r\n", .invalidHost), ("Host: :80\r\n", .invalidHost), ("Host: a%2eb\r\n", .invalidHost),
            ("Host: a?b\r\n", .invalidHost), ("Host: a#b\r\n", .invalidHost), ("Host: a\\b\r\n", .invalidHost),
            ("Host: é\r\n", .invalidHost), ("Host: [::1\r\n", .invalidHost), ("Host: ::1\r\n", .invalidHost),
            ("Host: [::1]x\r\n", .invalidHost), ("Host: []\r\n", .invalidHost), ("Host: [g]\r\n", .invalidHost),
            ("Host: a\r\n", nil), ("Host: A.B.:80\r\n", nil), ("Host: a:\r\n", nil), ("Host: [::1]:8080\r\n", nil),
            ("Host: 127.0.0.1\r\n", nil),
        ])
    func host(_ fields: String, _ error: HTTPParseError?) {
        #expect(RequestStream("GET / HTTP/1.1\r\n\(fields)\r\n").error == error)
    }

    @Test(
        "compares an absolute target with Host",
        arguments: [
            ("http://a/x", "a", HTTPParseError?.none), ("HTTP://A/x", "a", nil), ("http://a", "a", nil),
            ("http://a?x", "a", nil), ("http://a:80/", "a", nil), ("http://a/", "a:80", nil),
            ("https://a:443/", "a", nil),
            ("http://a:8080/", "a:8080", nil), ("http://b/", "a", .hostMismatch), ("http://a:81/", "a", .hostMismatch),
            ("http://a.b/", "a", .hostMismatch), ("http://a@b/", "b", .invalidTarget),
            ("http://b@a/", "a", .invalidTarget),
            ("http:///x", "a", .invalidTarget), ("ftp://a/", "a", .invalidTarget), ("http:/x", "a", .invalidTarget),
            ("a/x", "a", .invalidTarget), ("a:80", "a", .invalidTarget), ("//b/x", "a", nil), ("*", "a", nil),
            ("?x", "a", .invalidTarget), ("http://a\\@b/", "a", .invalidTarget),
        ])
    func absoluteTarget(_ target: String, _ host: String, _ error: HTTPParseError?) {
        #expect(RequestStream("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n").error == error)
    }

    @Test(
        "refuses request lines that are not exactly right",
        arguments: [
            ("GET /\r\n", HTTPParseError.malformedHead), ("GET  / HTTP/1.1\r\n", .malformedHead),
            ("GET / HTTP/1.1 \r\n", .malformedHead), ("GET /  HTTP/1.1\r\n", .malformedHead),
            ("GET\t/ HTTP/1.1\r\n", .malformedHead), (" GET / HTTP/1.1\r\n", .malformedHead),
            ("GET / x HTTP/1.1\r\n", .malformedHead), ("GET /é HTTP/1.1\r\n", .invalidTarget),
            ("GET /\tx HTTP/1.1\r\n", .invalidTarget), ("GET /\0 HTTP/1.1\r\n", .controlCharacter),
            ("GET / http/1.1\r\n", .malformedHead), ("GET / HTTP/1\r\n", .malformedHead),
            ("GET / HTTP/11\r\n", .malformedHead), ("GET / HTTP/1.10\r\n", .malformedHead),
            ("GET / HTTP/2.0\r\n", .unsupportedVersion), ("GET / HTTP/0.9\r\n", .unsupportedVersion),
            ("GET / HTTP/3.1", .unsupportedVersion), ("get / HTTP/1.1\r\n", .unknownMethod),
            ("BREW / HTTP/1.1\r\n", .unknownMethod), ("CONNECT a:80 HTTP/1.1\r\n", .unknownMethod),
            ("PRI * HTTP/2.0\r\n", .unknownMethod), ("GET / HTTP/1.1\n", .bareLF), ("GET / HTTP/1.1\r\r\n", .bareCR),
            ("\n", .bareLF), ("\r\r", .bareCR), ("\r\n\r\n", .malformedHead), ("\u{16}\u{3}\u{1}", .controlCharacter),
        ])
    func requestLine(_ line: String, _ error: HTTPParseError) {
        let rest = line.hasSuffix("\n") ? "Host: a\r\n\r\n" : ""
        let bytes = Array((line + rest).utf8)
        #expect(RequestStream(bytes).error == error)
        #expect(RequestStream(bytes.indices.map { bytes[$0...$0] }).error != nil)
    }

    @Test("pipelined requests each have their own Host, target and body")
    func pipelining() {
        let stream = RequestStream(
            "POST /1 HTTP/1.1\r\nHost: one\r\nContent-Length: 4\r\n\r\nGET \r\nGET /2 HTTP/1.1\r\nHost: two\r\n\r\n"
                + "POST /3 HTTP/1.1\r\nHost: three\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
                + "GET /4 HTTP/1.1\r\nConnection: keep-alive , ClosE\r\nHost: four\r\n\r\nGET /5 HTTP/1.1\r\nHost: five\r\n\r\n"
        )
        #expect(stream.error == nil)
        #expect(stream.requests == ["POST /1 one GET ", "GET /2 two ", "POST /3 three hi", "GET /4 four "])
        #expect(stream.ignored == "GET /5 HTTP/1.1\r\nHost: five\r\n\r\n".utf8.count)
        let missing = RequestStream("GET /1 HTTP/1.1\r\nHost: one\r\n\r\nGET /2 HTTP/1.1\r\n\r\n")
        #expect(missing.requests == ["GET /1 one "])
        #expect(missing.error == .missingHost)
    }

    @Test("HTTP/1.0 closes unless it asks otherwise, and has no chunks")
    func http10() {
        #expect(RequestStream("GET / HTTP/1.0\r\nHost: a\r\n\r\nGET").ignored == 3)
        #expect(RequestStream("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\nGET").isUnfinished)
        #expect(
            RequestStream("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").error
                == .invalidTransferEncoding)
        #expect(RequestStream("GET / HTTP/1.0\r\n\r\n").error == .missingHost)
        #expect(RequestStream("GET / HTTP/1.9\r\nHost: a\r\n\r\nGET").isUnfinished)
    }

    @Test("limits bytes, fields and target")
    func limits() throws {
        func error(_ text: String, _ limits: HTTPRequestParser.Limits) -> HTTPParseError? {
            var parser = HTTPRequestParser(limits: limits)
            do throws(HTTPParseError) {
                _ = try parser.head(of: Array(text.utf8).span.bytes)
                return nil
            } catch {
                return error
            }
        }
        let head = "GET /\(String(repeating: "x", count: 99)) HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n"
        let size = head.utf8.count
        #expect(error(head, .init(headBytes: size, fields: 2, targetBytes: 100)) == nil)
        #expect(error(head, .init(headBytes: size - 1)) == .headTooLarge)
        #expect(error(head, .init(fields: 1)) == .headTooLarge)
        #expect(error(head, .init(targetBytes: 99)) == .targetTooLong)
        #expect(error(String(head.prefix(104)), .init(targetBytes: 98)) == .targetTooLong)
        #expect(
            error("GET / HTTP/1.1\r\nX: " + String(repeating: "y", count: 100), .init(headBytes: 100)) == .headTooLarge)
        #expect(HTTPParseError.headTooLarge.status == 431)
        #expect(HTTPParseError.targetTooLong.status == 414)
        #expect(HTTPParseError.bodyTooLarge.status == 413)
        #expect(HTTPParseError.conflictingFraming.status == 400)
        #expect(
            RequestStream("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", bodyLimit: 10).error
                == .bodyTooLarge)
    }

    @Test("notices that a head has begun, and knows who waits for 100 Continue")
    func progress() throws {
        var parser = HTTPRequestParser()
        #expect(!parser.isInsideHead)
        _ = try parser.head(of: Array("G".utf8).span.bytes)
        #expect(parser.isInsideHead)
        let text = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n"
        parser = HTTPRequestParser()
        guard case .head(let head, _) = try parser.head(of: Array(text.utf8).span.bytes) else {
            Issue.record("no head")
            return
        }
        #expect(head.expectsContinue)
        #expect(!parser.isInsideHead)
    }

    @Test("random damage never gives another verdict in pieces than as a whole")
    func damage() {
        let seed = Array(
            ("POST http://a:80/x?y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX: y z\r\n\r\n"
                + "5;a=\"b\\\"c\";d\r\nhello\r\n0\r\nT: u\r\n\r\nPUT /2 HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\nhi")
                .utf8)
        let alphabet = Array("\r\n \t:;,=\"\\0aGH/\0\u{7F}".utf8) + [0xFF]
        var random = SplitMix(seed: 42)
        for _ in 0..<4_000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = byte
                case 1: bytes.insert(byte, at: place)
                default: bytes.remove(at: place)
                }
            }
            let whole = RequestStream(bytes)
            let cut = Int.random(in: 0...bytes.count, using: &random)
            let halves = RequestStream([bytes[..<cut], bytes[cut...]])
            let singles = RequestStream(bytes.indices.map { bytes[$0...$0] })
            if !whole.agrees(with: halves) || !whole.agrees(with: singles) {
                Issue.record(
                    "\(String(decoding: bytes, as: UTF8.self).debugDescription)\n\(whole)\n\(halves)\n\(singles)")
                return
            }
        }
    }
}
