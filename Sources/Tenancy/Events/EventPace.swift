import EventLoop
import Synchronization

/// Lets acknowledging go first: while webhooks arrive in numbers, processing takes a tenth of the time at most, so that it does
/// not compete with them for the database. What is durable can wait; a sender that waits sends again.
public final class EventPace: Sendable {
    private let isBusy: @Sendable () -> Bool
    private let nextTurn = Mutex(Timestamp(microseconds: 0))

    /// - Parameter isBusy: Whether webhooks arrive in numbers.
    public init(isBusy: @escaping @Sendable () -> Bool) { self.isBusy = isBusy }

    /// Never busy.
    public static var unhurried: EventPace { EventPace { false } }

    /// Waits for a turn: not at all while there is room, five seconds at most otherwise.
    func turn(_ time: any TimeSource) async throws {
        guard isBusy() else { return }
        let now = time.now()
        let turn = nextTurn.withLock { next in
            let turn = min(max(next, now), now + .seconds(5))
            // Until the turn's own length is known.
            next = turn + .milliseconds(200)
            return turn
        }
        if turn > now { try await time.sleep(until: turn) }
    }

    /// A turn ended: while busy, the next one begins when nine times its length have passed.
    func ended(after duration: Duration, _ time: any TimeSource) {
        guard isBusy() else { return }
        let earliest = time.now() + min(duration * 9, .seconds(5))
        nextTurn.withLock { $0 = max($0, earliest) }
    }
}
