import EventLoop

/// When a delivery that failed is tried again.
///
/// The steps of the Standard Webhooks specification, stretched: quick at first, then hours apart, until `retryFor` has passed
/// since the delivery was made. Jitter is only ever added, at most a tenth of a step.
public struct DeliveryRetryPlan: Sendable, Hashable {
    /// How long a delivery is tried: `CHARLES_DELIVERY_RETRY_FOR`, 72 hours unless set.
    public let retryFor: Duration

    /// Seconds after the first, second … failure; the last one repeats.
    static let steps: [Int] = [5, 30, 120, 300, 900, 1800, 3600, 7200, 14_400, 21_600, 28_800]

    /// A plan.
    public init(retryFor: Duration = .seconds(72 * 3600)) { self.retryFor = retryFor }

    /// The time of the next attempt; nil: no further one, the delivery is dead.
    ///
    /// - Parameters:
    ///   - failures: Attempts that have failed, 1 or more.
    ///   - giveUpAt: The end of its time.
    ///   - retryAfter: What the other side asked for.
    ///   - jitter: 0 to 1.
    public func next(
        failures: Int, giveUpAt: Timestamp, now: Timestamp, retryAfter: Duration? = nil, jitter: Double
    ) -> Timestamp? {
        let step = Self.steps[min(max(failures, 1), Self.steps.count) - 1]
        let spread = Duration.milliseconds(Int64(Double(step) * 100 * min(max(jitter, 0), 1)))
        let at = now + max(.seconds(step) + spread, retryAfter ?? .zero)
        return at <= giveUpAt ? at : nil
    }
}
