public import EventLoop
public import Persistence
import Synchronization

/// Keeps figures that cost the database something, so that however many ask, it is read once in a while.
///
/// Whoever asks gets what is known; where that is too old, one of those who ask has it read again and the others do not
/// wait. Only who asks first of all waits.
public final class FiguresCache: Sendable {
    private struct State: Sendable {
        var figures: OperationFigures?
        var readAt: MonotonicTime?
        var isReading = false
        var failures: UInt64 = 0
    }

    private let freshness: Duration
    private let read: @Sendable () async throws -> OperationFigures
    private let state = Mutex(State())

    /// A cache over a database.
    ///
    /// - Parameter freshness: how old figures may be
    public convenience init(database: Database, time: any TimeSource, freshness: Duration = .seconds(15)) {
        self.init(freshness: freshness) { try await OperationFiguresStore.read(now: time.now(), in: database) }
    }

    init(freshness: Duration, read: @escaping @Sendable () async throws -> OperationFigures) {
        self.freshness = freshness
        self.read = read
    }

    /// How often reading failed.
    public var failures: UInt64 { state.withLock { $0.failures } }

    /// How old the figures are; nil before the first.
    public var age: Duration? { state.withLock { $0.readAt.map { MonotonicTime.now - $0 } } }

    /// What was read last.
    public var latest: OperationFigures? { state.withLock { $0.figures } }

    /// Has the figures read where they are too old, and answers what is known then.
    public func current() async -> OperationFigures? {
        let (isFirst, mustRead) = state.withLock { state in
            let isFresh = state.readAt.map { MonotonicTime.now - $0 < freshness } ?? false
            guard !isFresh, !state.isReading else { return (false, false) }
            state.isReading = true
            return (state.figures == nil, true)
        }
        if isFirst {
            await refresh()
        } else if mustRead {
            Task(executorPreference: EventLoop.current) { [self] in await refresh() }
        }
        return latest
    }

    private func refresh() async {
        let figures = try? await read()
        state.withLock { state in
            state.isReading = false
            if let figures { state.figures = figures } else { state.failures += 1 }
            // A failure too is an answer for a while: a database in need is not asked again by each scrape.
            state.readAt = .now
        }
    }
}
