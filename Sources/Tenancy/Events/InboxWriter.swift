import EventLoop
import Persistence
import Synchronization

/// Makes events durable. Requests on one loop share transactions; an answer comes only after the commit.
public final class InboxWriter: Sendable {
    /// How the writer gathers.
    public struct Limits: Sendable {
        /// Rows in one transaction; a single request with more goes alone.
        public var rows = 128
        /// Transactions under way per loop.
        public var writers = 1
        /// How long wakes of the processing are gathered.
        public var wakeDelay: Duration = .milliseconds(25)

        /// The measured defaults.
        public init() {}
    }

    private let inboxes: [LoopInbox]
    private let time: any TimeSource

    /// - Parameters:
    ///   - database: Where events go.
    ///   - group: The loops that requests arrive on.
    ///   - time: Whose now decides about the 24 hours of the repeat window.
    ///   - onWake: Told after the processing of some tenants was asked for, to look for work at once.
    public init(
        database: Database, group: EventLoopGroup, time: any TimeSource, limits: Limits = Limits(),
        onWake: @escaping @Sendable () -> Void = {}
    ) {
        self.time = time
        inboxes = group.loops.map {
            LoopInbox(loop: $0, database: database, time: time, limits: limits, onWake: onWake)
        }
    }

    /// How many events a second arrive at present, over all loops.
    public var arrivals: Double {
        let now = time.now().microseconds
        return inboxes.reduce(0) { $0 + $1.rate(at: now) }
    }

    /// Returns when the rows are durable, or known not to be, in their order.
    func append(_ rows: [InboxRow]) async -> [InboxOutcome] {
        if rows.isEmpty { return [] }
        if let loop = EventLoop.current, loop.index < inboxes.count, inboxes[loop.index].loop === loop {
            return await inboxes[loop.index].append(rows)
        }
        let inbox = inboxes[0]
        return await withTaskExecutorPreference(inbox.loop) { await inbox.append(rows) }
    }
}
