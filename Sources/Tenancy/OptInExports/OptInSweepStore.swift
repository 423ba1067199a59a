import EventLoop
import FoundationEssentials
import Persistence

/// The SQL of back-fill and reconciliation.
enum OptInSweepStore {
    /// A page of contacts of whom a decision is known, with their Emarsys contacts; NULL where there is none.
    static func people(tenant: UUID, after: UUID?, limit: Int) -> Query {
        Query(
            """
            SELECT p.contact_id,
                   (SELECT string_agg(i.value, ',' ORDER BY i.value) FROM app.contact_identifiers i
                     WHERE i.tenant_id = $1 AND i.contact_id = p.contact_id AND i.kind = 'emarsys_contact_id'
                       AND coalesce(i.status, '') = 'active')
              FROM (SELECT DISTINCT c.contact_id FROM app.consents c
                     WHERE c.tenant_id = $1 AND c.contact_id > $2 ORDER BY c.contact_id LIMIT $3) p
             ORDER BY p.contact_id
            """,
            [.uuid(tenant), .uuid(after ?? .least), .int4(Int32(limit))])
    }

    /// Queues these contacts where Emarsys does not know their state.
    static func queue(_ contacts: [UUID], reason: String, tenant: UUID, now: Timestamp) -> Query {
        Query(
            "SELECT app.queue_opt_in_exports($1, $2, $3, $4)",
            [.uuid(tenant), .uuidArray(contacts), .text(reason), .timestamp(now)])
    }

    /// A page of people who withdrew: those of whom the outbox and what Emarsys confirmed know nothing are queued.
    static func check(tenant: UUID, after: UUID?, limit: Int, now: Timestamp) -> Query {
        Query(
            """
            WITH page AS MATERIALIZED (
                SELECT t.id FROM app.contacts t
                 WHERE t.tenant_id = $1 AND t.id > $2 AND t.opt_in IN ('withdrawn', 'denied') ORDER BY t.id LIMIT $3),
            queued AS MATERIALIZED (
                SELECT app.queue_opt_in_exports($1, (SELECT array_agg(p.id ORDER BY p.id) FROM page p), 'check', $4) AS n)
            SELECT (SELECT p.id FROM page p ORDER BY p.id DESC LIMIT 1) FROM queued
            """,
            [.uuid(tenant), .uuid(after ?? .least), .int4(Int32(limit)), .timestamp(now)])
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
