extension Array: SQLDecodable where Element: SQLDecodable {
    /// From an array of one dimension whose elements can be read as `Element`. `[UInt8]` reads `bytea`, and the text of
    /// `jsonb`, `json` and `text`.
    public static func decode(_ field: SQLField) throws(DatabaseError) -> [Element] {
        let bytes = try field.required()
        if Element.self == UInt8.self { return try rawBytes(field, bytes) }
        var reader = ArrayReader(bytes)
        guard let dimensions = reader.int32(), reader.int32() != nil, let oid = reader.int32() else {
            throw field.mismatch([Element].self)
        }
        if dimensions == 0 { return [] }
        guard dimensions == 1, let count = reader.int32(), reader.int32() != nil, count >= 0,
            count <= bytes.count / 4
        else { throw field.mismatch([Element].self) }
        var elements: [Element] = []
        elements.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let element = reader.element() else { throw field.mismatch([Element].self) }
            elements.append(try Element.decode(SQLField(bytes: element, oid: UInt32(bitPattern: oid))))
        }
        return elements
    }

    private static func rawBytes(_ field: SQLField, _ bytes: UnsafeRawBufferPointer) throws(DatabaseError) -> [Element]
    {
        let content: [UInt8]
        switch field.oid {
        case SQLType.jsonb.rawValue where bytes.first == 1: content = [UInt8](bytes.dropFirst())
        case SQLType.bytea.rawValue, SQLType.text.rawValue, OtherType.json, OtherType.varchar:
            content = [UInt8](bytes)
        default: throw field.mismatch([UInt8].self)
        }
        guard let result = content as? [Element] else { throw field.mismatch([Element].self) }
        return result
    }
}

extension UInt8: SQLDecodable {
    /// Only there so that `[UInt8]` can be read; PostgreSQL has no type of one byte.
    public static func decode(_ field: SQLField) throws(DatabaseError) -> UInt8 { throw field.mismatch(UInt8.self) }
}

/// Steps through `array_send`'s output.
private struct ArrayReader {
    private var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    mutating func int32() -> Int32? {
        guard rest.count >= 4 else { return nil }
        defer { rest = UnsafeRawBufferPointer(rebasing: rest[4...]) }
        return Int32(bigEndian: rest.loadUnaligned(as: Int32.self))
    }

    /// The next element: outer nil for malformed input, inner nil for NULL.
    mutating func element() -> UnsafeRawBufferPointer?? {
        guard let length = int32(), length <= rest.count else { return nil }
        guard length >= 0 else { return .some(nil) }
        defer { rest = UnsafeRawBufferPointer(rebasing: rest[Int(length)...]) }
        return .some(UnsafeRawBufferPointer(rebasing: rest[..<Int(length)]))
    }
}
