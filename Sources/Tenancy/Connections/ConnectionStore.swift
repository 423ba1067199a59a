public import EventLoop
public import FoundationEssentials
public import JSON
public import Persistence

/// The SQL of the connection to Emarsys.
public enum ConnectionStore {
    static func find(_ tenant: UUID, in database: Database) async throws(DatabaseError) -> StoredConnection? {
        let rows = try await database.run(
            .tenant(tenant),
            Query(
                """
                SELECT id, name, auth, coalesce(principal, ''), secret, token_url, base_url, status, last_error, last_ok_at,
                       permissions, paused, created_at, updated_at
                  FROM app.connections WHERE tenant_id = $1
                """, [.uuid(tenant)]))
        guard let row = rows.first else { return nil }
        let auth: String = try row.get(2)
        let status: String = try row.get(7)
        return StoredConnection(
            id: try row.get(0), name: try row.get(1), auth: StoredConnection.Auth(rawValue: auth) ?? .wsse,
            principal: try row.get(3), tokenURL: try row.get(5), baseURL: try row.get(6),
            status: ConnectionStatus(rawValue: status) ?? .failing, lastError: try json(row, 8),
            lastOKAt: try row.get(9), permissions: try json(row, 10), isPaused: try row.get(11),
            createdAt: try row.get(12), updatedAt: try row.get(13), sealedSecret: try row.get(4))
    }

    struct NewConnection: Sendable {
        let id: UUID
        let name: String
        let auth: StoredConnection.Auth
        let principal: String
        let sealedSecret: [UInt8]
        let tokenURL: String?
        let baseURL: String?
        let permissions: JSON
    }

    /// Stores a tested connection. One that had been removed begins unpaused.
    static func put(_ tenant: UUID, _ new: NewConnection, now: Timestamp) -> Query {
        Query(
            """
            INSERT INTO app.connections AS c
                (tenant_id, id, name, auth, principal, secret, token_url, base_url, status, last_ok_at, permissions,
                 created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'connected', $10, $9, $10, $10)
            ON CONFLICT (tenant_id) DO UPDATE
               SET id = EXCLUDED.id, name = EXCLUDED.name, auth = EXCLUDED.auth, principal = EXCLUDED.principal,
                   secret = EXCLUDED.secret, token_url = EXCLUDED.token_url, base_url = EXCLUDED.base_url,
                   status = 'connected', last_error = NULL, last_ok_at = EXCLUDED.last_ok_at,
                   permissions = EXCLUDED.permissions, updated_at = EXCLUDED.updated_at,
                   paused = c.paused AND c.status <> 'disconnected'
            """,
            [
                .uuid(tenant), .uuid(new.id), .text(new.name), .text(new.auth.rawValue), .text(new.principal),
                .bytes(new.sealedSecret), .optional(text: new.tokenURL), .optional(text: new.baseURL),
                .jsonb(new.permissions.encoded()), .timestamp(now),
            ])
    }

    /// Erases the secret and what was found with it; the row stays, so that history stays explainable.
    static func disconnect(_ tenant: UUID, now: Timestamp) -> Query {
        Query(
            """
            UPDATE app.connections
               SET status = 'disconnected', secret = NULL, last_error = NULL, permissions = NULL, paused = false,
                   updated_at = $2
             WHERE tenant_id = $1
            """, [.uuid(tenant), .timestamp(now)])
    }

    /// Asks running and queued imports to end.
    static func cancelImports(_ tenant: UUID) -> Query {
        Query(
            """
            UPDATE app.imports SET cancel_requested = true
             WHERE tenant_id = $1 AND state IN ('queued', 'running', 'waiting')
            """, [.uuid(tenant)])
    }

    static func setPaused(_ tenant: UUID, _ paused: Bool, now: Timestamp) -> Query {
        Query(
            """
            UPDATE app.connections SET paused = $2, updated_at = $3
             WHERE tenant_id = $1 AND status <> 'disconnected' AND paused <> $2
            """, [.uuid(tenant), .bool(paused), .timestamp(now)])
    }

    /// Who found that calls work.
    public enum Proof: String, Sendable {
        /// An import: says nothing about writing.
        case byImport = "import"
        /// An export of opt-ins: says nothing about reading.
        case byExport = "export"
    }

    /// Records that calls worked: at most once a minute while all is well. A connection that had been failing gets what was
    /// given up meanwhile.
    ///
    /// - Parameter connection: the one that was called; nil for whichever there is
    public static func succeeded(_ tenant: UUID, connection: UUID? = nil, _ proof: Proof, now: Timestamp) -> Query {
        Query(
            "SELECT app.connection_works($1, $2, $3, NULL, $4)",
            [.uuid(tenant), .optional(uuid: connection), .text(proof.rawValue), .timestamp(now)])
    }

    /// Records what a test found. A connection that fails for want of a permission goes on failing while it is missing.
    static func tested(_ tenant: UUID, permissions: JSON, now: Timestamp) -> Query {
        Query(
            "SELECT app.connection_works($1, NULL, 'test', $2, $3)",
            [.uuid(tenant), .jsonb(permissions.encoded()), .timestamp(now)])
    }

    /// Records a failure: `error` is `{code, detail, advice, at, permission?}`. Said once, when it begins.
    ///
    /// - Parameter connection: the one that was called; nil for whichever there is
    public static func failed(_ tenant: UUID, connection: UUID? = nil, error: JSON, now: Timestamp) -> Query {
        Query(
            "SELECT app.connection_fails($1, $2, $3, $4)",
            [.uuid(tenant), .optional(uuid: connection), .jsonb(error.encoded()), .timestamp(now)])
    }

    /// What follows from a stored connection; after ``put(_:_:now:)``.
    ///
    /// - Parameter forgets: whether what Emarsys is known to hold may be of another account, or out of date
    static func stored(_ tenant: UUID, forgets: Bool, now: Timestamp) -> Query {
        Query("SELECT app.connection_stored($1, $2, $3)", [.uuid(tenant), .bool(forgets), .timestamp(now)])
    }

    private static func json(_ row: Row, _ column: Int) throws(DatabaseError) -> JSON? {
        let bytes: [UInt8]? = try row.get(column)
        return bytes.flatMap { try? JSON.parse($0) }
    }
}
