import EventLoop
import Synchronization

/// Lets acknowledging go first: while webhooks arrive in numbers, processing leaves them the time they need, so that it does not
/// compete with them for the database. What is durable can wait, a sender that waits sends again; but it must not wait for
/// ever, so a backlog that grows old takes its time back.
///
///     idle        --100 a second or more arrive--> sharing     (turns one after another, each followed by a pause)
///     sharing     --1000 a second or more-->       burst       (no turn: the burst is only acknowledged)
///     burst       --somebody waited ten seconds--> sharing     (a tenth of the time at least, more from two minutes on)
///     any         --less than 100 a second-->      idle        (turns as they come)
public final class EventPace: Sendable {
    /// How long a burst may be only acknowledged.
    static let patience: Duration = .seconds(10)

    private struct Waiter {
        let ticket: UInt64
        let since: Timestamp
    }

    private struct State {
        var nextTurn = Timestamp(microseconds: 0)
        /// The longest wait seen of late, over all tenants.
        var lag = Duration.zero
        var lagSeen = Timestamp(microseconds: 0)
        /// Who waits for a turn, in the order in which turns are given.
        var waiters: [Waiter] = []
        var nextTicket: UInt64 = 0
    }

    private let arrivals: @Sendable () -> Double
    private let state = Mutex(State())

    /// - Parameter arrivals: How many events a second arrive at present.
    public init(arrivals: @escaping @Sendable () -> Double) { self.arrivals = arrivals }

    /// Never in anybody's way.
    public static var unhurried: EventPace { EventPace { 0 } }

    /// The share of the time that processing may take, 0 to 1.
    ///
    /// - Parameters:
    ///   - arrivals: Events that arrive a second. Acknowledging needs time in proportion: none worth speaking of below a hundred,
    ///     nine tenths from 1800 on; all of it from 1000 on while nobody has waited for ten seconds.
    ///   - lag: How long the oldest event waits. From two minutes on processing takes more, from twelve on all it can.
    static func share(arrivals: Double, lag: Duration) -> Double {
        if arrivals < 100 { return 1 }
        if arrivals >= 1000, lag < patience { return 0 }
        let room = max(0.1, 1 - arrivals / 2000)
        let age = lag / .seconds(1)
        return max(room, min((age - 120) / 600, 1))
    }

    /// Waits for a turn, which are given in the order of asking: not at all while there is room.
    func turn(_ time: any TimeSource) async throws {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            state.waiters.append(Waiter(ticket: state.nextTicket, since: time.now()))
            return state.nextTicket
        }
        defer { state.withLock { state in state.waiters.removeAll { $0.ticket == ticket } } }
        while let pause = pause(of: ticket, time.now()) { try await time.sleep(for: pause) }
    }

    /// How long to wait before looking again; nil: it is this ticket's turn.
    private func pause(of ticket: UInt64, _ now: Timestamp) -> Duration? {
        let arrivals = arrivals()
        return state.withLock { state in
            guard let first = state.waiters.first else { return nil }
            let share = Self.share(arrivals: arrivals, lag: max(state.lag, now - first.since))
            if share >= 1 { return nil }
            guard first.ticket == ticket else { return .milliseconds(25) }
            guard share > 0 else { return .milliseconds(100) }
            // A pause may have been reckoned for more arrivals than there are now.
            guard state.nextTurn <= now else { return min(state.nextTurn - now, .milliseconds(100)) }
            // Until the turn's own length is known.
            state.nextTurn = now + .milliseconds(200)
            return nil
        }
    }

    /// A turn ended: the next one begins when as much time has passed as leaves the turn its share.
    /// - Parameter lag: How long the oldest event of the turn had waited.
    func ended(after duration: Duration, lag: Duration, _ time: any TimeSource) {
        let (arrivals, now) = (arrivals(), time.now())
        state.withLock { state in
            if lag >= state.lag || now - state.lagSeen > .seconds(10) {
                state.lag = lag
                state.lagSeen = now
            }
            let share = Self.share(arrivals: arrivals, lag: state.lag)
            state.nextTurn = share > 0 ? now + min(duration * (1 / share - 1), .seconds(5)) : now
        }
    }
}
