import EventLoop

/// The circuit breaker of one endpoint.
///
/// closed → open after five failures in a row; open → half-open when its time is over; half-open: one delivery is tried, its
/// success closes the circuit, its failure opens it again for twice as long, ten minutes at most.
public struct EndpointCircuit: Sendable, Hashable {
    /// Failures in a row.
    public private(set) var failures: Int
    /// Nothing is sent before; nil while closed.
    public private(set) var openUntil: Timestamp?

    static let threshold = 5
    static let shortest = Duration.seconds(30)
    static let longest = Duration.seconds(600)

    /// A circuit as stored.
    public init(failures: Int = 0, openUntil: Timestamp? = nil) {
        self.failures = failures
        self.openUntil = openUntil
    }

    /// How many deliveries may be under way now: 0 while open, 1 to probe, else `most`.
    public func permits(_ most: Int, now: Timestamp) -> Int {
        if let openUntil, now < openUntil { return 0 }
        return failures >= Self.threshold ? 1 : most
    }

    /// An attempt was taken.
    public mutating func succeed() {
        failures = 0
        openUntil = nil
    }

    /// An attempt failed.
    public mutating func fail(now: Timestamp) {
        failures += 1
        guard failures >= Self.threshold else { return }
        let doublings = min(failures - Self.threshold, 5)
        openUntil = now + min(Self.longest, Self.shortest * (1 << doublings))
    }

    /// The other side asked for quiet: nothing is sent for that long, one hour at most. This is no failure.
    public mutating func hold(for duration: Duration, now: Timestamp) {
        let until = now + min(max(duration, .seconds(1)), .seconds(3600))
        openUntil = max(openUntil ?? until, until)
    }
}
