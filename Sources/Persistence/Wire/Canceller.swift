import CPostgres
import EventLoop
import Synchronization

/// Asks the server to cancel what a connection is running. libpq up to 16 does so by a second, blocking connection, so it happens
/// on the blocking executor.
///
/// Unchecked: `PGcancel` is not changed by `PQcancel`, which libpq allows on any thread.
final class Canceller: @unchecked Sendable {
    private let pointer: OpaquePointer
    /// Requests that were begun and not answered yet, of the whole process.
    private static let underWay = Atomic<Int>(0)

    init?(_ connection: OpaquePointer) {
        guard let pointer = PQgetCancel(connection) else { return nil }
        self.pointer = pointer
    }

    deinit { PQfreeCancel(pointer) }

    /// Sends the request and does not wait for its effect.
    func cancel() {
        Self.underWay.add(1, ordering: .relaxed)
        Task(executorPreference: BlockingExecutor.shared) { [self] in
            defer { Self.underWay.subtract(1, ordering: .relaxed) }
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { message in
                _ = PQcancel(pointer, message.baseAddress, 256)
            }
        }
    }

    /// Waits until no request is under way, two seconds at most. A process that ends in the middle of one takes PgBouncer 1.18 down
    /// with it: it frees the request's client twice.
    static func waitForAll() async {
        for _ in 0..<200 where underWay.load(ordering: .relaxed) > 0 { try? await Task.sleep(for: .milliseconds(10)) }
    }
}

/// Carries a loop-confined value through a `@Sendable` closure that runs on the same loop.
///
/// Unchecked: whoever makes one promises that `value` is touched on the loop only.
struct Confined<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }
}
