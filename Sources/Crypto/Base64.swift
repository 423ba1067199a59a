/// Base64 with padding (RFC 4648 section 4), read strictly.
public enum Base64 {
    /// The text of the bytes.
    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        Base64Codec.standard.encode(bytes, pads: true)
    }

    /// The bytes of a text; nil where it has foreign characters, white space, wrong padding or stray bits at its end.
    public static func decode(_ text: String) -> [UInt8]? {
        decode(Array(text.utf8)[...])
    }

    /// The bytes of a text.
    public static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        let padding = text.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
        let digits = text.dropLast(padding)
        guard padding == 0 || digits.count % 4 == 4 - padding else { return nil }
        return Base64Codec.standard.decode(digits.span.bytes, 0..<digits.count)
    }
}

/// Base64url without padding (RFC 7515 section 2), read strictly.
public enum Base64URL {
    /// The text of the bytes.
    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        Base64Codec.url.encode(bytes, pads: false)
    }

    /// The bytes of a text; nil where it has foreign characters, padding, white space, or stray bits at its end.
    public static func decode(_ text: String) -> [UInt8]? {
        let text = Array(text.utf8)
        return decode(text.span.bytes, 0..<text.count)
    }

    /// The bytes of a text.
    public static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        decode(text.span.bytes, 0..<text.count)
    }

    /// The bytes of a text that stands in a range.
    public static func decode(_ text: RawSpan, _ range: Range<Int>) -> [UInt8]? {
        Base64Codec.url.decode(text, range)
    }
}

/// An alphabet of 64 digits with the table that reads it.
final class Base64Codec: Sendable {
    static let standard = Base64Codec("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    static let url = Base64Codec("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

    private let digits: [UInt8]
    /// The value of each byte, 255 for those outside the alphabet.
    private let values: [UInt8]

    private init(_ alphabet: String) {
        digits = Array(alphabet.utf8)
        var values = [UInt8](repeating: 255, count: 256)
        for (index, digit) in digits.enumerated() { values[Int(digit)] = UInt8(index) }
        self.values = values
    }

    func encode(_ bytes: some Collection<UInt8>, pads: Bool) -> String {
        let text: String? = bytes.withContiguousStorageIfAvailable { encode($0.span.bytes, pads: pads) }
        return text ?? encode(Array(bytes).span.bytes, pads: pads)
    }

    private func encode(_ bytes: RawSpan, pads: Bool) -> String {
        let digits = digits
        let length = pads ? (bytes.byteCount + 2) / 3 * 4 : (bytes.byteCount * 4 + 2) / 3
        return String(unsafeUninitializedCapacity: length) { text in
            var bits: UInt32 = 0
            var pending = 0
            var count = 0
            for place in 0..<bytes.byteCount {
                bits = bits << 8 | UInt32(bytes.unsafeLoad(fromByteOffset: place, as: UInt8.self))
                pending += 8
                while pending >= 6 {
                    pending -= 6
                    text[count] = digits[Int(bits >> UInt32(pending) & 63)]
                    count += 1
                }
            }
            if pending > 0 {
                text[count] = digits[Int(bits << UInt32(6 - pending) & 63)]
                count += 1
            }
            while count < length {
                text[count] = UInt8(ascii: "=")
                count += 1
            }
            return count
        }
    }

    func decode(_ text: RawSpan, _ range: Range<Int>) -> [UInt8]? {
        guard range.count % 4 != 1 else { return nil }
        var isValid = true
        let values = values
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count / 4 * 3 + 2) { buffer, count in
            var place = range.lowerBound
            // The high bits of any value outside the alphabet stay in here.
            var seen: UInt8 = 0
            while place + 4 <= range.upperBound {
                let a = values[Int(text.unsafeLoad(fromByteOffset: place, as: UInt8.self))]
                let b = values[Int(text.unsafeLoad(fromByteOffset: place + 1, as: UInt8.self))]
                let c = values[Int(text.unsafeLoad(fromByteOffset: place + 2, as: UInt8.self))]
                let d = values[Int(text.unsafeLoad(fromByteOffset: place + 3, as: UInt8.self))]
                seen |= a | b | c | d
                buffer[count] = a << 2 | b >> 4
                buffer[count + 1] = b << 4 | c >> 2
                buffer[count + 2] = c << 6 | d
                count += 3
                place += 4
            }
            var bits: UInt32 = 0
            var pending = 0
            while place < range.upperBound {
                let value = values[Int(text.unsafeLoad(fromByteOffset: place, as: UInt8.self))]
                seen |= value
                bits = bits << 6 | UInt32(value & 63)
                pending += 6
                if pending >= 8 {
                    pending -= 8
                    buffer[count] = UInt8(truncatingIfNeeded: bits >> UInt32(pending))
                    count += 1
                }
                place += 1
            }
            isValid = seen < 64 && bits & (1 << UInt32(pending) - 1) == 0
        }
        return isValid ? bytes : nil
    }
}
