/// The PostgreSQL types that parameters can have, each with its object identifier from `pg_type.dat`.
public enum SQLType: UInt32, Sendable, Hashable {
    /// `boolean`
    case bool = 16
    /// `bytea`
    case bytea = 17
    /// `bigint`
    case int8 = 20
    /// `smallint`
    case int2 = 21
    /// `integer`
    case int4 = 23
    /// `text`
    case text = 25
    /// `double precision`
    case float8 = 701
    /// `date`
    case date = 1082
    /// `timestamp with time zone`
    case timestamptz = 1184
    /// `numeric`
    case numeric = 1700
    /// `uuid`
    case uuid = 2950
    /// `jsonb`
    case jsonb = 3802
    /// `boolean[]`
    case boolArray = 1000
    /// `bytea[]`
    case byteaArray = 1001
    /// `smallint[]`
    case int2Array = 1005
    /// `integer[]`
    case int4Array = 1007
    /// `text[]`
    case textArray = 1009
    /// `bigint[]`
    case int8Array = 1016
    /// `double precision[]`
    case float8Array = 1022
    /// `timestamp with time zone[]`
    case timestamptzArray = 1185
    /// `uuid[]`
    case uuidArray = 2951
    /// `jsonb[]`
    case jsonbArray = 3807
}
