/// A host with an optional port, checked by RFC 3986 section 3.2 without user information and percent-encoding.
enum HTTPAuthority {
    /// Where host and port stand.
    struct Parts {
        var host: Range<Int>
        /// Without the colon; nil where there is none.
        var port: Range<Int>?
    }

    /// Splits the authority, nil where it is invalid.
    static func parts(_ bytes: RawSpan, _ range: Range<Int>) -> Parts? {
        guard !range.isEmpty else { return nil }
        var position = range.lowerBound
        if HTTPScanner.byte(bytes, position) == UInt8(ascii: "[") {
            position += 1
            while position < range.upperBound, HTTPScanner.byte(bytes, position) != UInt8(ascii: "]") {
                let byte = HTTPScanner.byte(bytes, position)
                guard HTTPGrammar.hexValue(byte) != nil || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".") else {
                    return nil
                }
                position += 1
            }
            guard position < range.upperBound, position > range.lowerBound + 2 else { return nil }
            position += 1
        } else {
            while position < range.upperBound {
                let byte = HTTPScanner.byte(bytes, position)
                if byte == UInt8(ascii: ":") { break }
                guard HTTPGrammar.isAuthority(byte), byte != UInt8(ascii: "["), byte != UInt8(ascii: "]") else {
                    return nil
                }
                position += 1
            }
            guard position > range.lowerBound else { return nil }
        }
        let host = range.lowerBound..<position
        guard position < range.upperBound else { return Parts(host: host, port: nil) }
        guard HTTPScanner.byte(bytes, position) == UInt8(ascii: ":") else { return nil }
        let port = position + 1..<range.upperBound
        var number = 0
        for place in port {
            let digit = HTTPScanner.byte(bytes, place)
            guard HTTPGrammar.isDigit(digit), port.count <= 5 else { return nil }
            number = number * 10 + Int(digit - 0x30)
        }
        return number <= 65535 ? Parts(host: host, port: port) : nil
    }

    /// Whether two authorities name the same server; a missing or empty port is the scheme's own.
    static func agree(_ bytes: RawSpan, _ left: Parts, _ right: Parts, defaultPort: Int) -> Bool {
        guard left.host.count == right.host.count else { return false }
        for index in 0..<left.host.count {
            let one = HTTPScanner.byte(bytes, left.host.lowerBound + index)
            let other = HTTPScanner.byte(bytes, right.host.lowerBound + index)
            guard HTTPGrammar.lowercased(one) == HTTPGrammar.lowercased(other) else { return false }
        }
        return number(bytes, left.port, defaultPort) == number(bytes, right.port, defaultPort)
    }

    private static func number(_ bytes: RawSpan, _ port: Range<Int>?, _ defaultPort: Int) -> Int {
        guard let port, !port.isEmpty else { return defaultPort }
        return port.reduce(0) { $0 * 10 + Int(HTTPScanner.byte(bytes, $1) - 0x30) }
    }
}
