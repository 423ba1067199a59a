import EventLoop

/// How long to go on asking for a segment that Emarsys is still evaluating.
///
/// `GET /filter/{id}/contacts` answers 202 while it evaluates and 423 while another segment is being evaluated for the
/// same API user. Neither interval nor duration is documented, so both are ours: waits grow from 5 s to 60 s until a
/// deadline. A pure value; the caller sleeps.
public struct SegmentPollPlan: Sendable, Hashable {
    /// What to do with a 202 or 423.
    public enum Decision: Sendable, Hashable {
        /// Ask again at this time.
        case again(at: Timestamp)
        /// The deadline would pass first.
        case giveUp
    }

    /// The first wait.
    public var firstDelay: Duration
    /// The longest wait.
    public var longestDelay: Duration
    /// Each wait is this many times the one before (1 or more).
    public var growth: Double
    /// From the first question to the last one.
    public var patience: Duration
    private var started: Timestamp?
    private var delay: Duration?

    /// 5 s, 7.5 s, 11.3 s … 60 s for half an hour, unless told otherwise.
    public init(
        firstDelay: Duration = .seconds(5), longestDelay: Duration = .seconds(60), growth: Double = 1.5,
        patience: Duration = .seconds(1800)
    ) {
        self.firstDelay = firstDelay
        self.longestDelay = longestDelay
        self.growth = max(1, growth)
        self.patience = patience
    }

    /// Records that the segment was not ready at `now`.
    ///
    /// - Parameters:
    ///   - now: the time of the answer
    ///   - retryAfterSeconds: the answer's own wish, which replaces the wait of this round
    public mutating func notReady(at now: Timestamp, retryAfterSeconds: Int? = nil) -> Decision {
        let begin = started ?? now
        started = begin
        let own = delay.map { min($0 * growth, longestDelay) } ?? firstDelay
        delay = own
        let wait = retryAfterSeconds.map { Duration.seconds(max(1, $0)) } ?? own
        let next = now + wait
        return next > begin + patience ? .giveUp : .again(at: next)
    }
}
