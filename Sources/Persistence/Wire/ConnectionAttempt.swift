import CPostgres
import EventLoop

/// Opens one connection without blocking the loop: `PQconnectPoll` says what to wait for and may change the socket each time.
///
/// States: connecting → connected or failed; the timer, a failure and success each end it once.
final class ConnectionAttempt {
    private let loop: EventLoop
    private let configuration: DatabaseConfiguration
    private let pointer: OpaquePointer
    private var watch: SocketWatch?
    private var timer: LoopTimer?
    private var waiter: UnsafeContinuation<Result<Confined<PostgresConnection>, DatabaseError>, Never>?

    /// Connects on the current loop.
    ///
    /// Throws `.unavailable` when the server refuses or does not answer in time; `sqlState` is not known then
    /// (libpq gives no code for a failed start).
    static func open(
        _ target: ConnectionTarget, _ configuration: DatabaseConfiguration, on loop: EventLoop
    ) async throws(DatabaseError) -> PostgresConnection {
        var target = target
        try await target.resolve()
        let pointer = target.withParameters { keys, values in PQconnectStartParams(keys, values, 0) }
        guard let pointer else { throw DatabaseError(.unavailable, context: "out of memory") }
        let attempt = ConnectionAttempt(pointer, configuration, loop)
        return try await withUnsafeContinuation { attempt.begin($0) }.get().value
    }

    private init(_ pointer: OpaquePointer, _ configuration: DatabaseConfiguration, _ loop: EventLoop) {
        self.pointer = pointer
        self.configuration = configuration
        self.loop = loop
    }

    private func begin(_ continuation: UnsafeContinuation<Result<Confined<PostgresConnection>, DatabaseError>, Never>) {
        waiter = continuation
        guard PQstatus(pointer) != CONNECTION_BAD else { return fail(PQerrorMessage(pointer)) }
        timer = loop.schedule(after: configuration.connectTimeout) { self.fail(nil) }
        wait(forWrite: true)
    }

    private func wait(forWrite: Bool) {
        watch?.close()
        do {
            let watch = try SocketWatch(PQsocket(pointer), read: !forWrite, write: forWrite)
            watch.handler = { self.poll() }
            self.watch = watch
        } catch {
            fail(nil)
        }
    }

    private func poll() {
        guard waiter != nil else { return }
        switch PQconnectPoll(pointer) {
        case PGRES_POLLING_READING: wait(forWrite: false)
        case PGRES_POLLING_WRITING: wait(forWrite: true)
        case PGRES_POLLING_OK: succeed()
        default: fail(PQerrorMessage(pointer))
        }
    }

    private func succeed() {
        watch?.close()
        watch = nil
        timer?.cancel()
        timer = nil
        guard let watch = try? SocketWatch(PQsocket(pointer), read: true, write: false) else { return fail(nil) }
        guard let connection = PostgresConnection(pointer, watch: watch, configuration: configuration, loop: loop)
        else {
            watch.close()
            return fail(nil)
        }
        waiter?.resume(returning: .success(Confined(connection)))
        waiter = nil
    }

    private func fail(_ message: UnsafeMutablePointer<CChar>?) {
        guard let waiter else { return }
        self.waiter = nil
        let text = message.map { String(cString: $0) }
        watch?.close()
        watch = nil
        timer?.cancel()
        timer = nil
        PQfinish(pointer)
        waiter.resume(
            returning: .failure(DatabaseError(.unavailable, context: "connecting", serverMessage: text ?? "timed out")))
    }
}
