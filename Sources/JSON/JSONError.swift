/// Why a text is no JSON, or not JSON that is taken here.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The cause.
    public enum Reason: String, Sendable {
        /// The text ends inside a value.
        case unexpectedEnd = "unexpected_end"
        /// A byte that cannot stand here.
        case unexpectedByte = "unexpected_byte"
        /// A number against the grammar.
        case invalidNumber = "invalid_number"
        /// An unknown escape, or half a surrogate pair.
        case invalidEscape = "invalid_escape"
        /// A control character inside a string.
        case controlCharacter = "control_character"
        /// Bytes that are no UTF-8.
        case invalidUTF8 = "invalid_utf8"
        /// More nesting than allowed.
        case tooDeep = "too_deep"
        /// A key that the object already has.
        case duplicateKey = "duplicate_key"
        /// Something after the value.
        case trailingBytes = "trailing_bytes"
        /// A value of another kind than the caller asked for.
        case unexpectedKind = "unexpected_kind"
    }

    /// The cause.
    public let reason: Reason
    /// The byte at which it was found, from 0.
    public let offset: Int

    /// An error at a place.
    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    /// Cause and place; no content of the document.
    public var description: String { "\(reason.rawValue) at byte \(offset)" }
}
