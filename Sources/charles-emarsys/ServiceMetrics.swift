import API
import Emarsys
import EventLoop
import FoundationEssentials
import Glibc
import HTTP
import Persistence
import Tenancy

/// The metrics of a serving process: what is counted where it happens, and what is read when somebody asks.
struct ServiceMetrics: Sendable {
    let metrics: Metrics
    let requests: RequestMetrics
    private let jobs: MetricCounter
    private let jobSeconds: MetricHistogram
    private let calls: MetricCounter
    private let callSeconds: MetricHistogram
    private let deliveries: MetricCounter
    private let webhooks: MetricCounter
    private let imports: MetricCounter

    init() {
        metrics = Metrics()
        requests = RequestMetrics(metrics)
        jobs = metrics.counter(
            "charles_jobs_total", "Jobs that ended here, by kind and outcome.", ["queue", "kind", "outcome"])
        jobSeconds = metrics.histogram(
            "charles_job_seconds", "How long jobs took.", ["queue", "kind"], bounds: MetricHistogram.slow)
        calls = metrics.counter(
            "charles_emarsys_calls_total", "Calls to Emarsys by endpoint and class of status; none: no answer came.",
            ["endpoint", "status"])
        callSeconds = metrics.histogram(
            "charles_emarsys_call_seconds", "How long calls to Emarsys took.", ["endpoint"],
            bounds: MetricHistogram.slow)
        deliveries = metrics.counter(
            "charles_deliveries_total", "Attempts to deliver to charles instances, by outcome.", ["outcome"])
        webhooks = metrics.counter(
            "charles_webhooks_total", "Events by webhook and outcome; unauthorized and refused count requests.",
            ["source", "outcome"])
        imports = metrics.counter("charles_imports_finished_total", "Imports that ended here, by state.", ["state"])
        let start = Double(SystemTime().now().microseconds) / 1e6
        metrics.gauge("process_start_time_seconds", "When the process started, in seconds since 1970.") { start }
        metrics.gauge("process_resident_memory_bytes", "Memory that the process holds.") { Self.residentBytes() }
        metrics.values("charles_build_info", "1, with the version as a label.", ["version"]) {
            [(labels: [VersionCommand.version], value: 1)]
        }
    }

    // MARK: What happens

    func called(_ call: EmarsysCallRecord) {
        let endpoint = call.operation.rawValue
        calls.add(endpoint, call.httpStatus == 0 ? "none" : "\(call.httpStatus / 100)xx")
        callSeconds.observe(call.duration, endpoint)
    }

    func delivered(_ outcome: String) { deliveries.add(outcome) }

    func received(_ source: EventSource, _ outcome: String) { webhooks.add(source.rawValue, outcome) }

    func imported(_ state: String) { imports.add(state) }

    func worked(_ queue: String, _ kind: String, _ outcome: String, _ duration: Duration) {
        jobs.add(queue, kind, outcome)
        jobSeconds.observe(duration, queue, kind)
    }

    // MARK: What is read

    func watch(pools: [(name: String, database: Database)]) {
        func values(
            _ name: String, _ help: String, isTotal: Bool = false,
            _ value: @escaping @Sendable (PoolFigures.Snapshot) -> Double
        ) {
            metrics.values(name, help, ["pool"], isTotal: isTotal) {
                pools.map { (labels: [$0.name], value: value($0.database.figures)) }
            }
        }
        values("charles_database_connections_limit", "Connections that may be open.") { Double($0.limit) }
        values("charles_database_connections", "Connections that are open.") { Double($0.open) }
        values("charles_database_connections_in_use", "Connections that somebody uses.") { Double($0.inUse) }
        values("charles_database_waiting", "Callers that wait for a connection.") { Double($0.waiting) }
        values("charles_database_waits_total", "Callers that had to wait and were served.", isTotal: true) {
            Double($0.waits)
        }
        values("charles_database_wait_seconds_total", "How long those waited.", isTotal: true) { $0.waitedSeconds }
        values("charles_database_refused_total", "Callers that got no connection in time.", isTotal: true) {
            Double($0.refused)
        }
    }

    func watch(_ lag: LoopLag) {
        metrics.values(
            "charles_loop_lag_seconds", "The longest delay of each event loop within the last half minute.", ["loop"]
        ) {
            lag.longest.enumerated().map { (labels: ["\($0.offset)"], value: $0.element / .seconds(1)) }
        }
    }

    func watch(_ shared: EmarsysSharedState) {
        metrics.gauge("charles_emarsys_budget_connections", "Connections to Emarsys with a rate budget here.") {
            Double(shared.budgets.count)
        }
        metrics.gauge(
            "charles_emarsys_budget_lowest_ratio",
            "The share of its calls this minute that the tightest budget has left."
        ) {
            shared.budgets.map { Double($0.remaining) / Double(max(1, $0.limit)) }.min() ?? 1
        }
        metrics.gauge("charles_emarsys_calls_in_flight", "Calls to Emarsys that have no answer yet.") {
            Double(shared.budgets.reduce(0) { $0 + $1.inFlight })
        }
    }

    func watch(_ cache: FiguresCache) {
        func values(
            _ name: String, _ help: String, _ labels: [String],
            _ read: @escaping @Sendable (OperationFigures) -> [(labels: [String], value: Double)]
        ) {
            metrics.values(name, help, labels) { cache.latest.map(read) ?? [] }
        }
        func counts(
            _ name: String, _ help: String, _ label: String,
            _ read: @escaping @Sendable (OperationFigures) -> [OperationFigures.Count]
        ) {
            values(name, help, [label]) { read($0).map { (labels: [$0.name], value: Double($0.count)) } }
        }
        values("charles_lane_jobs", "Jobs in lanes, by queue and state.", ["queue", "state"]) {
            $0.lanes.map { (labels: [$0.queue, $0.state], value: Double($0.count)) }
        }
        values(
            "charles_lane_oldest_seconds",
            "How long the oldest job that could run has been due; paused lanes left out.",
            ["queue"]
        ) { figures in
            figures.lanes.compactMap { lane in lane.oldestSeconds.map { (labels: [lane.queue], value: $0) } }
        }
        counts("charles_lanes_paused", "Lanes that wait for a resume or a feature.", "queue") { $0.pausedLanes }
        counts("charles_opt_in_exports_queued", "Opt-ins to be told to Emarsys.", "status") { $0.exports }
        values("charles_opt_in_exports_oldest_seconds", "The age of the oldest of them.", ["status"]) { figures in
            figures.exports.compactMap { count in count.oldestSeconds.map { (labels: [count.name], value: $0) } }
        }
        values("charles_deliveries_queued", "Deliveries that wait.", []) { [([], Double($0.deliveries.count))] }
        values("charles_deliveries_oldest_seconds", "The age of the oldest of them.", []) {
            [([], $0.deliveries.oldestSeconds ?? 0)]
        }
        counts("charles_imports", "Imports under way, by state.", "state") { $0.imports }
        counts("charles_alerts", "Alerts that are raised, by kind.", "kind") { $0.alerts }
        counts("charles_tenants", "Instances by status.", "status") { $0.tenants }
        metrics.gauge("charles_figures_age_seconds", "How old the figures from the database are.") {
            cache.age.map { $0 / .seconds(1) } ?? .nan
        }
        metrics.values("charles_figures_failures_total", "How often they could not be read.", [], isTotal: true) {
            [([], Double(cache.failures))]
        }
    }

    private static func residentBytes() -> Double {
        guard let file = fopen("/proc/self/statm", "r") else { return .nan }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, 128, file) != nil else { return .nan }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Double($0) }
        return (pages ?? .nan) * Double(sysconf(Int32(_SC_PAGESIZE)))
    }
}
