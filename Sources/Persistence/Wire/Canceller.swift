import CPostgres
import EventLoop

/// Asks the server to cancel what a connection is running. libpq up to 16 does so by a second, blocking connection, so it happens
/// on the blocking executor.
///
/// Unchecked: `PGcancel` is not changed by `PQcancel`, which libpq allows on any thread.
final class Canceller: @unchecked Sendable {
    private let pointer: OpaquePointer

    init?(_ connection: OpaquePointer) {
        guard let pointer = PQgetCancel(connection) else { return nil }
        self.pointer = pointer
    }

    deinit { PQfreeCancel(pointer) }

    /// Sends the request and does not wait for its effect.
    func cancel() {
        Task(executorPreference: BlockingExecutor.shared) { [self] in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { message in
                _ = PQcancel(pointer, message.baseAddress, 256)
            }
        }
    }
}

/// Carries a loop-confined value through a `@Sendable` closure that runs on the same loop.
///
/// Unchecked: whoever makes one promises that `value` is touched on the loop only.
struct Confined<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }
}
