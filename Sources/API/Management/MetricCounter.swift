import Synchronization

/// Counts by label values.
public final class MetricCounter: Sendable {
    /// The most combinations of label values; what comes beyond counts as `other`.
    static let mostSeries = 1000

    private let labels: [String]
    private let counts = Mutex<[[String]: UInt64]>([:])

    init(labels: [String]) { self.labels = labels }

    /// Counts; the values in the order of the labels' names.
    public func add(_ values: String..., count: UInt64 = 1) { add(values, count: count) }

    func add(_ values: [String], count: UInt64) {
        counts.withLock { counts in
            if counts[values] == nil, counts.count >= Self.mostSeries {
                counts[labels.map { _ in "other" }, default: 0] += count
            } else {
                counts[values, default: 0] += count
            }
        }
    }

    func write(_ name: String, to text: inout PrometheusText) {
        let counts = counts.withLock { $0 }
        if labels.isEmpty, counts.isEmpty { return text.sample(name, [], 0) }
        for (values, count) in counts.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            text.sample(name, zip(labels, values).map { (name: $0, value: $1) }, Double(count))
        }
    }
}

/// How long things take, by label values.
public final class MetricHistogram: Sendable {
    /// Upper bounds in seconds that suit answers of an API.
    public static let latencies: [Double] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    /// Upper bounds in seconds that suit calls to others and jobs.
    public static let slow: [Double] = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800]

    private struct Counts: Sendable {
        var buckets: [UInt64]
        var seconds = 0.0
    }

    private let labels: [String]
    private let bounds: [Double]
    private let counts = Mutex<[[String]: Counts]>([:])

    init(labels: [String], bounds: [Double]) {
        self.labels = labels
        self.bounds = bounds
    }

    /// Counts one duration; the values in the order of the labels' names.
    public func observe(_ duration: Duration, _ values: String...) {
        let (whole, parts) = duration.components
        let seconds = Double(whole) + Double(parts) / 1e18
        let bucket = bounds.firstIndex { seconds <= $0 } ?? bounds.count
        counts.withLock { counts in
            let key =
                counts[values] != nil || counts.count < MetricCounter.mostSeries ? values : labels.map { _ in "other" }
            counts[key, default: Counts(buckets: [UInt64](repeating: 0, count: bounds.count + 1))].buckets[bucket] += 1
            counts[key]?.seconds += seconds
        }
    }

    func write(_ name: String, to text: inout PrometheusText) {
        let counts = counts.withLock { $0 }
        for (values, known) in counts.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let own = zip(labels, values).map { (name: $0, value: $1) }
            var sum: UInt64 = 0
            for (bound, count) in zip(bounds, known.buckets) {
                sum += count
                text.sample("\(name)_bucket", own + [("le", PrometheusText.number(bound))], Double(sum))
            }
            sum += known.buckets[bounds.count]
            text.sample("\(name)_bucket", own + [("le", "+Inf")], Double(sum))
            text.sample("\(name)_sum", own, known.seconds)
            text.sample("\(name)_count", own, Double(sum))
        }
    }
}
