import Testing

@testable import HTTP

@Suite("The character classes")
struct GrammarTests {
    private static let alphanumerics = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

    @Test("hold exactly the characters that they spell out")
    func classes() {
        let token = Set((Self.alphanumerics + "!#$%&'*+-.^_`|~").utf8)
        let authority = Set((Self.alphanumerics + "-._~!$&'()*+,;=:[]").utf8)
        let unreserved = Set((Self.alphanumerics + "-._~").utf8)
        for byte in UInt8.min...UInt8.max {
            #expect(HTTPGrammar.isToken(byte) == token.contains(byte))
            #expect(HTTPGrammar.isAuthority(byte) == authority.contains(byte))
            #expect(HTTPGrammar.isUnreserved(byte) == unreserved.contains(byte))
            #expect(HTTPGrammar.isTarget(byte) == (byte > 0x20 && byte < 0x7F))
        }
    }

    @Test("are read eight bytes at a time as they are one by one")
    func words() {
        var random = SplitMix(seed: 3)
        let letters = Array("abcxyzABCXYZ-".utf8)
        for round in 0..<20_000 {
            var bytes = (0..<24).map { _ in letters[Int.random(in: 0..<letters.count, using: &random)] }
            bytes[Int.random(in: 0..<24, using: &random)] = UInt8(round & 255)
            bytes[Int.random(in: 0..<24, using: &random)] = UInt8.random(in: 0...255, using: &random)
            let start = Int.random(in: 0..<4, using: &random)
            let span = bytes.span.bytes
            let token = bytes[start...].firstIndex { !HTTPGrammar.isToken($0) } ?? 24
            let target = bytes[start...].firstIndex { !HTTPGrammar.isTarget($0) } ?? 24
            let path = bytes[start...].firstIndex { $0 == 0x3F || $0 == 0x23 } ?? 24
            let isRight =
                HTTPScanner.tokenEnd(span, start, 24) == token && HTTPScanner.targetEnd(span, start, 24) == target
                && HTTPScanner.pathEnd(span, start, 24) == path
            if !isRight { Issue.record("\(bytes) from \(start)") }
        }
    }
}
