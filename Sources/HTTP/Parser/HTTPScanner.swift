/// Looks through bytes, eight at a time.
enum HTTPScanner {
    @inline(__always)
    static func byte(_ bytes: RawSpan, _ position: Int) -> UInt8 {
        bytes.unsafeLoad(fromByteOffset: position, as: UInt8.self)
    }

    /// The end of the line that begins before `position`: where its CRLF starts.
    /// - Parameter position: where to go on looking; left at the CR, or where to look next time.
    /// - Returns: whether a whole CRLF is there.
    /// - Throws: for a bare CR, a bare LF and every control character but tab.
    @inline(__always)
    static func lineEnd(_ bytes: RawSpan, _ position: inout Int) throws(HTTPParseError) -> Bool {
        let end = bytes.byteCount
        while true {
            while position + 8 <= end {
                let controls = controlBytes(bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self))
                if controls != 0 {
                    position += controls.littleEndian.trailingZeroBitCount >> 3
                    break
                }
                position += 8
            }
            guard position < end else { return false }
            switch byte(bytes, position) {
            case 0x0D:
                guard position + 1 < end else { return false }
                guard byte(bytes, position + 1) == 0x0A else { throw .bareCR }
                return true
            case 0x0A: throw .bareLF
            case 0x09, 0x20...0x7E, 0x80...: position += 1
            default: throw .controlCharacter
            }
        }
    }

    /// The high bit of each byte below 0x20 or equal to 0x7F. The lowest mark is exact; higher ones may be too many.
    @inline(__always)
    private static func controlBytes(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let deletes = word ^ (ones &* 0x7F)
        return (((word &- (ones &* 0x20)) & ~word) | ((deletes &- ones) & ~deletes)) & 0x8080_8080_8080_8080
    }

    /// Whether the bytes of a range are `name` without regard to ASCII case; `name` is in lower case.
    @inline(__always)
    static func equals(_ bytes: RawSpan, _ range: Range<Int>, _ name: StaticString) -> Bool {
        guard range.count == name.utf8CodeUnitCount else { return false }
        for index in 0..<range.count {
            guard HTTPGrammar.lowercased(byte(bytes, range.lowerBound + index)) == name.utf8Start[index] else {
                return false
            }
        }
        return true
    }

    /// The range without spaces and tabs at its ends.
    @inline(__always)
    static func trimmed(_ bytes: RawSpan, _ range: Range<Int>) -> Range<Int> {
        var lower = range.lowerBound
        var upper = range.upperBound
        while lower < upper, isBlank(byte(bytes, lower)) { lower += 1 }
        while lower < upper, isBlank(byte(bytes, upper - 1)) { upper -= 1 }
        return lower..<upper
    }

    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Splits a field line.
    /// - Throws: `malformedField` unless a token stands directly before the colon.
    @inline(__always)
    static func field(_ bytes: RawSpan, _ line: Range<Int>) throws(HTTPParseError) -> (
        name: Range<Int>, value: Range<Int>
    ) {
        if isBlank(byte(bytes, line.lowerBound)) { throw .foldedField }
        var colon = line.lowerBound
        while colon < line.upperBound, HTTPGrammar.isToken(byte(bytes, colon)) { colon += 1 }
        guard colon > line.lowerBound, colon < line.upperBound, byte(bytes, colon) == UInt8(ascii: ":") else {
            throw .malformedField
        }
        return (line.lowerBound..<colon, trimmed(bytes, colon + 1..<line.upperBound))
    }

    /// The number of a `Content-Length`: digits alone.
    static func contentLength(_ bytes: RawSpan, _ range: Range<Int>) throws(HTTPParseError) -> Int {
        guard !range.isEmpty else { throw .invalidContentLength }
        var length = 0
        for position in range {
            let digit = byte(bytes, position)
            guard HTTPGrammar.isDigit(digit) else { throw .invalidContentLength }
            let (tens, overflow) = length.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(Int(digit - 0x30))
            guard !overflow, !carry else { throw .invalidContentLength }
            length = sum
        }
        return length
    }

    /// Calls `body` for each element of a comma-separated list.
    static func forEachElement(_ bytes: RawSpan, _ range: Range<Int>, _ body: (Range<Int>) -> Void) {
        var start = range.lowerBound
        for position in range where byte(bytes, position) == UInt8(ascii: ",") {
            body(trimmed(bytes, start..<position))
            start = position + 1
        }
        body(trimmed(bytes, start..<range.upperBound))
    }
}
