import EventLoop

/// One loop's connections and the callers waiting for them. Confined to that loop.
///
/// A free connection goes to the caller who has waited longest. Without a free one a new one is opened, up to the limit; then a
/// `run` may go behind another one on the same connection; then callers queue up to a limit of number and time.
final class ConnectionPool {
    let loop: EventLoop
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
        let deadline: MonotonicTime
        let isExclusive: Bool
        let continuation: UnsafeContinuation<Result<Confined<PostgresConnection>, DatabaseError>, Never>

        init(
            _ deadline: MonotonicTime, _ isExclusive: Bool,
            _ continuation: UnsafeContinuation<Result<Confined<PostgresConnection>, DatabaseError>, Never>
        ) {
            self.deadline = deadline
            self.isExclusive = isExclusive
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
    func run(_ scope: Scope, _ queries: [Query]) async throws(DatabaseError) -> [ResultBox] {
        let connection = try await acquire(exclusive: false)
        defer { release(connection) }
        let results = try await connection.perform(
            prelude: scope.entry.map { [$0] } ?? [], queries, inTransaction: false,
            timeout: configuration.statementTimeout)
        return results
    }

    /// Lends a connection; it must come back by `release`.
    ///
    /// - Parameter exclusive: Whether nobody else may use it meanwhile.
    func acquire(exclusive: Bool) async throws(DatabaseError) -> PostgresConnection {
        assert(loop.isCurrent, "a pool belongs to its loop")
        if isClosed { throw DatabaseError(.unavailable, context: "pool closed") }
        if waiters.isEmpty, let connection = takeIdle() ?? (exclusive ? nil : takeShared()) {
            return lend(connection, exclusive)
        }
        guard waiters.count < configuration.waitLimit else { throw DatabaseError(.overloaded, context: "queue full") }
        let deadline = MonotonicTime.now + configuration.waitTimeout
        return try await withUnsafeContinuation { continuation in
            waiters.append(Waiter(deadline, exclusive, continuation))
            grow()
            armWaitTimer()
        }.get().value
    }

    /// Takes a connection back. One that is not in order is closed.
    func release(_ connection: PostgresConnection) {
        assert(loop.isCurrent, "a pool belongs to its loop")
        connection.users -= 1
        guard connection.users == 0 else { return }
        connection.isExclusive = false
        guard connection.isIdle, !isClosed, !isOld(connection) else { return connection.close() }
        idle.append(connection)
        serve()
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

    /// The least used connection that is busy with `run`s only, none of them slow, once no further one may be opened.
    private func takeShared() -> PostgresConnection? {
        guard configuration.pipelineDepth > 1, connections.count + opening >= configuration.connectionsPerLoop else {
            return nil
        }
        var best: PostgresConnection?
        for connection in connections
        where connection.state == .open && !connection.isExclusive && connection.users < configuration.pipelineDepth
            && connection.users < best?.users ?? .max
        {
            best = connection
        }
        if let oldest = best?.oldestSubmission, MonotonicTime.now - oldest > configuration.pipelinePatience {
            return nil
        }
        return best
    }

    private func lend(_ connection: PostgresConnection, _ exclusive: Bool) -> PostgresConnection {
        connection.users += 1
        connection.isExclusive = exclusive
        return connection
    }

    private func isOld(_ connection: PostgresConnection) -> Bool {
        MonotonicTime.now - connection.openedAt > configuration.maxLifetime * connection.lifetimeFactor
    }

    // MARK: Serving the queue

    private func serve() {
        while !waiters.isEmpty, let connection = takeIdle() {
            let waiter = waiters.removeFirst()
            waiter.continuation.resume(returning: .success(Confined(lend(connection, waiter.isExclusive))))
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
        idle.removeAll { $0 === connection }
        grow()
    }
}
