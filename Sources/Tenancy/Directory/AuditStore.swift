public import EventLoop
public import FoundationEssentials
public import JSON
public import Persistence

/// The SQL of the audit log. Entries hold settings, never a secret and never a contact's data.
public enum AuditStore {
    /// Adds an entry; goes into the transaction that does what it tells of.
    public static func insert(
        _ tenant: UUID, at now: Timestamp, actor: String, action: String, feature: Feature? = nil, before: JSON? = nil,
        after: JSON? = nil, note: String? = nil
    ) -> Query {
        Query(
            """
            INSERT INTO app.audit_log (tenant_id, at, actor, action, feature, before, after, note)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            [
                .uuid(tenant), .timestamp(now), .text(actor), .text(action), .optional(text: feature?.rawValue),
                .optional(jsonb: before?.encoded()), .optional(jsonb: after?.encoded()), .optional(text: note),
            ])
    }

    /// The entries of a tenant, the newest first.
    static func list(_ tenant: UUID, _ page: PageRequest) -> Query {
        Query(
            """
            SELECT id, at, actor, action, feature, before, after, note FROM app.audit_log
             WHERE tenant_id = $1 AND (at, id) < ($2, $3) ORDER BY at DESC, id DESC LIMIT $4
            """, [.uuid(tenant), .timestamp(page.fallingTime), .uuid(page.fallingID), .int4(page.fetchCount)])
    }

    static func read(_ row: Row) throws(DatabaseError) -> AuditEntry {
        AuditEntry(
            id: try row.get(0), at: try row.get(1), actor: try row.get(2), action: try row.get(3),
            feature: try row.get(4), before: try json(row, 5), after: try json(row, 6), note: try row.get(7))
    }

    private static func json(_ row: Row, _ column: Int) throws(DatabaseError) -> JSON? {
        let bytes: [UInt8]? = try row.get(column)
        return bytes.flatMap { try? JSON.parse($0) }
    }
}
