import EventLoop
import Synchronization

/// Runs work on a loop, for callers that may be elsewhere.
enum Hop {
    /// Runs `body` right here if this is the loop, else over there.
    static func on<T: Sendable, Failure: Error>(
        _ loop: EventLoop, _ body: @Sendable () async throws(Failure) -> T
    ) async throws(Failure) -> T {
        if EventLoop.current === loop { return try await body() }
        return try await onto(loop, body)
    }

    /// Leaves wherever it is called, also an actor, runs `body` on the loop and comes back.
    @concurrent
    static func onto<T: Sendable, Failure: Error>(
        _ loop: EventLoop, _ body: @Sendable () async throws(Failure) -> T
    ) async throws(Failure) -> T {
        try await withTaskExecutorPreference(loop) { () async throws(Failure) -> T in try await arrive(loop, body) }
    }

    /// The preference alone moves nothing: the closure starts where its caller is. Calling a concurrent function does, provided it
    /// does something by itself before it awaits: the compiler (6.3) leaves out the hop of one that only passes on to a
    /// `nonisolated(nonsending)` function.
    @concurrent
    private static func arrive<T: Sendable, Failure: Error>(
        _ loop: EventLoop, _ body: @Sendable () async throws(Failure) -> T
    ) async throws(Failure) -> T {
        precondition(loop.isCurrent, "the hop to the loop was lost")
        return try await body()
    }
}

/// Numbers that go round.
final class RoundRobin: Sendable {
    private let count = Atomic<UInt>(0)

    /// The next number from 0 up to, but not including, `limit`.
    func next(below limit: Int) -> Int {
        Int(count.wrappingAdd(1, ordering: .relaxed).oldValue % UInt(limit))
    }
}
