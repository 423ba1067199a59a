public import EventLoop

/// The database as the service sees it: a pool of connections per loop, and transactions that each belong to a scope.
///
/// Called on a loop of the group, it uses that loop's connections and never leaves the loop. Called elsewhere (tests, commands),
/// each operation hops to a loop and back. On a loop, call it from tasks whose executor preference is that loop.
public final class Database: Sendable {
    private let pools: [Confined<ConnectionPool>]
    private let nextPool = RoundRobin()
    private let configuration: DatabaseConfiguration

    /// Opens no connection yet.
    ///
    /// Throws `.misuse` for a malformed URL.
    public init(_ configuration: DatabaseConfiguration, group: EventLoopGroup) throws(DatabaseError) {
        self.configuration = configuration
        let target = try ConnectionTarget(configuration.url, applicationName: configuration.applicationName)
        pools = group.loops.map { Confined(ConnectionPool(configuration, target, on: $0)) }
    }

    deinit {
        for pool in pools { pool.value.loop.execute { pool.value.close() } }
    }

    /// Runs one statement in a transaction of its own: entering the scope, the statement and the commit travel together.
    ///
    /// The rows arrive after the commit is durable. Throws what `DatabaseError.Code` lists.
    public func run(_ scope: Scope, _ query: Query) async throws(DatabaseError) -> Rows {
        try await run(scope, [query])[0]
    }

    /// Runs several statements in one transaction and one round trip. If one fails, none takes effect.
    ///
    /// - Returns: The rows of each statement, in order.
    public func run(_ scope: Scope, _ queries: [Query]) async throws(DatabaseError) -> [Rows] {
        try await send(scope, queries, isRead: false)
    }

    /// Like `run`, for a quick statement that writes nothing: it may travel behind other reads on one connection, which costs both
    /// sides about half of the work under load.
    public func read(_ scope: Scope, _ query: Query) async throws(DatabaseError) -> Rows {
        try await send(scope, [query], isRead: true)[0]
    }

    /// Like `run`, for quick statements that write nothing; all of them see one role and tenant, each its own snapshot.
    public func read(_ scope: Scope, _ queries: [Query]) async throws(DatabaseError) -> [Rows] {
        try await send(scope, queries, isRead: true)
    }

    private func send(_ scope: Scope, _ queries: [Query], isRead: Bool) async throws(DatabaseError) -> [Rows] {
        if let pool = localPool {
            return try await pool.run(scope, queries, isRead: isRead).map(Rows.init)
        }
        let pool = pools[nextPool.next(below: pools.count)]
        return try await Hop.onto(pool.value.loop) { () async throws(DatabaseError) in
            try await pool.value.run(scope, queries, isRead: isRead).map(Rows.init)
        }
    }

    /// Runs `body` in one transaction: commits when it returns, rolls back when it throws.
    ///
    /// BEGIN and entering the scope travel with the first statement. The commit is not cut short by the task's cancellation.
    /// Throws what `body` throws, or a `DatabaseError`; `.rolledBack` if `body` went on after a failed statement.
    ///
    /// - Parameters:
    ///   - scope: What the transaction may see.
    ///   - statementTimeout: How long each statement may run; the configuration's if nil.
    ///   - isSnapshot: Whether all statements see the moment of the first one (REPEATABLE READ).
    ///   - body: The work. The transaction must not be used after it ended.
    public func transaction<T>(
        _ scope: Scope, statementTimeout: Duration? = nil, isSnapshot: Bool = false,
        _ body: (Transaction) async throws -> T
    ) async throws -> T {
        let pool = localPool.map(Confined.init) ?? pools[nextPool.next(below: pools.count)]
        let loop = pool.value.loop
        let connection = try await Hop.on(loop) { () async throws(DatabaseError) in
            Confined(try await pool.value.acquire(shared: false))
        }
        let transaction = Transaction(
            connection.value, scope, timeout: statementTimeout ?? configuration.statementTimeout,
            isSnapshot: isSnapshot)
        do {
            let value = try await body(transaction)
            try await transaction.commit()
            await Hop.on(loop) { pool.value.release(connection.value) }
            return value
        } catch {
            await transaction.rollBack()
            await Hop.on(loop) { pool.value.release(connection.value) }
            throw error
        }
    }

    /// Closes the pools: callers that wait are refused, lent connections close when their work ends.
    public func close() async {
        for pool in pools { await Hop.on(pool.value.loop) { pool.value.close() } }
        await Canceller.waitForAll()
    }

    /// How the pools are doing, together.
    public var figures: PoolFigures.Snapshot {
        var snapshot = PoolFigures.Snapshot()
        snapshot.limit = configuration.connectionsPerLoop * pools.count
        for pool in pools { pool.value.figures.add(to: &snapshot) }
        return snapshot
    }

    private var localPool: ConnectionPool? {
        guard let loop = EventLoop.current, loop.index < pools.count else { return nil }
        let pool = pools[loop.index].value
        return pool.loop === loop ? pool : nil
    }
}
