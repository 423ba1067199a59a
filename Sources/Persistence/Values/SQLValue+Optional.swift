public import EventLoop
public import FoundationEssentials

extension SQLValue {
    /// The value, or NULL of its type.
    public static func optional(bool value: Bool?) -> SQLValue { value.map { .bool($0) } ?? .null(.bool) }

    /// The value, or NULL of its type.
    public static func optional(int2 value: Int16?) -> SQLValue { value.map { .int2($0) } ?? .null(.int2) }

    /// The value, or NULL of its type.
    public static func optional(int4 value: Int32?) -> SQLValue { value.map { .int4($0) } ?? .null(.int4) }

    /// The value, or NULL of its type.
    public static func optional(int8 value: Int64?) -> SQLValue { value.map { .int8($0) } ?? .null(.int8) }

    /// The value, or NULL of its type.
    public static func optional(float8 value: Double?) -> SQLValue { value.map { .float8($0) } ?? .null(.float8) }

    /// The value, or NULL of its type.
    public static func optional(text value: String?) -> SQLValue { value.map { .text($0) } ?? .null(.text) }

    /// The value, or NULL of its type.
    public static func optional(uuid value: UUID?) -> SQLValue { value.map { .uuid($0) } ?? .null(.uuid) }

    /// The value, or NULL of its type.
    public static func optional(bytes value: [UInt8]?) -> SQLValue { value.map { .bytes($0) } ?? .null(.bytea) }

    /// The value, or NULL of its type.
    public static func optional(jsonb value: [UInt8]?) -> SQLValue { value.map { .jsonb($0) } ?? .null(.jsonb) }

    /// The value, or NULL of its type.
    public static func optional(timestamp value: Timestamp?) -> SQLValue {
        value.map { .timestamp($0) } ?? .null(.timestamptz)
    }

    /// The value, or NULL of its type.
    public static func optional(date value: String?) -> SQLValue { value.map { .date($0) } ?? .null(.date) }

    /// The value, or NULL of its type.
    public static func optional(numeric value: String?) -> SQLValue { value.map { .numeric($0) } ?? .null(.numeric) }
}
