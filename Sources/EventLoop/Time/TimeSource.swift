/// Where the time comes from: the system's clock, or one that a test moves by hand.
public protocol TimeSource: Sendable {
    /// The present.
    func now() -> Timestamp
    /// Suspends the task until the time is reached.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func sleep(until: Timestamp) async throws
}

extension TimeSource {
    /// Suspends the task for the duration.
    public func sleep(for duration: Duration) async throws {
        try await sleep(until: now() + duration)
    }
}

/// The system's wall clock.
public struct SystemTime: TimeSource {
    /// The one there is.
    public init() {}

    /// The present.
    public func now() -> Timestamp { .wallClock }

    /// Sleeps on the current loop's timers, or on the runtime's away from loops.
    public func sleep(until time: Timestamp) async throws {
        let duration = max(.zero, time - now())
        if let loop = EventLoop.current {
            try await loop.sleep(for: duration)
        } else {
            try await Task.sleep(for: duration)
        }
    }
}
