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
                    topic: .imports, id: try row.get(0), state: try row.get(1), name: nil, at: try row.get(2),
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
                    topic: .events, id: try row.get(0), state: try row.get(1), name: try row.get(2),
                    at: try row.get(3), version: 0))
        }
        return changes
    }

    /// The latest fifty deliveries: those that change are among them, or are seen at the next look at the list.
    public static func deliveries(of tenant: UUID, in database: Database) async throws(DatabaseError) -> [LiveChange] {
        let rows = try await database.run(
            .tenant(tenant),
            Query(
                """
                SELECT id, state, type, created_at, attempts FROM app.deliveries
                 WHERE tenant_id = $1 ORDER BY created_at DESC, id LIMIT 50
                """, [.uuid(tenant)]))
        return try changes(.deliveries, rows)
    }

    /// The latest fifty conflicts.
    public static func conflicts(of tenant: UUID, in database: Database) async throws(DatabaseError) -> [LiveChange] {
        let rows = try await database.run(
            .tenant(tenant),
            Query(
                """
                SELECT id, status, code, created_at, 0 FROM app.identity_conflicts
                 WHERE tenant_id = $1 ORDER BY created_at DESC, id LIMIT 50
                """, [.uuid(tenant)]))
        return try changes(.conflicts, rows)
    }

    /// All alerts of a tenant: there is one per kind.
    public static func alerts(of tenant: UUID, in database: Database) async throws(DatabaseError) -> [LiveChange] {
        let rows = try await database.run(
            .tenant(tenant),
            Query(
                """
                SELECT md5(kind)::uuid, state, kind, raised_at, 0 FROM app.alerts WHERE tenant_id = $1 ORDER BY kind
                """, [.uuid(tenant)]))
        return try changes(.alerts, rows)
    }

    private static func changes(_ topic: LiveChange.Topic, _ rows: Rows) throws(DatabaseError) -> [LiveChange] {
        var changes: [LiveChange] = []
        for row in rows {
            changes.append(
                LiveChange(
                    topic: topic, id: try row.get(0), state: try row.get(1), name: try row.get(2), at: try row.get(3),
                    version: Int(try row.get(4, as: Int32.self))))
        }
        return changes
    }
}
