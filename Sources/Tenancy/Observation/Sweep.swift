import EventLoop

/// Looks twice a minute for what nobody was told of: work that a crash left between two steps, a setting that was changed
/// elsewhere.
public struct Sweep: Service {
    private let time: any TimeSource
    private let interval: Duration
    private let work: @Sendable () async throws -> Void
    private let onFailure: @Sendable (any Error) -> Void

    /// A sweep.
    /// - Parameters:
    ///   - interval: From the end of one look to the next.
    ///   - work: One look, which must be cheap where there is nothing to find.
    ///   - onFailure: Told of a look that failed; the next one comes all the same.
    public init(
        time: any TimeSource, interval: Duration = .seconds(30), work: @escaping @Sendable () async throws -> Void,
        onFailure: @escaping @Sendable (any Error) -> Void = { _ in }
    ) {
        self.time = time
        self.interval = interval
        self.work = work
        self.onFailure = onFailure
    }

    /// Looks at once, then by the interval, until cancelled.
    public func run() async throws {
        while !Task.isCancelled {
            do { try await work() } catch { onFailure(error) }
            try await time.sleep(for: interval)
        }
    }
}
