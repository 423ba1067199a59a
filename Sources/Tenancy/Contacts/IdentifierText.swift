/// Reading of identifiers as people and programs write them.
enum IdentifierText {
    /// Words that stand for nothing: Segment's blocked values and what Emarsys fields hold when nobody knows better.
    private static let absent: Set<String> = [
        "", "0", "-", "--", "-1", "n/a", "na", "null", "nil", "none", "undefined", "anonymous", "unknown", "(null)",
        "x",
    ]

    /// The text without surrounding blanks; nil where it stands for nothing.
    static func present(_ raw: String) -> String? {
        let trimmed = trimmed(raw)
        if trimmed.utf8.count <= 11, absent.contains(trimmed.lowercased()) { return nil }
        if trimmed.utf8.allSatisfy({ $0 == 0x30 }) { return nil }
        return trimmed
    }

    /// The text without surrounding white space and invisible marks.
    static func trimmed(_ raw: String) -> String {
        // Nearly every value is clean ASCII already.
        let bytes = raw.utf8
        guard let first = bytes.first, let last = bytes.last else { return raw }
        if first > 0x20, first < 0x7F, last > 0x20, last < 0x7F { return raw }
        var scalars = Substring(raw).unicodeScalars
        while let scalar = scalars.first, isBlank(scalar) { scalars.removeFirst() }
        while let scalar = scalars.last, isBlank(scalar) { scalars.removeLast() }
        return String(String.UnicodeScalarView(scalars))
    }

    /// White space, control and format characters: bidirectional marks, zero-width spaces, byte order marks.
    static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value <= 0x20 || scalar.value == 0x7F { return true }
        if scalar.value < 0x80 { return false }
        let properties = scalar.properties
        if properties.isWhitespace { return true }
        switch properties.generalCategory {
        case .format, .control, .spaceSeparator, .lineSeparator, .paragraphSeparator: return true
        default: return properties.isDefaultIgnorableCodePoint
        }
    }
}
