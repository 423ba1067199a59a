/// Where a value stands in the bytes that a `JSONScanner` went through.
public struct JSONSlice: Sendable, Hashable {
    /// The kind of the value.
    public let kind: JSONKind
    /// The whole text of the value; of a string with its quotes.
    public let range: Range<Int>
    /// Whether a string has escapes, so that its text is not its bytes.
    public let hasEscapes: Bool

    /// The text of a string between its quotes, escapes and all; of other values their text.
    public var content: Range<Int> {
        kind == .string ? range.lowerBound + 1..<range.upperBound - 1 : range
    }

    /// The text of a string with escapes resolved; nil for other kinds.
    public func string(in bytes: RawSpan) -> String? {
        guard kind == .string else { return nil }
        return JSONGrammar.text(bytes, content, hasEscapes: hasEscapes)
    }

    /// Whether this is a string with the given text, however it is escaped. `text` is ASCII.
    @inline(__always)
    public func equals(_ text: StaticString, in bytes: RawSpan) -> Bool {
        guard kind == .string else { return false }
        if hasEscapes { return string(in: bytes) == "\(text)" }
        let content = content
        guard content.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<content.count {
            guard JSONGrammar.byte(bytes, content.lowerBound + index) == text.utf8Start[index] else { return false }
        }
        return true
    }

    /// The number; nil for other kinds.
    public func number(in bytes: RawSpan) -> JSONNumber? {
        guard kind == .number else { return nil }
        return JSONNumber(checked: JSONGrammar.text(bytes, range, hasEscapes: false))
    }

    /// The truth value; nil for other kinds.
    public func bool(in bytes: RawSpan) -> Bool? {
        guard kind == .bool else { return nil }
        return JSONGrammar.byte(bytes, range.lowerBound) == UInt8(ascii: "t")
    }

    /// The value as a tree. The scanner has checked it already.
    public func json(in bytes: RawSpan, maxDepth: Int = 64) throws(JSONError) -> JSON {
        try JSON.parse(bytes.extracting(range), maxDepth: maxDepth)
    }
}
