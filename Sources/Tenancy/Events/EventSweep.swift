import EventLoop

/// Looks twice a minute for events that wait while nobody is asked to process them, which a crash between an arrival and its wake
/// leaves behind.
public struct EventSweep: Service {
    private let processor: EventProcessor
    private let time: any TimeSource
    private let interval: Duration
    private let onFailure: @Sendable (any Error) -> Void

    /// A sweep.
    public init(
        processor: EventProcessor, time: any TimeSource, interval: Duration = .seconds(30),
        onFailure: @escaping @Sendable (any Error) -> Void = { _ in }
    ) {
        self.processor = processor
        self.time = time
        self.interval = interval
        self.onFailure = onFailure
    }

    /// Sweeps at once, then by the interval, until cancelled.
    public func run() async throws {
        while !Task.isCancelled {
            do { try await processor.sweep() } catch { onFailure(error) }
            try await time.sleep(for: interval)
        }
    }
}
