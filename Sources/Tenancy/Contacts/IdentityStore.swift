import EventLoop
import FoundationEssentials
import Persistence

/// The statements of merges and conflicts.
enum IdentityStore {
    static func merges(_ tenant: UUID, _ page: PageRequest) -> Query {
        Query(
            """
            SELECT id, survivor_id, loser_id, reason, actor, import_id, merged_at, undone_at, undone_by, loser_before <> '{}'
              FROM app.merges WHERE tenant_id = $1 AND (merged_at, id) < ($2, $3) ORDER BY merged_at DESC, id DESC LIMIT $4
            """, [.uuid(tenant), .timestamp(page.fallingTime), .uuid(page.fallingID), .int4(page.fetchCount)])
    }

    static func merge(_ tenant: UUID, _ id: UUID) -> Query {
        Query(
            """
            SELECT id, survivor_id, loser_id, reason, actor, import_id, merged_at, undone_at, undone_by, loser_before <> '{}'
              FROM app.merges WHERE tenant_id = $1 AND id = $2
            """, [.uuid(tenant), .uuid(id)])
    }

    static func undo(_ tenant: UUID, _ id: UUID, actor: String, now: Timestamp) -> Query {
        Query(
            "SELECT app.undo_merge($1, $2, $3, $4)", [.uuid(tenant), .uuid(id), .text(actor), .timestamp(now)])
    }

    static func releasePhone(
        _ tenant: UUID, contact: UUID, phone: String, to other: UUID?, actor: String, now: Timestamp
    ) -> Query {
        Query(
            "SELECT app.release_phone($1, $2, $3, $4, $5, $6)",
            [
                .uuid(tenant), .uuid(contact), .text(phone), .optional(uuid: other), .text(actor), .timestamp(now),
            ])
    }

    static func conflicts(_ tenant: UUID, status: String?, _ page: PageRequest) -> Query {
        Query(
            """
            SELECT id, code, contact_ids, "values", source, import_id, status, resolved_by, created_at, resolved_at
              FROM app.identity_conflicts
             WHERE tenant_id = $1 AND ($5::text IS NULL OR status = $5) AND (created_at, id) < ($2, $3)
             ORDER BY created_at DESC, id DESC LIMIT $4
            """,
            [
                .uuid(tenant), .timestamp(page.fallingTime), .uuid(page.fallingID), .int4(page.fetchCount),
                .optional(text: status),
            ])
    }

    static func conflict(_ tenant: UUID, _ id: UUID) -> Query {
        Query(
            """
            SELECT id, code, contact_ids, "values", source, import_id, status, resolved_by, created_at, resolved_at
              FROM app.identity_conflicts WHERE tenant_id = $1 AND id = $2
            """, [.uuid(tenant), .uuid(id)])
    }

    static func lockedConflict(_ tenant: UUID, _ id: UUID) -> Query {
        Query(
            "SELECT status, contact_ids FROM app.identity_conflicts WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
            [.uuid(tenant), .uuid(id)])
    }

    static func notSame(_ tenant: UUID, conflict: UUID, contacts: [UUID], actor: String, now: Timestamp) -> Query {
        Query(
            "SELECT app.declare_not_same($1, $2, $3, $4, $5)",
            [.uuid(tenant), .uuid(conflict), .uuidArray(contacts), .text(actor), .timestamp(now)])
    }

    static func markMerged(_ tenant: UUID, _ id: UUID, actor: String, now: Timestamp) -> Query {
        Query(
            """
            UPDATE app.identity_conflicts SET status = 'merged', resolved_by = $3, resolved_at = $4
             WHERE tenant_id = $1 AND id = $2
            """, [.uuid(tenant), .uuid(id), .text(actor), .timestamp(now)])
    }

    /// Contacts as they are now: survivors of those that were merged, with what decides who survives.
    static func survivors(_ tenant: UUID, _ ids: [UUID]) -> Query {
        Query(
            """
            SELECT q.id, c.id, c.external_reference_id, c.erased_at IS NOT NULL, c.protected, c.created_at,
                   EXISTS (SELECT 1 FROM app.consents k WHERE k.tenant_id = $1 AND k.contact_id = c.id)
              FROM unnest($2::uuid[]) WITH ORDINALITY AS q(id, n)
              JOIN app.contacts o ON o.tenant_id = $1 AND o.id = q.id
              JOIN app.contacts c ON c.tenant_id = $1 AND c.id = coalesce(o.merged_into, o.id)
             ORDER BY q.n
            """, [.uuid(tenant), .uuidArray(ids)])
    }
}
