import EventLoop
import FoundationEssentials
import Persistence

/// The SQL of API keys, in the operators' scope.
enum APIKeyStore {
    static func insert(
        _ tenant: UUID, id: UUID, name: String, hash: [UInt8], hint: String, permissions: [String], actor: String,
        now: Timestamp
    ) -> Query {
        Query(
            """
            INSERT INTO app.api_keys
                (tenant_id, id, name, key_hash, key_hint, permissions, created_by, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            [
                .uuid(tenant), .uuid(id), .text(name), .bytes(hash), .text(hint), .textArray(permissions),
                .text(actor), .timestamp(now),
            ])
    }

    static func list(_ tenant: UUID) -> Query {
        Query(
            """
            SELECT id, name, key_hint, permissions, created_by, created_at, last_used_at, revoked_at FROM app.api_keys
             WHERE tenant_id = $1 ORDER BY created_at, id
            """, [.uuid(tenant)])
    }

    static func read(_ row: Row) throws(DatabaseError) -> TenantAdministration.KeyRecord {
        let permissions: [String] = try row.get(3)
        return TenantAdministration.KeyRecord(
            id: try row.get(0), name: try row.get(1), hint: try row.get(2),
            permissions: PermissionSet(permissions.compactMap { Permission(rawValue: $0) }),
            createdBy: try row.get(4), createdAt: try row.get(5), lastUsedAt: try row.get(6), revokedAt: try row.get(7))
    }

    /// Answers the name of the key, and no row where there is none that works.
    static func revoke(_ tenant: UUID, id: UUID, now: Timestamp) -> Query {
        Query(
            """
            UPDATE app.api_keys SET revoked_at = $3 WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL
            RETURNING name
            """, [.uuid(tenant), .uuid(id), .timestamp(now)])
    }

    static func endSessions(_ tenant: UUID, id: UUID) -> Query {
        Query("DELETE FROM app.sessions WHERE tenant_id = $1 AND api_key_id = $2", [.uuid(tenant), .uuid(id)])
    }

    /// Notes uses of keys of several tenants.
    static func used(tenants: [UUID], ids: [UUID], times: [Timestamp]) -> Query {
        Query(
            """
            UPDATE app.api_keys k SET last_used_at = greatest(k.last_used_at, x.at)
              FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS x (tenant_id, id, at)
             WHERE k.tenant_id = x.tenant_id AND k.id = x.id
            """, [.uuidArray(tenants), .uuidArray(ids), .timestampArray(times)])
    }
}
