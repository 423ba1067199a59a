import Testing

@testable import HTTP

@Suite("The chunked decoder")
struct ChunkedDecoderTests {
    private func decode(_ text: String, limit: Int = 1 << 20) throws(HTTPParseError) -> (body: String, rest: Int)? {
        let bytes = Array(text.utf8)
        var decoder = HTTPChunkedDecoder(limit: limit)
        var body: [UInt8] = []
        let count = try decoder.decode(bytes.span.bytes, into: &body)
        return decoder.isDone ? (String(decoding: body, as: UTF8.self), bytes.count - count) : nil
    }

    @Test("joins chunks, drops extensions and trailers, stops at the end")
    func joins() throws {
        let result = try decode("5;a;b=c;d=\"e;\\\"f\"\r\nhello\r\n00A\r\n, 10 bytes\r\n0;x\r\nX-Sum: 1\r\n\r\nGET")
        #expect(result?.body == "hello, 10 bytes")
        #expect(result?.rest == 3)
        #expect(try decode("0\r\n\r\n")?.body == "")
        #expect(try decode("0\r\n") == nil)
        #expect(try decode("5\r\nhel") == nil)
        #expect(try decode("5\r\nhello\r") == nil)
    }

    @Test(
        "refuses whatever is not exactly right",
        arguments: [
            ("+5\r\nhello\r\n", HTTPParseError.malformedChunk), ("-5\r\nhello\r\n", .malformedChunk),
            ("0x5\r\nhello\r\n", .malformedChunk), ("5_0\r\nhello\r\n", .malformedChunk),
            (" 5\r\nhello\r\n", .malformedChunk),
            ("5 \r\nhello\r\n", .malformedChunk), ("\r\nhello\r\n", .malformedChunk), (";a\r\n", .malformedChunk),
            ("5\nhello\r\n", .bareLF), ("5\rhello\r\n", .bareCR), ("5\r\nhello\n0\r\n\r\n", .malformedChunk),
            ("5\r\nhelloX", .malformedChunk), ("5\r\nhello\rX", .malformedChunk),
            ("5\r\nhello\r\n\r\n", .malformedChunk),
            ("FFFFFFFFFFFFFFFF\r\n", .malformedChunk), ("10000000000000005\r\n", .malformedChunk),
            ("7FFFFFFFFFFFFFF\r\n", .bodyTooLarge), ("g\r\n", .malformedChunk), ("5;\r\n", .malformedChunk),
            ("5;a=\r\n", .malformedChunk), ("5; a\r\n", .malformedChunk), ("5;a =b\r\n", .malformedChunk),
            ("5;a=\"b\r\n", .malformedChunk), ("5;a=\"b\\\r\n", .malformedChunk), ("5;a\0\r\n", .controlCharacter),
            ("5;\"a\"\r\n", .malformedChunk), ("0\r\nContent-Length: 5\r\n\r\n", .forbiddenTrailer),
            ("0\r\ntransfer-ENCODING: chunked\r\n\r\n", .forbiddenTrailer), ("0\r\nHost: b\r\n\r\n", .forbiddenTrailer),
            ("0\r\nAuthorization: x\r\n\r\n", .forbiddenTrailer), ("0\r\nX : y\r\n\r\n", .malformedField),
            ("0\r\nX: y\r\n z\r\n\r\n", .foldedField), ("0\r\nX: y\n\r\n", .bareLF),
            ("0\r\nX: \0\r\n\r\n", .controlCharacter),
            ("0\r\n\rX", .bareCR), ("0\r\nX\r\n\r\n", .malformedField),
        ])
    func refuses(_ text: String, _ error: HTTPParseError) {
        #expect(throws: error) { try decode(text) }
        let head = Array("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
        let bytes = head + Array(text.utf8)
        #expect(RequestStream(bytes.indices.map { bytes[$0...$0] }).error == error)
    }

    @Test("limits the content to the byte, and everything around it")
    func limits() throws {
        #expect(try decode("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", limit: 5)?.body == "abcde")
        #expect(throws: HTTPParseError.bodyTooLarge) { try decode("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", limit: 5) }
        #expect(throws: HTTPParseError.bodyTooLarge) { try decode("6\r\n", limit: 5) }
        #expect(throws: HTTPParseError.malformedChunk) {
            try decode("5;" + String(repeating: "a", count: 600) + "\r\nhello\r\n")
        }
        #expect(throws: HTTPParseError.malformedChunk) {
            try decode("0\r\n" + String(repeating: "X: y\r\n", count: 4000) + "\r\n")
        }
        #expect(throws: HTTPParseError.malformedChunk) {
            try decode(String(repeating: "1;" + String(repeating: "a", count: 400) + "\r\nx\r\n", count: 100))
        }
        let small = String(repeating: "1\r\nx\r\n", count: 10_000) + "0\r\n\r\n"
        #expect(try decode(small)?.body.utf8.count == 10_000)
    }
}
