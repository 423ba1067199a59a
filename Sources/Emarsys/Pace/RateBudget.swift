import EventLoop

/// How many calls one API user may still make, as a pure value.
///
/// Emarsys counts 1000 calls a minute per API user and tells the state of its count in headers. Between answers we
/// count ourselves: a window begins with its first call, or where the headers say, and holds `limit` calls. An answer
/// can only lower what is left in a window, because other programs may share the API user; a 429 closes the budget.
///
///     open ── limit calls taken ──▶ empty ── window ends ──▶ open
///       └── 429 ──▶ closed until Retry-After, else Reset, else 60 s ──▶ open
public struct RateBudget: Sendable, Hashable {
    /// Who asks: calls that a person or a withdrawn consent waits for may use the reserve that bulk work leaves.
    public enum Urgency: Sendable, Hashable {
        /// May use every call.
        case urgent
        /// Leaves a tenth of the calls to urgent ones.
        case bulk
    }

    /// The answer to a wish to call.
    public enum Decision: Sendable, Hashable {
        /// The call is counted: send it, and report its answer by ``observe(_:status:at:)`` or ``lost()``.
        case go
        /// Ask again at this time.
        case wait(until: Timestamp)
    }

    /// Calls in a window as long as Emarsys does not tell another number.
    public private(set) var limit: Int
    /// Calls left in the current window.
    public private(set) var remaining: Int
    /// Calls that were sent and not yet answered.
    public private(set) var inFlight = 0
    private var windowEnd: Timestamp?
    private var closedUntil: Timestamp?
    private let ownLimit: Int
    private static let window = Duration.seconds(60)
    /// No header makes us wait longer: clocks differ, and a wrong header must not stop a tenant for hours.
    private static let longestPause = Duration.seconds(300)

    /// A full budget. `limit` is this process' share of the API user's calls per minute.
    public init(limit: Int = 1000) {
        ownLimit = max(1, limit)
        self.limit = ownLimit
        remaining = ownLimit
    }

    /// Asks to make one call at `now`.
    public mutating func take(at now: Timestamp, urgency: Urgency = .bulk) -> Decision {
        if let closedUntil {
            if now < closedUntil { return .wait(until: closedUntil) }
            self.closedUntil = nil
        }
        if let end = windowEnd, now >= end {
            windowEnd = nil
            remaining = limit
        }
        let reserve = urgency == .urgent ? 0 : limit / 10
        let end = windowEnd ?? now + RateBudget.window
        guard remaining > reserve else { return .wait(until: end) }
        windowEnd = end
        remaining -= 1
        inFlight += 1
        return .go
    }

    /// Records the answer to a call.
    public mutating func observe(_ headers: RateLimitHeaders, status: Int, at now: Timestamp) {
        inFlight = max(0, inFlight - 1)
        if let told = headers.limit { limit = min(told, ownLimit) }
        let reset = headers.resetUnixSeconds.map { Timestamp(seconds: $0) }
        if status == 429 {
            var until = now + RateBudget.window
            if let seconds = headers.retryAfterSeconds {
                until = now + .seconds(max(1, seconds))
            } else if let reset, reset > now {
                until = reset
            }
            until = min(until, now + RateBudget.longestPause)
            closedUntil = max(closedUntil ?? until, until)
            windowEnd = nil
            remaining = limit
            return
        }
        guard let told = headers.remaining, let reset, reset > now, reset <= now + RateBudget.longestPause else {
            return
        }
        // What is still in flight may or may not be in the told number: assume it is not.
        let left = max(0, told - inFlight)
        if let end = windowEnd, reset <= end + .seconds(1), reset + .seconds(1) >= end {
            remaining = min(remaining, left)
        } else {
            // Emarsys' window is not the one we assumed: take its own.
            windowEnd = reset
            remaining = min(left, limit)
        }
    }

    /// Records that a call had no answer; it stays counted.
    public mutating func lost() {
        inFlight = max(0, inFlight - 1)
    }
}
