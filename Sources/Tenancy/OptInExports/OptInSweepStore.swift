import EventLoop
import FoundationEssentials
import Persistence

/// The SQL of back-fill and reconciliation.
enum OptInSweepStore {
    /// Queues a page of contacts and answers its last id; NULL at the end.
    static func backfill(tenant: UUID, after: UUID?, limit: Int, now: Timestamp) -> Query {
        Query(
            """
            WITH page AS MATERIALIZED (
                SELECT DISTINCT c.contact_id FROM app.consents c
                 WHERE c.tenant_id = $1 AND c.contact_id > $2 ORDER BY c.contact_id LIMIT $3),
            queued AS MATERIALIZED (
                SELECT app.queue_opt_in_exports($1, (SELECT array_agg(p.contact_id ORDER BY p.contact_id) FROM page p),
                                                'backfill', $4) AS n)
            SELECT (SELECT p.contact_id FROM page p ORDER BY p.contact_id DESC LIMIT 1) FROM queued
            """,
            [.uuid(tenant), .uuid(after ?? .least), .int4(Int32(limit)), .timestamp(now)])
    }

    /// A page of contacts with a decision and a link to Emarsys.
    static func linked(tenant: UUID, after: UUID?, limit: Int) -> Query {
        Query(
            """
            SELECT t.id, i.value
              FROM app.contacts t
              JOIN app.contact_identifiers i ON i.tenant_id = $1 AND i.contact_id = t.id AND i.kind = 'emarsys_contact_id'
                   AND i.status = 'active'
             WHERE t.tenant_id = $1 AND t.id > $2 AND t.opt_in IN ('granted', 'denied', 'withdrawn')
               AND t.merged_into IS NULL AND t.erased_at IS NULL
             ORDER BY t.id LIMIT $3
            """,
            [.uuid(tenant), .uuid(after ?? .least), .int4(Int32(limit))])
    }

    /// Remembers what Emarsys holds now, then queues what differs from the ledger. Rows that a running export is about to
    /// settle are left alone.
    static func compare(
        _ held: [(contact: UUID, emarsysID: String, value: String)], field: OptInField, tenant: UUID, now: Timestamp
    ) -> [Query] {
        let contacts = held.map { UUID?.some($0.contact) }
        return [
            Query(
                """
                INSERT INTO app.opt_in_confirmed AS k
                       (tenant_id, contact_id, emarsys_contact_id, field_id, value, consent_at, confirmed_at, timestamp_field_id)
                SELECT $1, v.contact_id, v.emarsys_id, $5, v.value, NULL, $6, $7
                  FROM (SELECT unnest($2::uuid[]) AS contact_id, unnest($3::text[]) AS emarsys_id, unnest($4::text[]) AS value) v
                  JOIN app.contacts t ON t.tenant_id = $1 AND t.id = v.contact_id
                  LEFT JOIN app.opt_in_exports x ON x.tenant_id = $1 AND x.contact_id = v.contact_id AND x.state = 'sent'
                 WHERE x.id IS NULL
                ON CONFLICT (tenant_id, contact_id)
                DO UPDATE SET emarsys_contact_id = EXCLUDED.emarsys_contact_id, field_id = EXCLUDED.field_id,
                              value = EXCLUDED.value, confirmed_at = EXCLUDED.confirmed_at,
                              timestamp_field_id = EXCLUDED.timestamp_field_id
                    WHERE k.value <> EXCLUDED.value OR k.emarsys_contact_id <> EXCLUDED.emarsys_contact_id
                       OR k.field_id <> EXCLUDED.field_id
                """,
                [
                    .uuid(tenant), .uuidArray(contacts), .textArray(held.map(\.emarsysID)),
                    .textArray(held.map(\.value)), .text(String(field.fieldID)), .timestamp(now),
                    .optional(text: field.timestampFieldID.map { String($0) }),
                ]),
            Query(
                "SELECT app.queue_opt_in_exports($1, $2, 'reconcile', $3)",
                [.uuid(tenant), .uuidArray(contacts), .timestamp(now)]),
        ]
    }
}

extension UUID {
    /// Before every other.
    fileprivate static let least = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
}
