import EventLoop
import Synchronization

/// Lets acknowledging go first: while webhooks arrive in numbers, processing leaves them the time they need, so that it does not
/// compete with them for the database. What is durable can wait, a sender that waits sends again; but it must not wait for
/// ever, so a backlog that grows old takes its time back.
public final class EventPace: Sendable {
    private struct State {
        var nextTurn = Timestamp(microseconds: 0)
        /// The longest wait seen of late, over all tenants.
        var lag = Duration.zero
        var lagSeen = Timestamp(microseconds: 0)
    }

    private let arrivals: @Sendable () -> Double
    private let state = Mutex(State())

    /// - Parameter arrivals: How many events a second arrive at present.
    public init(arrivals: @escaping @Sendable () -> Double) { self.arrivals = arrivals }

    /// Never in anybody's way.
    public static var unhurried: EventPace { EventPace { 0 } }

    /// The share of the time that processing may take, 0.1 to 1.
    ///
    /// - Parameters:
    ///   - arrivals: Events that arrive a second. Acknowledging needs time in proportion: none worth speaking of below a hundred,
    ///     nine tenths from 1800 on.
    ///   - lag: How long the oldest event waits. From two minutes on processing takes more, from twelve on all it can.
    static func share(arrivals: Double, lag: Duration) -> Double {
        if arrivals < 100 { return 1 }
        let room = max(0.1, 1 - arrivals / 2000)
        let age = lag / .seconds(1)
        return max(room, min((age - 120) / 600, 1))
    }

    /// Waits for a turn: not at all while there is room, five seconds at most otherwise.
    func turn(_ time: any TimeSource) async throws {
        let (arrivals, now) = (arrivals(), time.now())
        let turn = state.withLock { state -> Timestamp? in
            guard Self.share(arrivals: arrivals, lag: state.lag) < 1 else { return nil }
            let turn = min(max(state.nextTurn, now), now + .seconds(5))
            // Until the turn's own length is known.
            state.nextTurn = turn + .milliseconds(200)
            return turn
        }
        if let turn, turn > now { try await time.sleep(until: turn) }
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
            guard share < 1 else { return }
            state.nextTurn = max(state.nextTurn, now + min(duration * (1 / share - 1), .seconds(5)))
        }
    }
}
