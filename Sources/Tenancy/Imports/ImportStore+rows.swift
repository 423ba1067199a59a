import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// What becomes of single rows: rejections and memberships.
extension ImportStore {
    static func reject(_ tenant: UUID, _ id: UUID, _ rejections: [ImportRejection], now: Timestamp) -> Query {
        Query(
            """
            INSERT INTO app.import_rejections (tenant_id, import_id, id, code, "values", contact_id, created_at)
            SELECT $1, $2, q.id, q.code, q.v, q.contact, $3
              FROM unnest($4::uuid[], $5::text[], $6::jsonb[], $7::uuid[]) AS q(id, code, v, contact)
            RETURNING id
            """,
            [
                .uuid(tenant), .uuid(id), .timestamp(now), .uuidArray(rejections.map(\.id)),
                .textArray(rejections.map(\.code)), .jsonbArray(rejections.map { $0.values.encoded() }),
                .uuidArray(rejections.map(\.contactID)),
            ])
    }

    static func rejections(_ tenant: UUID, _ id: UUID, codes: [String]?, _ page: PageRequest) -> Query {
        Query(
            """
            SELECT id, code, "values", contact_id, created_at FROM app.import_rejections
             WHERE tenant_id = $1 AND import_id = $2 AND (created_at, id) < ($3, $4) AND ($6::text[] IS NULL OR code = ANY ($6))
             ORDER BY created_at DESC, id DESC LIMIT $5
            """,
            [
                .uuid(tenant), .uuid(id), .timestamp(page.fallingTime), .uuid(page.fallingID), .int4(page.fetchCount),
                codes.map { .textArray($0) } ?? .null(.textArray),
            ])
    }

    static func rejectionReasons(_ tenant: UUID, _ id: UUID) -> Query {
        Query(
            """
            SELECT code, count(*) FROM app.import_rejections WHERE tenant_id = $1 AND import_id = $2
             GROUP BY code ORDER BY 2 DESC, 1
            """, [.uuid(tenant), .uuid(id)])
    }

    static func enter(_ tenant: UUID, _ entries: [(segment: String, contact: UUID)], now: Timestamp) -> Query {
        Query(
            "SELECT app.enter_segments($1, $2, $3, $4)",
            [
                .uuid(tenant), .textArray(entries.map(\.segment)), .uuidArray(entries.map(\.contact)), .timestamp(now),
            ])
    }

    static func leave(_ tenant: UUID, segment: String, ids: [Int64], now: Timestamp) -> Query {
        Query(
            "SELECT app.leave_segment($1, $2, $3, $4)",
            [.uuid(tenant), .text(segment), .textArray(ids.map { String($0) }), .timestamp(now)])
    }

    static func markGone(_ tenant: UUID, _ ids: [String]) -> Query {
        Query("SELECT app.mark_gone($1, $2)", [.uuid(tenant), .textArray(ids)])
    }
}
