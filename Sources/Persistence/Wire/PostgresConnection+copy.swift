import CPostgres
import EventLoop

/// COPY … FROM STDIN. libpq does not know COPY in pipeline mode, so the connection leaves it for the while; it must have no
/// segment under way and belong to one caller.
extension PostgresConnection {
    /// Starts a COPY. Throws what the server says to the statement.
    func beginCopy(_ sql: StaticString, timeout: Duration) async throws(DatabaseError) {
        guard state != .closed, mode == .pipeline, PQexitPipelineMode(pointer) == 1 else {
            throw DatabaseError(.unavailable, context: "connection closed")
        }
        mode = .copy
        copyTimeout = timeout
        let sent = sql.withUTF8Buffer { $0.withMemoryRebound(to: CChar.self) { PQsendQuery(pointer, $0.baseAddress) } }
        guard sent == 1 else { throw lost() }
        flush()
        let result = try await copyResult()
        guard let result, PQresultStatus(result.pointer) == PGRES_COPY_IN else {
            try await leaveCopy()
            guard let result, PQresultStatus(result.pointer) == PGRES_FATAL_ERROR else {
                throw DatabaseError(.misuse, context: "not a COPY from standard input: \(sql.text)")
            }
            throw DatabaseError(result: result.pointer, context: sql.text)
        }
    }

    /// Sends a chunk and returns when the socket has taken all of it.
    func putCopy(_ chunk: [UInt8]) async throws(DatabaseError) {
        var sent = 0
        while sent < chunk.count {
            guard state != .closed else { throw DatabaseError(.unavailable, context: "connection lost") }
            // libpq keeps what the socket does not take; pieces bound how much that can be.
            let length = min(chunk.count - sent, 1 << 18)
            let outcome = chunk.withUnsafeBytes { bytes in
                PQputCopyData(
                    pointer, bytes.baseAddress?.advanced(by: sent).assumingMemoryBound(to: CChar.self), Int32(length))
            }
            guard outcome >= 0 else { throw lost() }
            if outcome == 1 { sent += length }
            flush()
            while !isFlushed { try await copyEvent() }
        }
    }

    /// Ends the COPY.
    ///
    /// - Returns: The number of rows copied.
    func endCopy() async throws(DatabaseError) -> Int {
        guard state != .closed else { throw DatabaseError(.unavailable, context: "connection lost") }
        guard PQputCopyEnd(pointer, nil) == 1 else { throw lost() }
        flush()
        let result = try await copyResult()
        try await leaveCopy()
        guard let result else { throw lost() }
        guard PQresultStatus(result.pointer) == PGRES_COMMAND_OK else {
            throw DatabaseError(result: result.pointer, context: "COPY")
        }
        return result.affectedRows
    }

    /// Ends the COPY without its rows, because its source failed. A connection that cannot do this is closed.
    func abandonCopy() async {
        guard state != .closed, mode == .copy else { return }
        guard PQputCopyEnd(pointer, "source failed") == 1 else { return close() }
        flush()
        do {
            _ = try await copyResult()
            try await leaveCopy()
        } catch { close() }
    }

    private func leaveCopy() async throws(DatabaseError) {
        while try await copyResult() != nil {}
        guard PQenterPipelineMode(pointer) == 1 else { throw lost() }
        mode = .pipeline
    }

    /// The next result, nil at the end of the command.
    private func copyResult() async throws(DatabaseError) -> ResultBox? {
        while state != .closed, PQisBusy(pointer) == 1 { try await copyEvent() }
        guard state != .closed else { throw DatabaseError(.unavailable, context: "connection lost") }
        return PQgetResult(pointer).map(ResultBox.init)
    }

    /// Waits until the socket has something for us or takes more. Closes the connection when that takes too long.
    private func copyEvent() async throws(DatabaseError) {
        guard state != .closed else { throw DatabaseError(.unavailable, context: "connection lost") }
        var isLate = false
        let timer = loop.schedule(after: copyTimeout) {
            isLate = true
            self.close()
        }
        await withUnsafeContinuation { copyWaiter = $0 }
        timer.cancel()
        if isLate { throw DatabaseError(.timedOut, context: "COPY") }
        guard state != .closed else { throw DatabaseError(.unavailable, context: "connection lost") }
    }
}
