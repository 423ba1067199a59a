/// A type that a column can be read as.
public protocol SQLDecodable {
    /// Reads one field. Throws `.decoding` when the column's type or its bytes do not fit, or when it is NULL.
    static func decode(_ field: SQLField) throws(DatabaseError) -> Self
}

/// One field of a row in PostgreSQL's binary form. Valid only while `SQLDecodable.decode` runs.
public struct SQLField {
    /// The bytes; nil for NULL.
    public let bytes: UnsafeRawBufferPointer?
    /// The column's type, `pg_type.oid`.
    public let oid: UInt32

    /// The type, if it is one of ours.
    public var type: SQLType? { SQLType(rawValue: oid) }

    /// The bytes, or an error for NULL.
    func required() throws(DatabaseError) -> UnsafeRawBufferPointer {
        guard let bytes else { throw DatabaseError(.decoding, context: "NULL where a value is expected") }
        return bytes
    }

    /// The error for a column that cannot be read as `type`.
    func mismatch(_ type: Any.Type) -> DatabaseError {
        DatabaseError(.decoding, context: "a column of type \(oid) with \(bytes?.count ?? -1) bytes read as \(type)")
    }

    /// A big-endian integer at the start of `bytes`, whose length must be the integer's.
    static func integer<T: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, as: T.Type = T.self) -> T? {
        guard bytes.count == MemoryLayout<T>.size else { return nil }
        return T(bigEndian: bytes.loadUnaligned(as: T.self))
    }
}

extension Optional: SQLDecodable where Wrapped: SQLDecodable {
    /// NULL is nil.
    public static func decode(_ field: SQLField) throws(DatabaseError) -> Wrapped? {
        guard field.bytes != nil else { return nil }
        return try Wrapped.decode(field)
    }
}
