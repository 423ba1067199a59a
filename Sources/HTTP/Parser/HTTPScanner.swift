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

    /// The first byte from `start` on that no token may have. Letters and hyphens go eight at a time.
    @inline(__always)
    static func tokenEnd(_ bytes: RawSpan, _ start: Int, _ end: Int) -> Int {
        var place = start
        while place + 8 <= end {
            let others = otherThanLettersAndHyphens(bytes.unsafeLoadUnaligned(fromByteOffset: place, as: UInt64.self))
            guard others == 0 else {
                place += others.littleEndian.trailingZeroBitCount >> 3
                break
            }
            place += 8
        }
        while place < end, HTTPGrammar.isToken(byte(bytes, place)) { place += 1 }
        return place
    }

    /// The high bit of each byte that is no ASCII letter and no hyphen; exact for all of them.
    @inline(__always)
    private static func otherThanLettersAndHyphens(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs = ones &* 0x80
        // With the high bits away no addition carries into the next byte.
        let lower = (word | ones &* 0x20) & ~highs
        let isLetter = (lower &+ ones &* 0x1F) & ~(lower &+ ones &* 0x05)
        let hyphens = word ^ ones &* 0x2D
        let isNoHyphen = ((hyphens & ~highs) &+ ones &* 0x7F) | hyphens
        return (~isLetter & isNoHyphen | word) & highs
    }

    /// The first byte from `start` on that no target may have: a blank, a control character or one beyond ASCII.
    @inline(__always)
    static func targetEnd(_ bytes: RawSpan, _ start: Int, _ end: Int) -> Int {
        var place = start
        while place + 8 <= end {
            let word = bytes.unsafeLoadUnaligned(fromByteOffset: place, as: UInt64.self)
            let deletes = word ^ 0x7F7F_7F7F_7F7F_7F7F
            let isDelete = (deletes &- 0x0101_0101_0101_0101) & ~deletes
            let others = ((word &- 0x2121_2121_2121_2121) | word | isDelete) & 0x8080_8080_8080_8080
            if others != 0 { return place + others.littleEndian.trailingZeroBitCount >> 3 }
            place += 8
        }
        while place < end, HTTPGrammar.isTarget(byte(bytes, place)) { place += 1 }
        return place
    }

    /// The first `?` or `#` of a range, or its end.
    @inline(__always)
    static func pathEnd(_ bytes: RawSpan, _ start: Int, _ end: Int) -> Int {
        var place = start
        while place + 8 <= end {
            let word = bytes.unsafeLoadUnaligned(fromByteOffset: place, as: UInt64.self)
            let ones: UInt64 = 0x0101_0101_0101_0101
            let marks = word ^ (ones &* 0x3F)
            let hashes = word ^ (ones &* 0x23)
            let hits = (((marks &- ones) & ~marks) | ((hashes &- ones) & ~hashes)) & 0x8080_8080_8080_8080
            if hits != 0 { return place + hits.littleEndian.trailingZeroBitCount >> 3 }
            place += 8
        }
        while place < end, byte(bytes, place) != UInt8(ascii: "?"), byte(bytes, place) != UInt8(ascii: "#") {
            place += 1
        }
        return place
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
        let colon = tokenEnd(bytes, line.lowerBound, line.upperBound)
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
