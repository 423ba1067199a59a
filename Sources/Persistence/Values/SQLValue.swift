public import EventLoop
public import FoundationEssentials

/// One parameter of a statement. Values travel in PostgreSQL's binary form (dates and decimals as text), never inside SQL text.
///
/// Arrays take optional elements, so that a column of nullable values needs no second case; `[UUID]` converts to
/// `[UUID?]` by itself. An array of a type without a case of its own is passed as `textArray` and cast in the statement:
/// `$1::date[]`.
public enum SQLValue: Sendable, Hashable {
    /// NULL of the given type.
    case null(SQLType)
    /// `boolean`
    case bool(Bool)
    /// `smallint`
    case int2(Int16)
    /// `integer`
    case int4(Int32)
    /// `bigint`
    case int8(Int64)
    /// `double precision`
    case float8(Double)
    /// `text`; U+0000 is refused by PostgreSQL with 22021.
    case text(String)
    /// `uuid`
    case uuid(UUID)
    /// `bytea`
    case bytes([UInt8])
    /// `jsonb`, given as JSON text in UTF-8. PostgreSQL refuses the escape for U+0000 with 22P05.
    case jsonb([UInt8])
    /// `timestamptz`
    case timestamp(Timestamp)
    /// `date`, given as `YYYY-MM-DD`.
    case date(String)
    /// `numeric`, given as decimal text.
    case numeric(String)
    /// `boolean[]`
    case boolArray([Bool?])
    /// `smallint[]`
    case int2Array([Int16?])
    /// `integer[]`
    case int4Array([Int32?])
    /// `bigint[]`
    case int8Array([Int64?])
    /// `double precision[]`
    case float8Array([Double?])
    /// `text[]`
    case textArray([String?])
    /// `uuid[]`
    case uuidArray([UUID?])
    /// `bytea[]`
    case byteaArray([[UInt8]?])
    /// `jsonb[]`, each element JSON text in UTF-8.
    case jsonbArray([[UInt8]?])
    /// `timestamptz[]`
    case timestampArray([Timestamp?])

    /// The type this value is sent as.
    public var type: SQLType {
        switch self {
        case .null(let type): type
        case .bool: .bool
        case .int2: .int2
        case .int4: .int4
        case .int8: .int8
        case .float8: .float8
        case .text: .text
        case .uuid: .uuid
        case .bytes: .bytea
        case .jsonb: .jsonb
        case .timestamp: .timestamptz
        case .date: .date
        case .numeric: .numeric
        case .boolArray: .boolArray
        case .int2Array: .int2Array
        case .int4Array: .int4Array
        case .int8Array: .int8Array
        case .float8Array: .float8Array
        case .textArray: .textArray
        case .uuidArray: .uuidArray
        case .byteaArray: .byteaArray
        case .jsonbArray: .jsonbArray
        case .timestampArray: .timestamptzArray
        }
    }
}
