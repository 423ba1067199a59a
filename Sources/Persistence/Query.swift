/// One statement with its parameters.
///
/// The text is a `StaticString`, so that no value can ever become part of it. A statement is prepared once per connection.
public struct Query: Sendable {
    /// The statement, with `$1`, `$2` … where parameters go.
    public let sql: StaticString
    /// The parameters, in order.
    public let parameters: [SQLValue]

    /// - Parameters:
    ///   - sql: One statement, with `$1`, `$2` … where parameters go.
    ///   - parameters: At most 65 535 values.
    public init(_ sql: StaticString, _ parameters: [SQLValue] = []) {
        self.sql = sql
        self.parameters = parameters
    }
}

extension StaticString {
    /// The text; pointer representation only, since a one-scalar statement does not exist.
    var text: String { withUTF8Buffer { String(decoding: $0, as: UTF8.self) } }

    /// Identity of the literal: the address of its bytes.
    var identity: UInt { hasPointerRepresentation ? UInt(bitPattern: utf8Start) : UInt(unicodeScalar.value) }
}
