import JSON

/// Values that a preset sends where a contact has none. They identify nobody and count as not sent.
enum AbsentValue {
    /// Whether a trimmed text stands for "no value": empty, null in words, only zeros, only dashes, `-1`, `anonymous`.
    static func matches(_ text: String) -> Bool {
        let bytes = text.utf8
        guard let first = bytes.first else { return true }
        if first == UInt8(ascii: "0") || first == UInt8(ascii: "-"), bytes.allSatisfy({ $0 == first }) { return true }
        guard bytes.count <= 9 else { return false }
        switch text.lowercased() {
        case "null", "undefined", "anonymous", "-1", "n/a", "none", "nil": return true
        default: return false
        }
    }

    /// The text of a string or number that holds a value: trimmed, absent ones as nil.
    static func text(_ json: JSON?) -> String? {
        let raw: String
        switch json {
        case .string(let value)?: raw = value
        case .number(let value)?: raw = value.int64.map(String.init) ?? value.text
        default: return nil
        }
        let trimmed = raw.trimmed
        return matches(trimmed) ? nil : trimmed
    }
}

extension String {
    /// Without white space and line ends around it.
    var trimmed: String {
        guard let first = unicodeScalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = unicodeScalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        if first == unicodeScalars.startIndex, unicodeScalars.index(after: last) == unicodeScalars.endIndex {
            return self
        }
        return String(unicodeScalars[first...last])
    }
}
