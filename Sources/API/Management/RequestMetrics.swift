/// Requests by route: the pattern, never the path.
public struct RequestMetrics: Sendable {
    private let requests: MetricCounter
    private let seconds: MetricHistogram

    /// Adds the families to `metrics`.
    public init(_ metrics: Metrics) {
        requests = metrics.counter(
            "charles_http_requests_total", "Requests answered, by route and class of status.",
            ["surface", "method", "route", "status"])
        seconds = metrics.histogram(
            "charles_http_request_seconds", "Time from the whole request to its answer, by route.",
            ["surface", "method", "route"])
    }

    /// Counts an answer.
    public func observe(_ exchange: Exchange) {
        requests.add(exchange.surface, exchange.method, exchange.route, "\(exchange.status / 100)xx")
        seconds.observe(exchange.duration, exchange.surface, exchange.method, exchange.route)
    }
}
