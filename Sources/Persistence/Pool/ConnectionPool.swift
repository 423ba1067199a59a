import EventLoop
import Synchronization

/// One loop's connections and the callers waiting for them. Confined to that loop.
///
/// A free connection goes to the caller who has waited longest. Without a free one a new one is opened, up to the limit; then
/// callers queue up to a limit of number and time. Reads go behind one another on one connection as long as they flow: fewer
/// wake-ups and system calls on both sides. Writes do not, since each would wait for the commit of the one before it.
final class ConnectionPool {
    let loop: EventLoop
    let figures = PoolFigures()
    private let configuration: DatabaseConfiguration
    private let target: ConnectionTarget
    private var connections: [PostgresConnection] = []
    private var idle: [PostgresConnection] = []
    private var waiters: [Waiter] = []
    private var opening = 0
    private var backoff: Backoff
    private var pauseTimer: LoopTimer?
    private var waitTimer: LoopTimer?
    private var lastFailure: DatabaseError?
    private var isClosed = false

    /// A caller in the queue.
    private final class Waiter {
        let since = MonotonicTime.now
        let deadline: MonotonicTime
        let isShared: Bool
        let continuation: UnsafeContinuation<Result<Confined<PostgresConnection>, DatabaseError>, Never>

        init(
            _ deadline: MonotonicTime, _ isShared: Bool,
            _ continuation: UnsafeContinuation<Result<Confined<PostgresConnection>, DatabaseError>, Never>
        ) {
            self.deadline = deadline
            self.isShared = isShared
            self.continuation = continuation
        }
    }

    init(_ configuration: DatabaseConfiguration, _ target: ConnectionTarget, on loop: EventLoop) {
        self.configuration = configuration
        self.target = target
        self.loop = loop
        backoff = Backoff(configuration.connectBackoff)
    }

    /// How many connections are open.
    var openConnections: Int { connections.count }

    /// Runs statements in one implicit transaction on any connection.
    ///
    /// - Parameter isRead: Whether the statements write nothing, so that they may share a connection.
    func run(_ scope: Scope, _ queries: [Query], isRead: Bool) async throws(DatabaseError) -> [ResultBox] {
        let connection = try await acquire(shared: isRead && configuration.pipelineDepth > 1)
        defer { release(connection) }
        let results = try await connection.perform(
            prelude: (isRead ? scope.entry : scope.tracedEntry).map { [$0] } ?? [], queries, inTransaction: false,
            timeout: configuration.statementTimeout)
        return results
    }

    /// Lends a connection; it must come back by `release`.
    ///
    /// - Parameter shared: Whether others may use it meanwhile.
    func acquire(shared: Bool) async throws(DatabaseError) -> PostgresConnection {
        assert(loop.isCurrent, "a pool belongs to its loop")
        if isClosed { throw DatabaseError(.unavailable, context: "pool closed") }
        if waiters.isEmpty, let connection = (shared ? takeShared() : nil) ?? takeIdle() {
            return lend(connection, shared)
        }
        guard waiters.count < configuration.waitLimit else {
            figures.refused.add(1, ordering: .relaxed)
            throw DatabaseError(.overloaded, context: "queue full")
        }
        let deadline = MonotonicTime.now + configuration.waitTimeout
        return try await withUnsafeContinuation { continuation in
            waiters.append(Waiter(deadline, shared, continuation))
            figures.waiting.store(waiters.count, ordering: .relaxed)
            grow()
            armWaitTimer()
        }.get().value
    }

    /// Takes a connection back. One that is not in order is closed.
    func release(_ connection: PostgresConnection) {
        assert(loop.isCurrent, "a pool belongs to its loop")
        connection.users -= 1
        if connection.users == 0 {
            figures.inUse.subtract(1, ordering: .relaxed)
            connection.isShared = false
            guard connection.isIdle, !isClosed, !isOld(connection) else { return connection.close() }
            idle.append(connection)
        }
        if !waiters.isEmpty { serve() }
    }

    /// Refuses new callers, ends waiting ones, closes free connections; lent ones are closed when they come back.
    func close() {
        isClosed = true
        pauseTimer?.cancel()
        waitTimer?.cancel()
        refuse(DatabaseError(.unavailable, context: "pool closed"), upTo: waiters.count)
        for connection in idle { connection.close() }
    }

    // MARK: Choosing

    private func takeIdle() -> PostgresConnection? {
        while let connection = idle.popLast() {
            if connection.isIdle { return connection }
            connection.close()
        }
        return nil
    }

    /// A connection that is busy with reads only, has room behind them, and whose reads are quick.
    private func takeShared() -> PostgresConnection? {
        let now = MonotonicTime.now
        return connections.first { connection in
            connection.isShared && connection.users < configuration.pipelineDepth && connection.state == .open
                && now - connection.oldestStarted < configuration.pipelinePatience
        }
    }

    private func lend(_ connection: PostgresConnection, _ shared: Bool) -> PostgresConnection {
        if connection.users == 0 { figures.inUse.add(1, ordering: .relaxed) }
        connection.users += 1
        connection.isShared = shared
        return connection
    }

    private func isOld(_ connection: PostgresConnection) -> Bool {
        MonotonicTime.now - connection.openedAt > configuration.maxLifetime * connection.lifetimeFactor
    }

    // MARK: Serving the queue

    private func serve() {
        while let waiter = waiters.first,
            let connection = (waiter.isShared ? takeShared() : nil) ?? takeIdle()
        {
            waiters.removeFirst()
            figures.waiting.store(waiters.count, ordering: .relaxed)
            figures.waits.add(1, ordering: .relaxed)
            let waited = max(.zero, MonotonicTime.now - waiter.since)
            figures.waited.add(UInt64(clamping: waited.nanoseconds), ordering: .relaxed)
            waiter.continuation.resume(returning: .success(Confined(lend(connection, waiter.isShared))))
        }
        grow()
    }

    private func armWaitTimer() {
        guard waitTimer == nil, let first = waiters.first else { return }
        waitTimer = loop.schedule(after: max(.zero, first.deadline - .now)) { [weak self] in self?.endWaits() }
    }

    private func endWaits() {
        waitTimer = nil
        let now = MonotonicTime.now
        let expired = waiters.prefix { $0.deadline <= now }.count
        var error = DatabaseError(.overloaded, context: "no connection became free in time")
        if connections.isEmpty {
            error = lastFailure ?? DatabaseError(.unavailable, context: "no connection could be opened in time")
        }
        refuse(error, upTo: expired)
        armWaitTimer()
    }

    private func refuse(_ error: DatabaseError, upTo count: Int) {
        let refused = waiters.prefix(count)
        waiters.removeFirst(count)
        figures.waiting.store(waiters.count, ordering: .relaxed)
        figures.refused.add(UInt64(count), ordering: .relaxed)
        for waiter in refused { waiter.continuation.resume(returning: .failure(error)) }
    }

    // MARK: Opening

    private func grow() {
        guard !isClosed, pauseTimer == nil else { return }
        while opening < waiters.count, connections.count + opening < configuration.connectionsPerLoop {
            opening += 1
            let pool = Confined(self)
            Task(executorPreference: loop) { await pool.value.open() }
        }
    }

    private func open() async {
        do throws(DatabaseError) {
            let connection = try await ConnectionAttempt.open(target, configuration, on: loop)
            assert(loop.isCurrent, "a pool belongs to its loop")
            opening -= 1
            backoff.reset()
            lastFailure = nil
            guard !isClosed else { return connection.close() }
            connections.append(connection)
            figures.open.store(connections.count, ordering: .relaxed)
            connection.onClose = { [weak self, weak connection] in
                guard let connection else { return }
                self?.forget(connection)
            }
            idle.append(connection)
            serve()
        } catch {
            opening -= 1
            lastFailure = error
            guard !isClosed, pauseTimer == nil else { return }
            pauseTimer = loop.schedule(after: backoff.next()) { [weak self] in
                self?.pauseTimer = nil
                self?.grow()
            }
        }
    }

    private func forget(_ connection: PostgresConnection) {
        connections.removeAll { $0 === connection }
        figures.open.store(connections.count, ordering: .relaxed)
        idle.removeAll { $0 === connection }
        grow()
    }
}
