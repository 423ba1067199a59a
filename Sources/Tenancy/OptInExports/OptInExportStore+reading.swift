import EventLoop
import FoundationEssentials
import JSON
import Persistence

extension OptInExportStore {
    static func one(_ id: UUID, tenant: UUID) -> Query {
        Query(
            """
            SELECT x.id, x.contact_id, x.status, x.state, x.consent_at, x.emarsys_contact_id, x.reason, x.attempts,
                   x.last_error, x.created_at, x.next_attempt_at, x.sent_at, x.confirmed_at, x.waiting_since
              FROM app.opt_in_exports x WHERE x.tenant_id = $1 AND x.id = $2
            """, [.uuid(tenant), .uuid(id)])
    }

    static func retry(_ id: UUID, tenant: UUID, now: Timestamp) -> Query {
        Query("SELECT app.retry_opt_in_export($1, $2, $3)", [.uuid(tenant), .uuid(id), .timestamp(now)])
    }

    static func retryFailed(tenant: UUID, code: String?, now: Timestamp) -> Query {
        Query(
            """
            WITH failed AS MATERIALIZED (
                SELECT DISTINCT x.contact_id FROM app.opt_in_exports x
                 WHERE x.tenant_id = $1 AND x.state = 'failed' AND ($2::text IS NULL OR x.last_error ->> 'code' = $2))
            SELECT app.queue_opt_in_exports($1, (SELECT array_agg(f.contact_id) FROM failed f), 'retry', $3)
            """, [.uuid(tenant), .optional(text: code), .timestamp(now)])
    }

    static func list(tenant: UUID, state: OptInExport.State?, contact: UUID?, page: PageRequest) -> Query {
        var parameters: [SQLValue] = [
            .uuid(tenant), .timestamp(page.fallingTime), .uuid(page.fallingID), .int4(page.fetchCount),
        ]
        if let contact {
            parameters += [.uuid(contact), .optional(text: state?.rawValue)]
            return Query(
                """
                SELECT x.id, x.contact_id, x.status, x.state, x.consent_at, x.emarsys_contact_id, x.reason, x.attempts,
                       x.last_error, x.created_at, x.next_attempt_at, x.sent_at, x.confirmed_at, x.waiting_since
                  FROM app.opt_in_exports x
                 WHERE x.tenant_id = $1 AND x.contact_id = $5 AND ($6::text IS NULL OR x.state = $6)
                   AND (x.created_at, x.id) < ($2, $3)
                 ORDER BY x.created_at DESC, x.id DESC LIMIT $4
                """, parameters)
        }
        if let state {
            parameters.append(.text(state.rawValue))
            return Query(
                """
                SELECT x.id, x.contact_id, x.status, x.state, x.consent_at, x.emarsys_contact_id, x.reason, x.attempts,
                       x.last_error, x.created_at, x.next_attempt_at, x.sent_at, x.confirmed_at, x.waiting_since
                  FROM app.opt_in_exports x
                 WHERE x.tenant_id = $1 AND x.state = $5 AND (x.created_at, x.id) < ($2, $3)
                 ORDER BY x.created_at DESC, x.id DESC LIMIT $4
                """, parameters)
        }
        return Query(
            """
            SELECT x.id, x.contact_id, x.status, x.state, x.consent_at, x.emarsys_contact_id, x.reason, x.attempts,
                   x.last_error, x.created_at, x.next_attempt_at, x.sent_at, x.confirmed_at, x.waiting_since
              FROM app.opt_in_exports x
             WHERE x.tenant_id = $1 AND (x.created_at, x.id) < ($2, $3)
             ORDER BY x.created_at DESC, x.id DESC LIMIT $4
            """, parameters)
    }

    static func export(_ row: Row) throws -> OptInExport {
        let error: [UInt8]? = try row.get(8)
        let ids: String? = try row.get(5)
        return try OptInExport(
            id: row.get(0), contactID: row.get(1), optIn: ExportedOptIn(rawValue: row.get(2)) ?? .withdrawn,
            state: OptInExport.State(rawValue: row.get(3)) ?? .queued, consentAt: row.get(4),
            emarsysIDs: ids?.split(separator: ",").map(String.init) ?? [],
            reason: row.get(6), attempts: row.get(7), lastError: error.flatMap { try? JSON.parse($0) },
            createdAt: row.get(9), nextAttemptAt: row.get(10), sentAt: row.get(11), confirmedAt: row.get(12),
            waitingSince: row.get(13))
    }
}
