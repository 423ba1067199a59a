/// Pauses between attempts to connect: doubled from failure to failure up to a limit, each drawn between half and the whole of it.
struct Backoff {
    private let range: ClosedRange<Duration>
    private(set) var failures = 0

    init(_ range: ClosedRange<Duration>) { self.range = range }

    /// Notes a failure and returns the pause before the next attempt.
    mutating func next(random: Double = .random(in: 0.5...1)) -> Duration {
        var pause = range.lowerBound
        for _ in 0..<min(failures, 30) where pause < range.upperBound { pause *= 2 }
        failures += 1
        return min(pause, range.upperBound) * random
    }

    /// Starts afresh after a success.
    mutating func reset() { failures = 0 }
}
