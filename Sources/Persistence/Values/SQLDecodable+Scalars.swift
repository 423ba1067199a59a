public import EventLoop
public import FoundationEssentials

extension Bool: SQLDecodable {
    /// From `boolean`.
    public static func decode(_ field: SQLField) throws(DatabaseError) -> Bool {
        let bytes = try field.required()
        guard field.type == .bool, bytes.count == 1 else { throw field.mismatch(Bool.self) }
        return bytes[0] != 0
    }
}

extension FixedWidthInteger {
    /// From `smallint`, `integer`, `bigint` or `oid`, as long as the value fits.
    fileprivate static func decodeInteger(_ field: SQLField) throws(DatabaseError) -> Self {
        let bytes = try field.required()
        let wide: Int64?
        switch field.oid {
        case SQLType.int8.rawValue: wide = SQLField.integer(bytes, as: Int64.self)
        case SQLType.int4.rawValue: wide = SQLField.integer(bytes, as: Int32.self).map(Int64.init)
        case SQLType.int2.rawValue: wide = SQLField.integer(bytes, as: Int16.self).map(Int64.init)
        case OtherType.oid: wide = SQLField.integer(bytes, as: UInt32.self).map(Int64.init)
        default: wide = nil
        }
        guard let wide, let value = Self(exactly: wide) else { throw field.mismatch(Self.self) }
        return value
    }
}

extension Int16: SQLDecodable {
    /// From any integer type, as long as the value fits.
    public static func decode(_ field: SQLField) throws(DatabaseError) -> Int16 { try decodeInteger(field) }
}

extension Int32: SQLDecodable {
    /// From any integer type, as long as the value fits.
    public static func decode(_ field: SQLField) throws(DatabaseError) -> Int32 { try decodeInteger(field) }
}

extension Int64: SQLDecodable {
    /// From any integer type.
    public static func decode(_ field: SQLField) throws(DatabaseError) -> Int64 { try decodeInteger(field) }
}

extension Int: SQLDecodable {
    /// From any integer type.
    public static func decode(_ field: SQLField) throws(DatabaseError) -> Int { try decodeInteger(field) }
}

extension Double: SQLDecodable {
    /// From `double precision`, `real` or `numeric`.
    public static func decode(_ field: SQLField) throws(DatabaseError) -> Double {
        let bytes = try field.required()
        switch field.oid {
        case SQLType.float8.rawValue:
            if let bits = SQLField.integer(bytes, as: UInt64.self) { return Double(bitPattern: bits) }
        case OtherType.float4:
            if let bits = SQLField.integer(bytes, as: UInt32.self) { return Double(Float(bitPattern: bits)) }
        case SQLType.numeric.rawValue:
            if let text = NumericText.decode(bytes), let value = Double(text) { return value }
        default: break
        }
        throw field.mismatch(Double.self)
    }
}

extension String: SQLDecodable {
    /// From `text` and its kin, `uuid`, `date`, `numeric`, `json`, `jsonb` (the JSON text), `timestamptz` (RFC 3339) and
    /// enumerated types (the label).
    public static func decode(_ field: SQLField) throws(DatabaseError) -> String {
        let bytes = try field.required()
        switch field.oid {
        case SQLType.text.rawValue, OtherType.varchar, OtherType.name, OtherType.bpchar, OtherType.json,
            OtherType.unknown:
            return String(decoding: bytes, as: UTF8.self)
        case SQLType.jsonb.rawValue:
            if bytes.first == 1 { return String(decoding: bytes.dropFirst(), as: UTF8.self) }
        case SQLType.uuid.rawValue: return try UUID.decode(field).uuidString.lowercased()
        case SQLType.date.rawValue:
            if let days = SQLField.integer(bytes, as: Int32.self) { return CalendarDate.text(daysSince2000: days) }
        case SQLType.numeric.rawValue:
            if let text = NumericText.decode(bytes) { return text }
        case SQLType.timestamptz.rawValue: return try Timestamp.decode(field).rfc3339
        case OtherType.firstUserDefined...: return String(decoding: bytes, as: UTF8.self)
        default: break
        }
        throw field.mismatch(String.self)
    }
}

extension UUID: SQLDecodable {
    /// From `uuid`.
    public static func decode(_ field: SQLField) throws(DatabaseError) -> UUID {
        let bytes = try field.required()
        guard field.type == .uuid, bytes.count == 16 else { throw field.mismatch(UUID.self) }
        return UUID(uuid: bytes.loadUnaligned(as: uuid_t.self))
    }
}

extension Timestamp: SQLDecodable {
    /// From `timestamptz` or `timestamp` (taken as UTC). The infinities become the outermost values.
    public static func decode(_ field: SQLField) throws(DatabaseError) -> Timestamp {
        let bytes = try field.required()
        guard field.type == .timestamptz || field.oid == OtherType.timestamp,
            let value = SQLField.integer(bytes, as: Int64.self)
        else { throw field.mismatch(Timestamp.self) }
        if value == .max || value == .min { return Timestamp(microseconds: value) }
        return Timestamp(microseconds: value &+ ParameterBuffer.epochOffset)
    }
}

/// Types that are only read, never sent.
enum OtherType {
    static let name: UInt32 = 19
    static let oid: UInt32 = 26
    static let json: UInt32 = 114
    static let float4: UInt32 = 700
    static let unknown: UInt32 = 705
    static let bpchar: UInt32 = 1042
    static let varchar: UInt32 = 1043
    static let timestamp: UInt32 = 1114
    static let nameArray: UInt32 = 1003
    static let varcharArray: UInt32 = 1015
    static let dateArray: UInt32 = 1182
    static let numericArray: UInt32 = 1231
    /// `FirstNormalObjectId`: enumerated types and domains of the schema lie from here on.
    static let firstUserDefined: UInt32 = 16384
}
