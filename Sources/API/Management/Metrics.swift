import EventLoop
public import HTTP
import Synchronization

/// Counters of a process in Prometheus' text form. Labels are few and bounded: never a tenant, a path or an id.
public final class Metrics: Sendable {
    /// Upper bounds of the latency histogram in seconds.
    private static let bounds: [Double] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    /// What kind of address was asked: the label of request counters.
    enum Surface: Int, CaseIterable, Sendable {
        case webhook, api, page

        var name: String {
            switch self {
            case .webhook: "webhook"
            case .api: "api"
            case .page: "page"
            }
        }
    }

    private struct Counts: Sendable {
        var byClass = [UInt64](repeating: 0, count: 6)
        var buckets = [UInt64](repeating: 0, count: Metrics.bounds.count + 1)
        var seconds = 0.0
    }

    private let counts = Mutex([Counts](repeating: Counts(), count: Surface.allCases.count))
    private let gauges = Mutex<[(name: String, help: String, value: @Sendable () -> Double)]>([])

    /// Counters at zero.
    public init() {}

    /// Counts an answer.
    public func observe(_ request: HTTPRequest, _ response: HTTPResponse, _ duration: Duration) {
        let path = request.head.pathBytes
        let surface: Surface =
            path.starts(with: "/api/v0/webhooks/".utf8) ? .webhook : path.starts(with: "/api/".utf8) ? .api : .page
        let (whole, parts) = duration.components
        let seconds = Double(whole) + Double(parts) / 1e18
        let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        let statusClass = min(max(response.status.code / 100, 0), 5)
        counts.withLock { counts in
            counts[surface.rawValue].byClass[statusClass] += 1
            counts[surface.rawValue].buckets[bucket] += 1
            counts[surface.rawValue].seconds += seconds
        }
    }

    /// Adds a value that is read whenever the metrics are asked for.
    public func gauge(_ name: String, _ help: String, _ value: @escaping @Sendable () -> Double) {
        gauges.withLock { $0.append((name, help, value)) }
    }

    /// The Prometheus text.
    public func text() -> String {
        let counts = counts.withLock { $0 }
        var text = """
            # HELP charles_http_requests_total Requests answered, by kind of address and class of status.
            # TYPE charles_http_requests_total counter

            """
        for surface in Surface.allCases {
            for (index, count) in counts[surface.rawValue].byClass.enumerated() where index >= 1 {
                text += "charles_http_requests_total{surface=\"\(surface.name)\",status=\"\(index)xx\"} \(count)\n"
            }
        }
        text += """
            # HELP charles_http_request_seconds Time from the whole request to its answer.
            # TYPE charles_http_request_seconds histogram

            """
        for surface in Surface.allCases {
            let known = counts[surface.rawValue]
            var sum: UInt64 = 0
            for (bound, count) in zip(Self.bounds, known.buckets) {
                sum += count
                text += "charles_http_request_seconds_bucket{surface=\"\(surface.name)\",le=\"\(bound)\"} \(sum)\n"
            }
            sum += known.buckets[Self.bounds.count]
            text += "charles_http_request_seconds_bucket{surface=\"\(surface.name)\",le=\"+Inf\"} \(sum)\n"
            text += "charles_http_request_seconds_sum{surface=\"\(surface.name)\"} \(known.seconds)\n"
            text += "charles_http_request_seconds_count{surface=\"\(surface.name)\"} \(sum)\n"
        }
        for gauge in gauges.withLock({ $0 }) {
            text += "# HELP \(gauge.name) \(gauge.help)\n# TYPE \(gauge.name) gauge\n\(gauge.name) \(gauge.value())\n"
        }
        return text
    }
}
