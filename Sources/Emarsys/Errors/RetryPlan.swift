import EventLoop

/// When to repeat a failed call, and when to give up.
///
/// A pure value: it sees errors and times and says how long to wait.
///
///     fresh ── retry ──▶ waiting ── (sent again) ──▶ fresh
///       └── any other class, or attempts or time used up ──▶ given up
public struct RetryPlan: Sendable, Hashable {
    /// What to do with a failure.
    public enum Decision: Sendable, Hashable {
        /// Send the call again after this time.
        case again(after: Duration)
        /// Hand the error to the caller.
        case giveUp
    }

    /// The number of times a call is sent, the first one included (1 or more).
    public var attempts: Int
    /// The wait after the first failure; each further one is twice as long.
    public var firstDelay: Duration
    /// No wait that we choose ourselves is longer. A longer `Retry-After` is honoured up to `longestHonoured`.
    public var longestDelay: Duration
    /// The longest wait taken from an answer's headers.
    public var longestHonoured: Duration
    /// Failures so far.
    public private(set) var failures = 0

    /// Five attempts within about half a minute, unless told otherwise.
    public init(
        attempts: Int = 5, firstDelay: Duration = .seconds(1), longestDelay: Duration = .seconds(60),
        longestHonoured: Duration = .seconds(300)
    ) {
        self.attempts = max(1, attempts)
        self.firstDelay = firstDelay
        self.longestDelay = longestDelay
        self.longestHonoured = longestHonoured
    }

    /// One attempt only: for probes and for what a person waits for.
    public static let never = RetryPlan(attempts: 1)

    /// Records a failure and says what to do.
    ///
    /// - Parameters:
    ///   - error: the failure
    ///   - jitter: 0 to 1; spreads callers that failed together over half to all of the wait
    public mutating func decide(after error: EmarsysError, jitter: Double) -> Decision {
        failures += 1
        guard error.failureClass == .retry, error.origin != .cancelled, error.origin != .deadline,
            failures < attempts
        else { return .giveUp }
        if let asked = error.retryAfterSeconds {
            return .again(after: min(.seconds(max(0, asked)), longestHonoured))
        }
        let doubled = firstDelay * (1 << min(failures - 1, 20))
        let delay = min(doubled, longestDelay)
        return .again(after: delay * (0.5 + 0.5 * min(max(jitter, 0), 1)))
    }
}
