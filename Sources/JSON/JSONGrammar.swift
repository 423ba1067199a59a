/// The terminals of RFC 8259 over bytes. Each function reads from `position` and leaves it behind what it read;
/// every load is bounds-checked by `RawSpan`.
enum JSONGrammar {
    static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")

    @inline(__always)
    static func byte(_ bytes: RawSpan, _ position: Int) -> UInt8 {
        bytes.unsafeLoad(fromByteOffset: position, as: UInt8.self)
    }

    @inline(__always)
    static func skipWhitespace(_ bytes: RawSpan, _ position: inout Int) {
        while position < bytes.byteCount {
            switch byte(bytes, position) {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    /// Reads `true`, `false` or `null`.
    static func literal(_ text: StaticString, _ bytes: RawSpan, _ position: inout Int) throws(JSONError) {
        let length = text.utf8CodeUnitCount
        for index in 0..<length {
            guard position + index < bytes.byteCount else { throw JSONError(.unexpectedEnd, at: bytes.byteCount) }
            guard byte(bytes, position + index) == text.utf8Start[index] else {
                throw JSONError(.unexpectedByte, at: position + index)
            }
        }
        position += length
    }

    /// Reads a number by the grammar of section 6: no leading zero, no plus sign, digits around the point.
    static func number(_ bytes: RawSpan, _ position: inout Int) throws(JSONError) {
        let end = bytes.byteCount
        if position < end, byte(bytes, position) == UInt8(ascii: "-") { position += 1 }
        guard position < end else { throw JSONError(.unexpectedEnd, at: position) }
        if byte(bytes, position) == UInt8(ascii: "0") {
            position += 1
            if position < end, isDigit(byte(bytes, position)) { throw JSONError(.invalidNumber, at: position) }
        } else {
            try digits(bytes, &position)
        }
        if position < end, byte(bytes, position) == UInt8(ascii: ".") {
            position += 1
            try digits(bytes, &position)
        }
        if position < end, byte(bytes, position) | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < end, byte(bytes, position) == UInt8(ascii: "+") || byte(bytes, position) == UInt8(ascii: "-")
            {
                position += 1
            }
            try digits(bytes, &position)
        }
    }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    @inline(__always)
    private static func digits(_ bytes: RawSpan, _ position: inout Int) throws(JSONError) {
        let start = position
        while position < bytes.byteCount, isDigit(byte(bytes, position)) { position += 1 }
        if position == start {
            throw JSONError(position < bytes.byteCount ? .invalidNumber : .unexpectedEnd, at: position)
        }
    }

    /// What a string turned out to contain.
    struct StringTraits {
        var hasEscapes = false
        /// The escape `\u0000`, which PostgreSQL's jsonb refuses.
        var hasNUL = false
    }

    /// Reads the rest of a string whose opening quote is behind; the closing quote is left behind too.
    @inline(__always)
    static func string(_ bytes: RawSpan, _ position: inout Int) throws(JSONError) -> StringTraits {
        var traits = StringTraits()
        let end = bytes.byteCount
        while true {
            // Eight bytes at a time while none of them is a quote, a backslash, a control character or beyond ASCII.
            while position + 8 <= end {
                let word = bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self)
                let special = specialBytes(word)
                if special != 0 {
                    position += special.littleEndian.trailingZeroBitCount >> 3
                    break
                }
                position += 8
            }
            guard position < end else { throw JSONError(.unexpectedEnd, at: end) }
            let current = byte(bytes, position)
            if current == quote {
                position += 1
                return traits
            }
            if current == backslash {
                traits.hasEscapes = true
                if try escape(bytes, &position) == 0 { traits.hasNUL = true }
            } else if current < 0x20 {
                throw JSONError(.controlCharacter, at: position)
            } else if current < 0x80 {
                position += 1
            } else {
                try multibyte(bytes, &position)
            }
        }
    }

    /// The first byte from `start` on that a string must escape: a quote, a backslash or a control character.
    @inline(__always)
    static func nextToEscape(_ bytes: RawSpan, _ start: Int) -> Int {
        var position = start
        while position < bytes.byteCount {
            if position + 8 <= bytes.byteCount {
                let word = bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self)
                if escapableBytes(word) == 0 {
                    position += 8
                    continue
                }
            }
            let current = byte(bytes, position)
            if current < 0x20 || current == quote || current == backslash { return position }
            position += 1
        }
        return position
    }

    /// The high bit of each byte that needs a closer look. The lowest marked byte is exact; higher ones may be too many.
    @inline(__always)
    private static func specialBytes(_ word: UInt64) -> UInt64 {
        escapableBytes(word) | word & 0x8080_8080_8080_8080
    }

    /// The same for quotes, backslashes and control characters alone.
    @inline(__always)
    private static func escapableBytes(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* 0x22)
        let backslashes = word ^ (ones &* 0x5C)
        let isControl = (word &- (ones &* 0x20)) & ~word
        let isQuote = (quotes &- ones) & ~quotes
        let isBackslash = (backslashes &- ones) & ~backslashes
        return (isControl | isQuote | isBackslash) & 0x8080_8080_8080_8080
    }

    /// Reads one escape from its backslash on.
    /// - Returns: the scalar it stands for.
    static func escape(_ bytes: RawSpan, _ position: inout Int) throws(JSONError) -> UInt32 {
        guard position + 1 < bytes.byteCount else { throw JSONError(.unexpectedEnd, at: bytes.byteCount) }
        let start = position
        let letter = byte(bytes, position + 1)
        position += 2
        switch letter {
        case quote, backslash, UInt8(ascii: "/"): return UInt32(letter)
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "f"): return 0x0C
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "u"):
            let first = try hex4(bytes, &position)
            guard first & 0xF800 == 0xD800 else { return first }
            guard first < 0xDC00, position + 1 < bytes.byteCount, byte(bytes, position) == backslash,
                byte(bytes, position + 1) == UInt8(ascii: "u")
            else { throw JSONError(.invalidEscape, at: start) }
            position += 2
            let second = try hex4(bytes, &position)
            guard second & 0xFC00 == 0xDC00 else { throw JSONError(.invalidEscape, at: start) }
            return 0x10000 + ((first & 0x3FF) << 10) + (second & 0x3FF)
        default: throw JSONError(.invalidEscape, at: start)
        }
    }

    private static func hex4(_ bytes: RawSpan, _ position: inout Int) throws(JSONError) -> UInt32 {
        guard position + 4 <= bytes.byteCount else { throw JSONError(.unexpectedEnd, at: bytes.byteCount) }
        var value: UInt32 = 0
        for _ in 0..<4 {
            let current = byte(bytes, position)
            let lower = current | 0x20
            if isDigit(current) {
                value = value << 4 | UInt32(current - 0x30)
            } else if lower >= UInt8(ascii: "a"), lower <= UInt8(ascii: "f") {
                value = value << 4 | UInt32(lower - UInt8(ascii: "a") + 10)
            } else {
                throw JSONError(.invalidEscape, at: position)
            }
            position += 1
        }
        return value
    }

    /// Reads one scalar beyond ASCII by table 3-7 of the Unicode Standard: no overlong form, no surrogate, none above 10FFFF.
    private static func multibyte(_ bytes: RawSpan, _ position: inout Int) throws(JSONError) {
        let first = byte(bytes, position)
        let length: Int
        var lowest: UInt8 = 0x80
        var highest: UInt8 = 0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, lowest) = (3, 0xA0)
        case 0xED: (length, highest) = (3, 0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, lowest) = (4, 0x90)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, highest) = (4, 0x8F)
        default: throw JSONError(.invalidUTF8, at: position)
        }
        guard position + length <= bytes.byteCount else { throw JSONError(.invalidUTF8, at: position) }
        let second = byte(bytes, position + 1)
        guard second >= lowest, second <= highest else { throw JSONError(.invalidUTF8, at: position) }
        for index in 2..<max(length, 2) where byte(bytes, position + index) & 0xC0 != 0x80 {
            throw JSONError(.invalidUTF8, at: position)
        }
        position += length
    }

    /// The text of a string whose content (without quotes) has been checked and lies in `range`.
    static func text(_ bytes: RawSpan, _ range: Range<Int>, hasEscapes: Bool) -> String {
        if !hasEscapes {
            return bytes.extracting(range).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        }
        var scalars = String.UnicodeScalarView()
        var plain = range.lowerBound
        var position = range.lowerBound
        while position < range.upperBound {
            guard byte(bytes, position) == backslash else {
                position += 1
                continue
            }
            append(bytes, plain..<position, to: &scalars)
            if let value = try? escape(bytes, &position), let scalar = Unicode.Scalar(value) { scalars.append(scalar) }
            plain = position
        }
        append(bytes, plain..<range.upperBound, to: &scalars)
        return String(scalars)
    }

    private static func append(_ bytes: RawSpan, _ range: Range<Int>, to scalars: inout String.UnicodeScalarView) {
        guard !range.isEmpty else { return }
        let piece = bytes.extracting(range).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        scalars.append(contentsOf: piece.unicodeScalars)
    }
}
