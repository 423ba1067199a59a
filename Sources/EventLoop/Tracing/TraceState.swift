/// What systems on a trace's way note of it besides its ids: W3C Trace Context 3.3 (https://www.w3.org/TR/trace-context/), the
/// field `tracestate`. It is passed on as it came; nothing is added to it.
public struct TraceState: Sendable, Hashable {
    /// The value of the field.
    public let value: String

    /// The most characters that are passed on (3.3.1.5), white space and commas included.
    static let mostCharacters = 512
    /// The most entries of a list (3.3.1.1).
    static let mostEntries = 32
    /// The most characters of a key and of a value (3.3.1.3).
    static let mostOfOne = 256

    /// Reads the lines of the field, which are one list (RFC 9110 5.3); nil for one that is empty, not valid or too long, which
    /// counts as absent.
    public init?(lines: [String]) {
        let value = lines.joined(separator: ",")
        guard value.utf8.count <= Self.mostCharacters else { return nil }
        var keys: Set<[UInt8]> = []
        for part in value.utf8.split(separator: UInt8(ascii: ",")) {
            let entry = Self.trimmed(Array(part)[...])
            if entry.isEmpty { continue }
            guard let sign = entry.firstIndex(of: UInt8(ascii: "=")), Self.isKey(entry[..<sign]),
                Self.isValue(entry[(sign + 1)...]), keys.insert(Array(entry[..<sign])).inserted
            else { return nil }
        }
        guard !keys.isEmpty, keys.count <= Self.mostEntries else { return nil }
        self.value = value
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return bytes
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    /// Small letters, digits and `_-*/@`, a letter or digit first: the grammar of Level 2, which takes all keys of Level 1.
    private static func isKey(_ key: ArraySlice<UInt8>) -> Bool {
        guard let first = key.first, key.count <= mostOfOne, isLetterOrDigit(first) else { return false }
        return key.allSatisfy { isLetterOrDigit($0) || "_-*/@".utf8.contains($0) }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// Printable ASCII without `=` (and without the comma, which ends it).
    private static func isValue(_ value: ArraySlice<UInt8>) -> Bool {
        !value.isEmpty && value.count <= mostOfOne
            && value.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "=") }
    }
}
