public import EventLoop

/// When an opt-in change is sent again, and when it is given up.
///
///     queued ── taken ──▶ sent ── Emarsys took it ──▶ confirmed
///       ▲                  ├── unknown there ───────▶ not_in_emarsys
///       │                  ├── refused, or too old ─▶ failed ── re-driven ──▶ queued
///       └── passing failure┘
///
/// A withdrawal that does not arrive is worse than a late one, so passing failures are repeated for days, at a pace that
/// does no harm.
public struct OptInRetryPlan: Sendable, Hashable {
    /// What becomes of a row after a passing failure.
    public enum Verdict: Sendable, Hashable {
        /// It is sent again, not before this time.
        case again(at: Timestamp)
        /// It is given up.
        case giveUp
    }

    /// The wait after the first failure; each further one is twice as long.
    public var firstDelay = Duration.seconds(5)
    /// No wait of our own is longer.
    public var longestDelay = Duration.seconds(900)
    /// A row is given up when it is this old.
    public var giveUpAfter = Duration.seconds(72 * 3600)

    /// Five seconds to a quarter of an hour, for three days.
    public init() {}

    /// Decides about a row.
    ///
    /// - Parameters:
    ///   - attempts: how often it was sent, this time included
    ///   - createdAt: when the change was queued
    ///   - now: the present
    ///   - retryAfter: how long the other side asked to wait
    ///   - jitter: 0 to 1; spreads rows that failed together over half to all of the wait
    public func verdict(
        attempts: Int, createdAt: Timestamp, now: Timestamp, retryAfter: Duration? = nil, jitter: Double
    ) -> Verdict {
        let delay: Duration
        if let retryAfter {
            delay = retryAfter
        } else {
            let doubled = firstDelay * (1 << min(max(attempts - 1, 0), 20))
            delay = min(doubled, longestDelay) * (0.5 + 0.5 * min(max(jitter, 0), 1))
        }
        let next = now + delay
        return next > createdAt + giveUpAfter ? .giveUp : .again(at: next)
    }
}
