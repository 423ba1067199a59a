import EventLoop
import FoundationEssentials
import Persistence

/// The statement of possible duplicates.
enum PossibleDuplicatesStore {
    /// Groups of contacts by mailbox, ordered by the hash of the mailbox.
    static func query(_ tenant: UUID, foldsGmail: Bool, _ page: PageRequest) -> Query {
        Query(
            """
            WITH addresses AS (
                SELECT i.contact_id, i.value, split_part(split_part(i.value, '@', 1), '+', 1) AS local,
                       split_part(i.value, '@', 2) AS domain
                  FROM app.contact_identifiers i
                 WHERE i.tenant_id = $1 AND i.kind = 'email' AND i.status = 'active'),
            folded AS (
                SELECT a.contact_id, a.value,
                       CASE WHEN $2 AND a.domain IN ('gmail.com', 'googlemail.com')
                            THEN replace(a.local, '.', '') || '@gmail.com' ELSE a.local || '@' || a.domain END AS mailbox
                  FROM addresses a),
            groups AS (
                SELECT md5(f.mailbox)::uuid AS id, f.mailbox, array_agg(DISTINCT f.contact_id) AS contacts,
                       array_agg(DISTINCT f.value) AS emails
                  FROM folded f GROUP BY f.mailbox HAVING count(DISTINCT f.contact_id) > 1)
            SELECT g.id, g.mailbox, g.contacts, g.emails FROM groups g
             WHERE ($3::uuid IS NULL OR g.id > $3)
               AND NOT (cardinality(g.contacts) = 2 AND EXISTS (
                        SELECT 1 FROM app.not_same n WHERE n.tenant_id = $1
                           AND n.contact_a = least(g.contacts[1], g.contacts[2])
                           AND n.contact_b = greatest(g.contacts[1], g.contacts[2])))
             ORDER BY g.id LIMIT $4
            """,
            [.uuid(tenant), .bool(foldsGmail), .optional(uuid: page.after?.id), .int4(page.fetchCount)])
    }
}
