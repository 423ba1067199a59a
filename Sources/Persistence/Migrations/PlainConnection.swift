import CPostgres

/// A blocking connection in text form, for migrations, checks and tests. Never use it on a loop.
package final class PlainConnection {
    private let pointer: OpaquePointer

    /// Connects and waits for it. Throws `.unavailable`.
    package init(_ url: String) throws(DatabaseError) {
        guard let pointer = PQconnectdb(url) else { throw DatabaseError(.unavailable, context: "out of memory") }
        guard PQstatus(pointer) == CONNECTION_OK else {
            let message = PQerrorMessage(pointer).map { String(cString: $0) }
            PQfinish(pointer)
            throw DatabaseError(.unavailable, context: "connecting", serverMessage: message)
        }
        self.pointer = pointer
        _ = PQsetNoticeProcessor(pointer, { _, _ in }, nil)
    }

    deinit { PQfinish(pointer) }

    /// Runs a script of any number of statements. Throws the first failure; `context` says where it stands.
    package func execute(_ script: String, context: String? = nil) throws(DatabaseError) {
        _ = try take(PQexec(pointer, script), context)
    }

    /// Runs one statement with text parameters and returns its rows as text.
    @discardableResult
    package func query(_ sql: String, _ parameters: [String?] = []) throws(DatabaseError) -> [[String?]] {
        var text: [CChar] = [0]
        var places: [Int?] = []
        for parameter in parameters {
            places.append(parameter == nil ? nil : text.count)
            if let parameter { text.append(contentsOf: parameter.utf8CString) }
        }
        let result = text.withUnsafeBufferPointer { buffer in
            let pointers: [UnsafePointer<CChar>?] = places.map { place in
                place.flatMap { buffer.baseAddress?.advanced(by: $0) }
            }
            return PQexecParams(pointer, sql, Int32(parameters.count), nil, pointers, nil, nil, 0)
        }
        let box = try take(result, sql)
        return (0..<Int32(box.rowCount)).map { row in
            (0..<Int32(box.columnCount)).map { column in
                guard PQgetisnull(box.pointer, row, column) == 0 else { return nil }
                return PQgetvalue(box.pointer, row, column).map { String(cString: $0) }
            }
        }
    }

    /// The stored form of a password, computed here so that the password itself reaches neither the server's log nor its statistics.
    func encryptedPassword(_ password: String, of user: String) throws(DatabaseError) -> String {
        guard let text = PQencryptPasswordConn(pointer, password, user, "scram-sha-256") else {
            throw DatabaseError(.migration, context: "the password cannot be encrypted")
        }
        defer { PQfreemem(text) }
        return String(cString: text)
    }

    /// `server_version_num`
    package var serverVersion: Int { Int(PQserverVersion(pointer)) }

    private func take(_ result: OpaquePointer?, _ context: String?) throws(DatabaseError) -> ResultBox {
        guard let result else { throw DatabaseError(.unavailable, context: "connection lost") }
        let box = ResultBox(result)
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return box
        default: throw DatabaseError(result: result, context: context)
        }
    }
}
