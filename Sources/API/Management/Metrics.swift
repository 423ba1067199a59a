import Synchronization

/// The metrics of a process. Labels are few and bounded: never a tenant, a path as it came, an id or a person's data.
public final class Metrics: Sendable {
    private struct Family: Sendable {
        let name: String
        let help: String
        let type: String
        let write: @Sendable (inout PrometheusText) -> Void
    }

    private let families = Mutex<[Family]>([])

    /// No metrics yet.
    public init() {}

    /// Adds a counter.
    ///
    /// - Parameter labels: their names; values come with each count
    public func counter(_ name: String, _ help: String, _ labels: [String] = []) -> MetricCounter {
        let counter = MetricCounter(labels: labels)
        add(name, help, "counter") { counter.write(name, to: &$0) }
        return counter
    }

    /// Adds a histogram of seconds.
    public func histogram(
        _ name: String, _ help: String, _ labels: [String] = [], bounds: [Double] = MetricHistogram.latencies
    ) -> MetricHistogram {
        let histogram = MetricHistogram(labels: labels, bounds: bounds)
        add(name, help, "histogram") { histogram.write(name, to: &$0) }
        return histogram
    }

    /// Adds a value that is read whenever the metrics are asked for.
    public func gauge(_ name: String, _ help: String, _ value: @escaping @Sendable () -> Double) {
        add(name, help, "gauge") { $0.sample(name, [], value()) }
    }

    /// Adds values with labels that are read whenever the metrics are asked for.
    ///
    /// - Parameter isTotal: whether they only grow
    public func values(
        _ name: String, _ help: String, _ labels: [String], isTotal: Bool = false,
        _ read: @escaping @Sendable () -> [(labels: [String], value: Double)]
    ) {
        add(name, help, isTotal ? "counter" : "gauge") { text in
            for (values, value) in read() {
                text.sample(name, Array(zip(labels, values)).map { (name: $0, value: $1) }, value)
            }
        }
    }

    /// The Prometheus text.
    public func text() -> String {
        var text = PrometheusText()
        for family in families.withLock({ $0 }) {
            text.family(family.name, family.help, type: family.type)
            family.write(&text)
        }
        return text.text
    }

    private func add(
        _ name: String, _ help: String, _ type: String, _ write: @escaping @Sendable (inout PrometheusText) -> Void
    ) {
        families.withLock { families in
            precondition(!families.contains { $0.name == name }, "a metric has one family")
            families.append(Family(name: name, help: help, type: type, write: write))
        }
    }
}
