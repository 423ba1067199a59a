/// Percent-decoding of path segments and `application/x-www-form-urlencoded` pairs.
public enum HTTPForm {
    /// The pairs of a query or a form body in order. Pairs that decode to no valid text are left out.
    public static func items(_ bytes: ArraySlice<UInt8>) -> [(name: String, value: String)] {
        bytes.split(separator: UInt8(ascii: "&")).compactMap { pair in
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decode(parts[0], plusIsSpace: true) else { return nil }
            guard let value = parts.count == 2 ? decode(parts[1], plusIsSpace: true) : "" else { return nil }
            return (name, value)
        }
    }

    /// Percent-decoded text; nil for a broken escape, invalid UTF-8 or a NUL.
    public static func decode(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool = false) -> String? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var place = bytes.startIndex
        while place < bytes.endIndex {
            let byte = bytes[place]
            place += 1
            switch byte {
            case UInt8(ascii: "%"):
                guard place + 1 < bytes.endIndex, let high = HTTPGrammar.hexValue(bytes[place]),
                    let low = HTTPGrammar.hexValue(bytes[place + 1])
                else { return nil }
                decoded.append(high << 4 | low)
                place += 2
            case UInt8(ascii: "+") where plusIsSpace: decoded.append(0x20)
            default: decoded.append(byte)
            }
        }
        guard !decoded.contains(0) else { return nil }
        return String(validating: decoded, as: UTF8.self)
    }

    /// Percent-encodes everything but unreserved characters (RFC 3986 section 2.3).
    public static func encode(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            if HTTPGrammar.isUnreserved(byte) {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// Pairs as `application/x-www-form-urlencoded`.
    public static func encode(_ items: [(name: String, value: String)]) -> String {
        items.map { encode($0.name) + "=" + encode($0.value) }.joined(separator: "&")
    }
}
