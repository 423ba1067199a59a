import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// The audiences' SQL.
enum AudienceStore {
    static func list(tenantID: UUID, request: PageRequest) -> Query {
        Query(
            """
            SELECT id, name, rules, created_at FROM app.audiences
             WHERE tenant_id = $1 AND deleted_at IS NULL AND (created_at, id) < ($2, $3)
             ORDER BY created_at DESC, id DESC LIMIT $4
            """,
            [.uuid(tenantID), .timestamp(request.fallingTime), .uuid(request.fallingID), .int4(request.fetchCount)])
    }

    static func find(tenantID: UUID, id: UUID) -> Query {
        Query(
            "SELECT id, name, rules, created_at FROM app.audiences WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL",
            [.uuid(tenantID), .uuid(id)])
    }

    static func audience(_ row: Row) throws -> Audience {
        try Audience(id: row.get(0), name: row.get(1), rules: JSON.stored(row.get(2)), createdAt: row.get(3))
    }

    static func insert(_ audience: Audience, tenantID: UUID) -> Query {
        Query(
            "INSERT INTO app.audiences (tenant_id, id, name, rules, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)",
            [
                .uuid(tenantID), .uuid(audience.id), .text(audience.name), .jsonb(audience.rules.encoded()),
                .timestamp(audience.createdAt),
            ])
    }

    static func update(_ audience: Audience, tenantID: UUID, now: Timestamp) -> Query {
        Query(
            """
            UPDATE app.audiences SET name = $3, rules = $4, updated_at = $5
             WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL RETURNING id
            """,
            [
                .uuid(tenantID), .uuid(audience.id), .text(audience.name), .jsonb(audience.rules.encoded()),
                .timestamp(now),
            ])
    }

    static func remove(tenantID: UUID, id: UUID, now: Timestamp) -> Query {
        Query(
            """
            UPDATE app.audiences SET deleted_at = $3 WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL RETURNING id
            """, [.uuid(tenantID), .uuid(id), .timestamp(now)])
    }

    static func count(tenantID: UUID, rules: JSON) -> Query {
        Query("SELECT app.count_audience($1, $2)", [.uuid(tenantID), .jsonb(rules.encoded())])
    }

    /// Ids and times of a page, with the contacts.
    static func page(tenantID: UUID, rules: JSON, request: PageRequest) -> Query {
        Query(
            """
            WITH p AS MATERIALIZED (SELECT id, created_at FROM app.audience_page($1, $2, $3, $4, $5))
            SELECT p.id, p.created_at, s.summary
              FROM p JOIN app.contact_summaries($1, ARRAY(SELECT id FROM p)) s ON s.contact_id = p.id
             ORDER BY p.created_at DESC, p.id DESC
            """,
            [
                .uuid(tenantID), .jsonb(rules.encoded()), .timestamp(request.fallingTime), .uuid(request.fallingID),
                .int4(request.fetchCount),
            ])
    }
}
