import EventLoop
import Persistence

/// What waits in the database, over all tenants: for metrics.
public struct OperationFigures: Sendable, Hashable {
    /// A number by a word, such as a state.
    public struct Count: Sendable, Hashable {
        /// The word, from a set that the schema bounds.
        public let name: String
        /// How many.
        public let count: Int64
        /// The age of the oldest in seconds, where it counts.
        public var oldestSeconds: Double?
    }

    /// Jobs in one queue's lanes.
    public struct Lane: Sendable, Hashable {
        /// `imports`, `exports`, `events`, `deliveries` or `maintenance`.
        public let queue: String
        /// `ready`, `running`, `scheduled` or `dead`.
        public let state: String
        /// How many.
        public let count: Int64
        /// How long the oldest that could run has been due, in seconds; paused lanes do not count.
        public let oldestSeconds: Double?
    }

    /// Jobs by queue and state.
    public var lanes: [Lane] = []
    /// Paused lanes by queue.
    public var pausedLanes: [Count] = []
    /// Opt-ins to tell Emarsys, by `granted` and `withdrawn`.
    public var exports: [Count] = []
    /// Deliveries that wait.
    public var deliveries = Count(name: "queued", count: 0)
    /// Imports that are `queued`, `running` or `waiting`.
    public var imports: [Count] = []
    /// Raised alerts by kind.
    public var alerts: [Count] = []
    /// Tenants by status.
    public var tenants: [Count] = []
}

/// The SQL of the figures, in the operators' scope. Each statement reads what waits, by an index that holds nothing else,
/// or a table with a few rows for each tenant.
enum OperationFiguresStore {
    static func read(now: Timestamp, in database: Database) async throws(DatabaseError) -> OperationFigures {
        let rows = try await database.run(
            .operator,
            [
                Query(
                    """
                    SELECT j.queue, CASE j.state WHEN 0 THEN 'ready' WHEN 1 THEN 'running' WHEN 4 THEN 'scheduled' ELSE 'dead' END,
                           count(*), min(j.run_at) FILTER (WHERE j.state = 0 AND NOT coalesce(l.paused, false))
                      FROM app.jobs j LEFT JOIN app.lanes l ON l.tenant_id = j.tenant_id AND l.queue = j.queue
                     GROUP BY 1, 2 ORDER BY 1, 2
                    """),
                Query("SELECT queue, count(*), NULL::timestamptz FROM app.lanes WHERE paused GROUP BY 1 ORDER BY 1"),
                Query(
                    """
                    SELECT status, count(*), min(created_at) FROM app.opt_in_exports WHERE state = 'queued'
                     GROUP BY 1 ORDER BY 1
                    """),
                Query("SELECT 'queued', count(*), min(created_at) FROM app.deliveries WHERE state = 'queued'"),
                Query(
                    """
                    SELECT state, count(*), min(queued_at) FROM app.imports WHERE state IN ('queued', 'running', 'waiting')
                     GROUP BY 1 ORDER BY 1
                    """),
                Query(
                    """
                    SELECT kind, count(*), min(raised_at) FROM app.alerts WHERE state = 'raised' GROUP BY 1 ORDER BY 1
                    """),
                Query("SELECT status, count(*), NULL::timestamptz FROM app.tenants GROUP BY 1 ORDER BY 1"),
            ])
        var figures = OperationFigures()
        for row in rows[0] {
            let since: Timestamp? = try row.get(3)
            figures.lanes.append(
                OperationFigures.Lane(
                    queue: try row.get(0), state: try row.get(1), count: try row.get(2),
                    oldestSeconds: since.map { age($0, now) }))
        }
        figures.pausedLanes = try counts(rows[1], now)
        figures.exports = try counts(rows[2], now)
        figures.deliveries = try counts(rows[3], now).first ?? figures.deliveries
        figures.imports = try counts(rows[4], now)
        figures.alerts = try counts(rows[5], now)
        figures.tenants = try counts(rows[6], now)
        return figures
    }

    private static func counts(_ rows: Rows, _ now: Timestamp) throws(DatabaseError) -> [OperationFigures.Count] {
        var counts: [OperationFigures.Count] = []
        for row in rows {
            let since: Timestamp? = try row.get(2)
            counts.append(
                OperationFigures.Count(
                    name: try row.get(0), count: try row.get(1), oldestSeconds: since.map { age($0, now) }))
        }
        return counts
    }

    private static func age(_ since: Timestamp, _ now: Timestamp) -> Double { max(0, (now - since) / .seconds(1)) }
}
