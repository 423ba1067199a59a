public import EventLoop
public import FoundationEssentials
public import Persistence

/// A session as the database has it, with the permissions its key has now.
public struct StoredSession: Sendable {
    /// The key that opened it.
    public let keyID: UUID
    /// What that key is called.
    public let keyName: String
    /// What a write by cookie has to repeat in `X-CSRF-Token`.
    public let csrfToken: String
    /// What the key may do.
    public let permissions: PermissionSet
    /// When it ends.
    public let expiresAt: Timestamp
}

/// The SQL of sessions on tenants' hosts. A session lives no longer than its key.
public enum SessionStore {
    /// The session of a token's hash, unless it has ended or its key was revoked.
    public static func find(_ tokenHash: [UInt8], tenant: UUID, now: Timestamp, in database: Database)
        async throws(DatabaseError) -> StoredSession?
    {
        let rows = try await database.run(
            .tenant(tenant),
            Query(
                """
                SELECT s.api_key_id, s.csrf_token, k.permissions, s.expires_at, k.name
                  FROM app.sessions s
                  JOIN app.api_keys k ON k.tenant_id = $1 AND k.id = s.api_key_id AND k.revoked_at IS NULL
                 WHERE s.tenant_id = $1 AND s.token_hash = $2 AND s.expires_at > $3
                """, [.uuid(tenant), .bytes(tokenHash), .timestamp(now)]))
        guard let row = rows.first else { return nil }
        let permissions: [String] = try row.get(2)
        return StoredSession(
            keyID: try row.get(0), keyName: try row.get(4), csrfToken: try row.get(1),
            permissions: PermissionSet(permissions.compactMap { Permission(rawValue: $0) }), expiresAt: try row.get(3))
    }

    /// Opens a session; removes the tenant's sessions that have ended.
    public static func insert(
        _ tokenHash: [UInt8], keyID: UUID, csrfToken: String, tenant: UUID, now: Timestamp, expiresAt: Timestamp,
        in database: Database
    ) async throws(DatabaseError) {
        _ = try await database.run(
            .tenant(tenant),
            [
                Query(
                    "DELETE FROM app.sessions WHERE tenant_id = $1 AND expires_at <= $2",
                    [.uuid(tenant), .timestamp(now)]),
                Query(
                    """
                    INSERT INTO app.sessions (tenant_id, token_hash, api_key_id, csrf_token, created_at, expires_at)
                    VALUES ($1, $2, $3, $4, $5, $6)
                    """,
                    [
                        .uuid(tenant), .bytes(tokenHash), .uuid(keyID), .text(csrfToken), .timestamp(now),
                        .timestamp(expiresAt),
                    ]),
            ])
    }

    /// Ends a session.
    public static func delete(_ tokenHash: [UInt8], tenant: UUID, in database: Database) async throws(DatabaseError) {
        _ = try await database.run(
            .tenant(tenant),
            Query(
                "DELETE FROM app.sessions WHERE tenant_id = $1 AND token_hash = $2",
                [.uuid(tenant), .bytes(tokenHash)]))
    }
}
