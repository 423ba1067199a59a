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
struct Base64Codec: Sendable {
    static let standard = Base64Codec("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    static let url = Base64Codec("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

    private let digits: InlineArray<64, UInt8>
    /// The value of each byte, 255 for those outside the alphabet.
    private let values: InlineArray<256, UInt8>

    private init(_ alphabet: StaticString) {
        var digits = InlineArray<64, UInt8>(repeating: 0)
        var values = InlineArray<256, UInt8>(repeating: 255)
        for index in 0..<64 {
            digits[index] = alphabet.utf8Start[index]
            values[Int(alphabet.utf8Start[index])] = UInt8(index)
        }
        self.digits = digits
        self.values = values
    }

    func encode(_ bytes: some Collection<UInt8>, pads: Bool) -> String {
        String(decoding: encodeBytes(bytes, pads: pads), as: UTF8.self)
    }

    func encodeBytes(_ bytes: some Collection<UInt8>, pads: Bool) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(digits[Int(bits >> UInt32(count) & 63)])
            }
        }
        if count > 0 { text.append(digits[Int(bits << UInt32(6 - count) & 63)]) }
        while pads, text.count % 4 != 0 { text.append(UInt8(ascii: "=")) }
        return text
    }

    func decode(_ text: RawSpan, _ range: Range<Int>) -> [UInt8]? {
        guard range.count % 4 != 1 else { return nil }
        var isValid = true
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count / 4 * 3 + 2) { buffer, count in
            var bits: UInt32 = 0
            var pending = 0
            // The high bit of any value outside the alphabet stays in here.
            var seen: UInt8 = 0
            for place in range {
                let value = values[Int(text.unsafeLoad(fromByteOffset: place, as: UInt8.self))]
                seen |= value
                bits = bits << 6 | UInt32(value & 63)
                pending += 6
                if pending >= 8 {
                    pending -= 8
                    buffer[count] = UInt8(truncatingIfNeeded: bits >> UInt32(pending))
                    count += 1
                }
            }
            isValid = seen < 64 && bits & (1 << UInt32(pending) - 1) == 0
        }
        return isValid ? bytes : nil
    }
}
