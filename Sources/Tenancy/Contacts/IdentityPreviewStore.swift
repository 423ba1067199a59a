import EventLoop
import FoundationEssentials
import Persistence

/// The statements of previews. None of them writes.
enum IdentityPreviewStore {
    /// The people of open conflicts between two, two rows a conflict.
    static func openConflicts(_ tenant: UUID) -> Query {
        Query(
            """
            SELECT q.id, q.external_id, c.id, c.external_reference_id, c.first_name, c.last_name,
                   (SELECT count(*)::int FROM app.contact_identifiers i WHERE i.tenant_id = $1 AND i.contact_id = c.id
                       AND i.kind = 'phone' AND i.status = 'active'),
                   (SELECT count(*)::int FROM app.contact_identifiers i WHERE i.tenant_id = $1 AND i.contact_id = c.id
                       AND i.kind = 'email' AND i.status = 'active'),
                   c.protected OR c.erased_at IS NOT NULL, c.created_at
              FROM (SELECT x.id, x.contact_ids, x."values" ->> 'external_reference_id' AS external_id
                      FROM app.identity_conflicts x
                     WHERE x.tenant_id = $1 AND x.status = 'open' AND cardinality(x.contact_ids) = 2
                     ORDER BY x.created_at DESC, x.id LIMIT 1000) q
              CROSS JOIN LATERAL unnest(q.contact_ids) AS u(contact_id)
              JOIN app.contacts o ON o.tenant_id = $1 AND o.id = u.contact_id
              JOIN app.contacts c ON c.tenant_id = $1 AND c.id = coalesce(o.merged_into, o.id)
            """, [.uuid(tenant)])
    }

    /// Merges that stitching made and that still stand: survivor and loser as they were before.
    static func recentMerges(_ tenant: UUID, since: Timestamp) -> Query {
        Query(
            """
            SELECT m.id, m.survivor_id, s.contact ->> 'external_reference_id', s.contact ->> 'first_name',
                   s.contact ->> 'last_name', s.phones, s.emails,
                   m.loser_id, l.contact ->> 'external_reference_id', l.contact ->> 'first_name', l.contact ->> 'last_name',
                   l.phones, l.emails
              FROM (SELECT x.id, x.survivor_id, x.loser_id, x.survivor_before, x.loser_before FROM app.merges x
                     WHERE x.tenant_id = $1 AND x.merged_at > $2 AND x.reason = 'stitching' AND x.undone_at IS NULL
                       AND x.loser_before -> 'contact' IS NOT NULL
                     ORDER BY x.merged_at DESC, x.id LIMIT 1000) m
              CROSS JOIN LATERAL (
                  SELECT m.survivor_before -> 'contact' AS contact,
                         (count(*) FILTER (WHERE e ->> 'kind' = 'phone' AND e ->> 'status' = 'active'))::int AS phones,
                         (count(*) FILTER (WHERE e ->> 'kind' = 'email' AND e ->> 'status' = 'active'))::int AS emails
                    FROM jsonb_array_elements(m.survivor_before -> 'identifiers') AS e) s
              CROSS JOIN LATERAL (
                  SELECT m.loser_before -> 'contact' AS contact,
                         (count(*) FILTER (WHERE e ->> 'kind' = 'phone' AND e ->> 'status' = 'active'))::int AS phones,
                         (count(*) FILTER (WHERE e ->> 'kind' = 'email' AND e ->> 'status' = 'active'))::int AS emails
                    FROM jsonb_array_elements(m.loser_before -> 'identifiers') AS e) l
            """, [.uuid(tenant), .timestamp(since)])
    }

    /// Phones that imports dropped because they name no country, each once, with the contact of their row.
    static func droppedPhones(_ tenant: UUID) -> Query {
        Query(
            """
            SELECT DISTINCT ON (x."values" ->> 'phone') x."values" ->> 'phone', x.contact_id FROM app.import_rejections x
             WHERE x.tenant_id = $1 AND x.code = 'phone_missing_country_code' AND x."values" ->> 'phone' IS NOT NULL
             ORDER BY x."values" ->> 'phone', x.created_at DESC LIMIT 20000
            """, [.uuid(tenant)])
    }

    static func holders(_ tenant: UUID, phones: [String]) -> Query {
        Query(
            """
            SELECT i.value, i.contact_id FROM app.contact_identifiers i
             WHERE i.tenant_id = $1 AND i.kind = 'phone' AND i.status = 'active' AND i.value = ANY ($2)
            """, [.uuid(tenant), .textArray(phones)])
    }

    /// Phones completed with a default country; contacts without a phone; phones and e-mails in use out of two lists.
    static func counts(_ tenant: UUID, phones: [String], emails: [String]) -> Query {
        Query(
            """
            SELECT (SELECT count(*)::int FROM app.contact_identifiers i WHERE i.tenant_id = $1 AND i.kind = 'phone'
                       AND i.status = 'active' AND 'assumed_country' = ANY (i.flags)),
                   (SELECT count(*)::int FROM app.contacts c WHERE c.tenant_id = $1 AND c.merged_into IS NULL
                       AND c.erased_at IS NULL AND c.phone IS NULL),
                   (SELECT count(*)::int FROM app.contact_identifiers i WHERE i.tenant_id = $1 AND i.kind = 'phone'
                       AND i.status = 'active' AND i.value = ANY ($2)),
                   (SELECT count(*)::int FROM app.contact_identifiers i WHERE i.tenant_id = $1 AND i.kind = 'email'
                       AND i.status = 'active' AND i.value = ANY ($3))
            """, [.uuid(tenant), .textArray(phones), .textArray(emails)])
    }
}
