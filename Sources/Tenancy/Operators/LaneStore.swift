public import EventLoop
public import Persistence

/// What waits in one tenant's lane of a queue.
public struct LaneDepth: Sendable, Hashable {
    /// The tenant's instance name.
    public let instanceName: String
    /// `imports`, `exports`, `events`, `deliveries` or `maintenance`.
    public let queue: String
    /// Whether the lane waits for a resume or a feature.
    public let isPaused: Bool
    /// Jobs that could run now.
    public let ready: Int
    /// Jobs that run.
    public let running: Int
    /// Jobs that are due later.
    public let scheduled: Int
    /// Jobs that were given up.
    public let dead: Int
    /// Since when the oldest job that could run has been due.
    public let oldestDue: Timestamp?
}

/// Reads the depth and age of lanes, for operators.
public enum LaneStore {
    /// Lanes in which something waits, runs or was given up, those that wait longest first, at most 500.
    ///
    /// - Parameter instance: one tenant's lanes alone
    public static func depths(of instance: String?, in database: Database) async throws(DatabaseError) -> [LaneDepth] {
        let rows = try await database.run(
            .operator,
            Query(
                """
                SELECT t.instance_name, j.queue, coalesce(l.paused, false), count(*) FILTER (WHERE j.state = 0),
                       count(*) FILTER (WHERE j.state = 1), count(*) FILTER (WHERE j.state = 4),
                       count(*) FILTER (WHERE j.state = 3), min(j.run_at) FILTER (WHERE j.state = 0)
                  FROM app.jobs j
                  JOIN app.tenants t ON t.tenant_id = j.tenant_id
                  LEFT JOIN app.lanes l ON l.tenant_id = j.tenant_id AND l.queue = j.queue
                 WHERE $1::text IS NULL OR t.instance_name = $1
                 GROUP BY t.instance_name, j.queue, l.paused
                 ORDER BY 8 NULLS LAST, 7 DESC, 1, 2 LIMIT 500
                """, [.optional(text: instance)]))
        var depths: [LaneDepth] = []
        for row in rows {
            depths.append(
                LaneDepth(
                    instanceName: try row.get(0), queue: try row.get(1), isPaused: try row.get(2),
                    ready: Int(try row.get(3, as: Int64.self)), running: Int(try row.get(4, as: Int64.self)),
                    scheduled: Int(try row.get(5, as: Int64.self)), dead: Int(try row.get(6, as: Int64.self)),
                    oldestDue: try row.get(7)))
        }
        return depths
    }
}
