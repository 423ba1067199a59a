import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// The SQL of the consent ledger. What the ledger adds up to is computed by the functions of migration 0030.
enum ConsentStore {
    /// Records a decision; no row where the contact is gone or erased.
    static func record(
        _ decision: ConsentDecision, contact: UUID, phone: String?, tenant: UUID, actor: String, requestID: String?,
        now: Timestamp
    ) -> Query {
        Query(
            """
            SELECT r.entry_id, r.contact_id, r.phone, r.is_current, r.opt_in, r.export_id, r.export_state
              FROM app.record_consent($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) r
            """,
            [
                .uuid(tenant), .uuid(contact), .optional(text: phone), .text(decision.subscriptionType),
                .text(decision.status.rawValue), .timestamp(decision.occurredAt ?? now), .text(decision.source),
                .optional(bool: decision.byUser), .optional(jsonb: decision.evidence?.encoded()), .text(actor),
                .optional(text: requestID), .timestamp(now),
            ])
    }

    /// A page of the ledger, latest decisions first.
    static func entries(tenant: UUID, contact: UUID?, page: PageRequest) -> Query {
        let select: StaticString =
            contact == nil
            ? """
            SELECT e.id, e.contact_id, e.phone, e.subscription_type, e.status, nullif(e.occurred_at, '-infinity'),
                   e.received_at, e.source, e.by_user, e.evidence, e.actor, e.request_id,
                   EXISTS (SELECT 1 FROM app.consents c WHERE c.tenant_id = $1 AND c.contact_id = e.contact_id
                              AND c.subscription_type = e.subscription_type AND c.entry_id = e.id)
              FROM app.consent_entries e
             WHERE e.tenant_id = $1 AND $5::uuid IS NULL AND (e.occurred_at, e.id) < ($2, $3)
             ORDER BY e.occurred_at DESC, e.id DESC LIMIT $4
            """
            : """
            SELECT e.id, e.contact_id, e.phone, e.subscription_type, e.status, nullif(e.occurred_at, '-infinity'),
                   e.received_at, e.source, e.by_user, e.evidence, e.actor, e.request_id,
                   EXISTS (SELECT 1 FROM app.consents c WHERE c.tenant_id = $1 AND c.contact_id = e.contact_id
                              AND c.subscription_type = e.subscription_type AND c.entry_id = e.id)
              FROM app.consent_entries e
             WHERE e.tenant_id = $1 AND e.contact_id = $5 AND (e.occurred_at, e.id) < ($2, $3)
             ORDER BY e.occurred_at DESC, e.id DESC LIMIT $4
            """
        return Query(
            select,
            [
                .uuid(tenant), .timestamp(page.fallingTime), .uuid(page.fallingID), .int4(page.fetchCount),
                .optional(uuid: contact),
            ])
    }

    static func entry(_ row: Row) throws -> ConsentEntry {
        let evidence: [UInt8]? = try row.get(9)
        return try ConsentEntry(
            id: row.get(0), contactID: row.get(1), phone: row.get(2), subscriptionType: row.get(3),
            status: ConsentStatus(rawValue: row.get(4)) ?? .withdrawn, occurredAt: row.get(5), receivedAt: row.get(6),
            source: row.get(7), byUser: row.get(8), evidence: evidence.flatMap { try? JSON.parse($0) },
            actor: row.get(10), requestID: row.get(11), isCurrent: row.get(12))
    }

    /// The person-level state of contacts; a contact of whom nothing is known has no row.
    static func states(of contacts: [UUID], tenant: UUID) -> Query {
        Query(
            "SELECT s.contact_id, s.status FROM app.opt_in_states($1, $2) s", [.uuid(tenant), .uuidArray(contacts)])
    }

    // MARK: Whom a reference names

    /// Follows merges: the surviving contact and whether it was erased.
    static func survivor(of contact: UUID, tenant: UUID) -> Query {
        Query(
            """
            WITH RECURSIVE line AS (
                SELECT t.id, t.merged_into, t.erased_at, 0 AS depth FROM app.contacts t WHERE t.tenant_id = $1 AND t.id = $2
                UNION ALL
                SELECT t.id, t.merged_into, t.erased_at, l.depth + 1
                  FROM line l JOIN app.contacts t ON t.tenant_id = $1 AND t.id = l.merged_into
                 WHERE l.depth < 16)
            SELECT id, erased_at IS NOT NULL FROM line WHERE merged_into IS NULL LIMIT 1
            """, [.uuid(tenant), .uuid(contact)])
    }

    /// Which of these phones somebody has.
    static func heldPhones(_ phones: [String], tenant: UUID) -> Query {
        Query(
            """
            SELECT i.value FROM app.contact_identifiers i
             WHERE i.tenant_id = $1 AND i.kind = 'phone' AND i.value = ANY ($2) AND i.status = 'active'
            """, [.uuid(tenant), .textArray(phones)])
    }

    /// The active owner of an identifier.
    static func owner(kind: String, value: String, tenant: UUID) -> Query {
        Query(
            """
            SELECT i.contact_id FROM app.contact_identifiers i
             WHERE i.tenant_id = $1 AND i.kind = $2 AND i.value = $3 AND i.status = 'active'
            """, [.uuid(tenant), .text(kind), .text(value)])
    }
}
