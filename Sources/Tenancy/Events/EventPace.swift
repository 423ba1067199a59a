import EventLoop
import Synchronization

/// Lets acknowledging go first: while webhooks queue up for their commit, processing takes turns far apart instead of competing
/// with it for the database. What is durable can wait; a sender that waits sends again.
public final class EventPace: Sendable {
    private let isBusy: @Sendable () -> Bool
    private let interval: Duration
    private let nextTurn = Mutex(Timestamp(microseconds: 0))

    /// - Parameters:
    ///   - interval: Between two transactions of this process while it is busy.
    ///   - isBusy: Whether webhooks queue up.
    public init(interval: Duration = .milliseconds(500), isBusy: @escaping @Sendable () -> Bool) {
        self.interval = interval
        self.isBusy = isBusy
    }

    /// Never busy.
    public static var unhurried: EventPace { EventPace { false } }

    /// Waits for a turn: none while there is room, at most five seconds otherwise.
    func turn(_ time: any TimeSource) async throws {
        guard isBusy() else { return }
        let now = time.now()
        let turn = nextTurn.withLock { next in
            let turn = min(max(next, now), now + .seconds(5))
            next = turn + interval
            return turn
        }
        if turn > now { try await time.sleep(until: turn) }
    }
}
