public import EventLoop
public import FoundationEssentials
public import Persistence

/// Where idempotency keys are kept: a tenant's, or the operators' own.
public enum IdempotencyScope: Sendable, Hashable {
    /// Keys of one tenant's clients.
    case tenant(UUID)
    /// Keys of operators.
    case `operator`
}

/// What is known of an idempotency key.
public enum IdempotencyState: Sendable {
    /// The key is ours now: do the work, then ``IdempotencyStore/finish(_:key:status:contentType:sealed:in:)`` or
    /// ``IdempotencyStore/abandon(_:key:in:)``.
    case begun
    /// The same request is under way.
    case inFlight
    /// The key was used for another request.
    case mismatch
    /// The request was answered; the response is sealed.
    case answered(status: Int, contentType: String, sealed: [UInt8])
}

/// The SQL of `Idempotency-Key`: the row is there before the work begins, so that two copies never both do it.
public enum IdempotencyStore {
    /// How long an answer is remembered.
    public static let lifetime = Duration.seconds(24 * 3600)
    /// After this time without an answer, the process that began is taken for dead.
    public static let patience = Duration.seconds(120)

    /// Takes the key, or says what it is.
    public static func begin(
        _ scope: IdempotencyScope, key: String, hash: [UInt8], now: Timestamp, in database: Database
    )
        async throws(DatabaseError) -> IdempotencyState
    {
        let times: [SQLValue] = [.timestamp(now), .timestamp(now - lifetime), .timestamp(now - patience)]
        let rows: [Rows]
        switch scope {
        case .tenant(let id):
            rows = try await database.run(
                .tenant(id),
                [
                    Query(
                        """
                        INSERT INTO app.idempotency_keys AS k (tenant_id, key, request_hash, created_at)
                        VALUES ($1, $2, $3, $4)
                        ON CONFLICT (tenant_id, key) DO UPDATE
                           SET request_hash = EXCLUDED.request_hash, created_at = EXCLUDED.created_at, status = NULL,
                               content_type = NULL, response = NULL
                         WHERE k.created_at <= $5
                            OR (k.status IS NULL AND k.created_at <= $6 AND k.request_hash = EXCLUDED.request_hash)
                        RETURNING true
                        """, [.uuid(id), .text(key), .bytes(hash)] + times),
                    Query(
                        """
                        SELECT request_hash, status, content_type, response FROM app.idempotency_keys
                         WHERE tenant_id = $1 AND key = $2
                        """, [.uuid(id), .text(key)]),
                ])
        case .operator:
            rows = try await database.run(
                .operator,
                [
                    Query(
                        """
                        INSERT INTO app.operator_idempotency_keys AS k (key, request_hash, created_at)
                        VALUES ($1, $2, $3)
                        ON CONFLICT (key) DO UPDATE
                           SET request_hash = EXCLUDED.request_hash, created_at = EXCLUDED.created_at, status = NULL,
                               content_type = NULL, response = NULL
                         WHERE k.created_at <= $4
                            OR (k.status IS NULL AND k.created_at <= $5 AND k.request_hash = EXCLUDED.request_hash)
                        RETURNING true
                        """, [.text(key), .bytes(hash)] + times),
                    Query(
                        """
                        SELECT request_hash, status, content_type, response FROM app.operator_idempotency_keys
                         WHERE key = $1
                        """, [.text(key)]),
                ])
        }
        if !rows[0].isEmpty { return .begun }
        // The row vanished between the two: its owner gave up just now.
        guard let row = rows[1].first else { return .inFlight }
        let known: [UInt8] = try row.get(0)
        guard known == hash else { return .mismatch }
        guard let status: Int32 = try row.get(1), let sealed: [UInt8] = try row.get(3) else { return .inFlight }
        return .answered(status: Int(status), contentType: try row.get(2) ?? "application/json", sealed: sealed)
    }

    /// Remembers the answer.
    public static func finish(
        _ scope: IdempotencyScope, key: String, status: Int, contentType: String, sealed: [UInt8], in database: Database
    ) async throws(DatabaseError) {
        let values: [SQLValue] = [.int4(Int32(status)), .text(contentType), .bytes(sealed)]
        switch scope {
        case .tenant(let id):
            _ = try await database.run(
                .tenant(id),
                Query(
                    """
                    UPDATE app.idempotency_keys SET status = $3, content_type = $4, response = $5
                     WHERE tenant_id = $1 AND key = $2
                    """, [.uuid(id), .text(key)] + values))
        case .operator:
            _ = try await database.run(
                .operator,
                Query(
                    """
                    UPDATE app.operator_idempotency_keys SET status = $2, content_type = $3, response = $4
                     WHERE key = $1
                    """, [.text(key)] + values))
        }
    }

    /// Gives the key back: nothing was done, and the client may try again.
    public static func abandon(_ scope: IdempotencyScope, key: String, in database: Database)
        async throws(DatabaseError)
    {
        switch scope {
        case .tenant(let id):
            _ = try await database.run(
                .tenant(id),
                Query(
                    "DELETE FROM app.idempotency_keys WHERE tenant_id = $1 AND key = $2 AND status IS NULL",
                    [.uuid(id), .text(key)]))
        case .operator:
            _ = try await database.run(
                .operator,
                Query("DELETE FROM app.operator_idempotency_keys WHERE key = $1 AND status IS NULL", [.text(key)]))
        }
    }
}
