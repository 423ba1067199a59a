import JSON

/// Emarsys writes the same thing as number here and as string there; these take both.
extension JSON {
    /// A string, or a number as it was written.
    var looseText: String? {
        switch self {
        case .string(let text): text
        case .number(let number): number.text
        case .bool(let flag): flag ? "true" : "false"
        default: nil
        }
    }

    /// A whole number, or a string that holds one.
    var looseInt: Int? {
        switch self {
        case .string(let text): Int(text)
        case .number(let number): number.int64.map { Int(clamping: $0) }
        default: nil
        }
    }
}
