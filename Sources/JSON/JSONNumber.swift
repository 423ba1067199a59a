/// A JSON number that keeps the text it was written with, so that amounts and long ids survive unchanged.
///
/// Equality is that of the text: `1` and `1.0` differ.
public struct JSONNumber: Sendable, Hashable, CustomStringConvertible {
    /// The number as it stands in the document.
    public let text: String

    /// An integer.
    public init(_ value: some BinaryInteger) {
        text = String(value)
    }

    /// A finite number in the shortest text that reads back as the same `Double`.
    public init?(_ value: Double) {
        guard value.isFinite else { return nil }
        if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 {
            text = String(whole)
        } else {
            text = value.description
        }
    }

    /// A number written in the grammar of RFC 8259 section 6, such as `12.50`; nil for any other text.
    public init?(decimal: String) {
        let bytes = Array(decimal.utf8)
        var position = 0
        guard (try? JSONGrammar.number(bytes.span.bytes, &position)) != nil, position == bytes.count else { return nil }
        text = decimal
    }

    /// Text that a parser has checked.
    init(checked: String) {
        text = checked
    }

    /// The value where it is an integer written without fraction or exponent, or with a fraction of zeros.
    public var int64: Int64? {
        if let value = Int64(text) { return value }
        guard let point = text.utf8.firstIndex(of: UInt8(ascii: ".")),
            text.utf8[text.utf8.index(after: point)...].allSatisfy({ $0 == UInt8(ascii: "0") })
        else { return nil }
        return Int64(text[..<point])
    }

    /// The nearest `Double`; nil where that is infinite.
    public var double: Double? {
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }

    /// The text.
    public var description: String { text }
}
