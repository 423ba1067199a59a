import EventLoop

/// An open transaction. Lives and dies with its connection: when that is lost, every further call fails, and nothing can reach
/// another connection by this handle.
///
/// Use it from one task at a time and only inside the closure that received it.
public final class Transaction {
    private let connection: PostgresConnection
    private let timeout: Duration
    private var prelude: [Query]
    private var isOpen = true
    private var hasBegun = false

    init(_ connection: PostgresConnection, _ scope: Scope, timeout: Duration, isSnapshot: Bool) {
        self.connection = connection
        self.timeout = timeout
        let begin = isSnapshot ? Query("BEGIN ISOLATION LEVEL REPEATABLE READ") : Query("BEGIN")
        prelude = [begin] + (scope.tracedEntry.map { [$0] } ?? [])
    }

    /// Runs one statement. After a failure the transaction can only end, and everything in it is undone.
    public func query(_ query: Query) async throws(DatabaseError) -> Rows {
        try await batch([query])[0]
    }

    /// Runs several statements in one round trip; after the first that fails the others are skipped.
    ///
    /// - Returns: The rows of each statement, in order.
    public func batch(_ queries: [Query]) async throws(DatabaseError) -> [Rows] {
        guard isOpen else { throw DatabaseError(.misuse, context: "transaction used after its end") }
        if queries.isEmpty { return [] }
        return try await send(queries, isCancellable: true).map(Rows.init)
    }

    /// Streams rows into a table with COPY … FROM STDIN. Tables under row security refuse COPY: use a temporary table.
    ///
    /// - Parameters:
    ///   - sql: The COPY statement.
    ///   - next: Returns the next chunk in the statement's format, cut anywhere, 64 KB or more for speed; nil at the end. It is
    ///     called again only when the server has taken the chunk before. What it throws ends the COPY and is thrown on.
    /// - Returns: The number of rows copied.
    public func copyIn(_ sql: StaticString, _ next: () async throws -> [UInt8]?) async throws -> Int {
        guard isOpen else { throw DatabaseError(.misuse, context: "transaction used after its end") }
        if !prelude.isEmpty { _ = try await send([], isCancellable: true) }
        let connection = Confined(connection)
        let timeout = timeout
        let loop = connection.value.loop
        try await Hop.on(loop) { () async throws(DatabaseError) in
            try await connection.value.beginCopy(sql, timeout: timeout)
        }
        do {
            while let chunk = try await next() {
                try await Hop.on(loop) { () async throws(DatabaseError) in try await connection.value.putCopy(chunk) }
            }
        } catch {
            await Hop.on(loop) { await connection.value.abandonCopy() }
            throw error
        }
        return try await Hop.on(loop) { () async throws(DatabaseError) in try await connection.value.endCopy() }
    }

    func commit() async throws(DatabaseError) {
        isOpen = false
        guard hasBegun else { return }
        let result = try await send([Query("COMMIT")], isCancellable: false)
        guard result.first?.commandTag == "COMMIT" else {
            throw DatabaseError(.rolledBack, context: "COMMIT after a failed statement")
        }
        hasBegun = false
    }

    func rollBack() async {
        isOpen = false
        guard hasBegun else { return }
        // If this fails too, the connection is not idle and the pool closes it.
        _ = try? await send([Query("ROLLBACK")], isCancellable: false)
    }

    private func send(_ queries: [Query], isCancellable: Bool) async throws(DatabaseError) -> [ResultBox] {
        let connection = Confined(connection)
        let prelude = prelude
        let timeout = timeout
        self.prelude = []
        hasBegun = true
        return try await Hop.on(connection.value.loop) { () async throws(DatabaseError) in
            try await connection.value.perform(
                prelude: prelude, queries, inTransaction: true, timeout: timeout, isCancellable: isCancellable)
        }
    }
}
