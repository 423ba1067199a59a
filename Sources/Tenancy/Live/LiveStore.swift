public import EventLoop
public import FoundationEssentials
public import Persistence

/// Reads what changed lately, for pages that follow it.
public enum LiveStore {
    /// Runs that are under way, or that ended after `since`.
    public static func imports(of tenant: UUID, since: Timestamp, in database: Database) async throws(DatabaseError)
        -> [LiveChange]
    {
        let rows = try await database.run(
            .tenant(tenant),
            Query(
                """
                SELECT id, state, queued_at, read + created + updated + unchanged + merged + conflicts + rejected + skipped + api_calls
                  FROM app.imports
                 WHERE tenant_id = $1 AND (state IN ('queued', 'running', 'waiting') OR finished_at > $2)
                 ORDER BY queued_at LIMIT 20
                """, [.uuid(tenant), .timestamp(since)]))
        var changes: [LiveChange] = []
        for row in rows {
            changes.append(
                LiveChange(
                    topic: .imports, id: try row.get(0), state: try row.get(1), eventName: nil, at: try row.get(2),
                    version: Int(try row.get(3, as: Int32.self))))
        }
        return changes
    }

    /// Events that arrived after `since`, oldest first, at most 100.
    public static func events(of tenant: UUID, since: Timestamp, in database: Database) async throws(DatabaseError)
        -> [LiveChange]
    {
        let rows = try await database.run(
            .tenant(tenant),
            Query(
                """
                SELECT id, status, event_name, received_at FROM app.events
                 WHERE tenant_id = $1 AND received_at > $2 ORDER BY received_at, id LIMIT 100
                """, [.uuid(tenant), .timestamp(since)]))
        var changes: [LiveChange] = []
        for row in rows {
            changes.append(
                LiveChange(
                    topic: .events, id: try row.get(0), state: try row.get(1), eventName: try row.get(2),
                    at: try row.get(3), version: 0))
        }
        return changes
    }
}
