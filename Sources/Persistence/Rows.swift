import CPostgres

/// The rows a statement returned. Holds the server's answer as it came; fields are decoded when they are read.
public struct Rows: Sendable, RandomAccessCollection {
    private let result: ResultBox?

    init(_ result: ResultBox?) { self.result = result }

    /// No row.
    public static let none = Rows(nil)

    /// 0
    public var startIndex: Int { 0 }
    /// The number of rows.
    public var endIndex: Int { result?.rowCount ?? 0 }
    /// The row at a position from 0.
    public subscript(position: Int) -> Row {
        precondition(position >= 0 && position < endIndex, "row \(position) of \(endIndex)")
        guard let result else { preconditionFailure("an empty result has no rows") }
        return Row(result: result, index: Int32(truncatingIfNeeded: position))
    }

    /// How many rows INSERT, UPDATE, DELETE, SELECT or COPY processed.
    public var affectedRows: Int { result?.affectedRows ?? 0 }

    /// The position of a column by its name.
    public func column(_ name: String) -> Int? {
        guard let result else { return nil }
        let index = PQfnumber(result.pointer, name)
        return index < 0 ? nil : Int(index)
    }
}

/// One row.
public struct Row: Sendable {
    fileprivate let result: ResultBox
    fileprivate let index: Int32

    /// Reads a column, counted from 0. NULL reads as nil of an optional type and is an error otherwise.
    ///
    /// Throws `.decoding` when the column does not exist or does not fit the type.
    public func get<T: SQLDecodable>(_ column: Int, as type: T.Type = T.self) throws(DatabaseError) -> T {
        guard column >= 0, column < result.columnCount else {
            throw DatabaseError(.decoding, context: "column \(column) of \(result.columnCount)")
        }
        let position = Int32(truncatingIfNeeded: column)
        let oid = PQftype(result.pointer, position)
        guard PQgetisnull(result.pointer, index, position) == 0 else {
            return try T.decode(SQLField(bytes: nil, oid: oid))
        }
        let bytes = UnsafeRawBufferPointer(
            start: PQgetvalue(result.pointer, index, position),
            count: Int(PQgetlength(result.pointer, index, position)))
        do {
            return try T.decode(SQLField(bytes: bytes, oid: oid))
        } catch {
            var error = error
            error.context = "column \(column): \(error.context ?? "")"
            throw error
        }
    }
}

/// Owns a `PGresult`.
///
/// Unchecked: a result is never changed after libpq handed it out, and libpq allows any thread to read one
/// (https://www.postgresql.org/docs/15/libpq-threading.html).
final class ResultBox: @unchecked Sendable {
    let pointer: OpaquePointer
    let columnCount: Int

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
        columnCount = Int(PQnfields(pointer))
    }

    deinit { PQclear(pointer) }

    var rowCount: Int { Int(PQntuples(pointer)) }
    var affectedRows: Int { PQcmdTuples(pointer).flatMap { Int(String(cString: $0)) } ?? 0 }
    /// Whether the statement was BEGIN or START TRANSACTION.
    var opensTransaction: Bool {
        guard let tag = PQcmdStatus(pointer), tag[0] == 0x42 || tag[0] == 0x53 && tag[2] == 0x41 else { return false }
        return commandTag == "BEGIN" || commandTag == "START TRANSACTION"
    }
    var commandTag: String { PQcmdStatus(pointer).map { String(cString: $0) } ?? "" }
}
