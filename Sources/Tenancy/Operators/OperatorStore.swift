public import EventLoop
public import FoundationEssentials
public import Persistence

/// An operator as the database has them.
public struct StoredOperator: Sendable, Hashable {
    /// The id.
    public let id: UUID
    /// The name in audit logs.
    public let name: String
    /// `viewer` or `manager`.
    public let role: String
    /// When the operator was added.
    public let createdAt: Timestamp
    /// When the token stopped working, if it did.
    public let revokedAt: Timestamp?
}

/// The SQL of operators and their tokens.
public enum OperatorStore {
    /// The operator of a token's hash.
    public static func find(tokenHash: [UInt8], in database: Database) async throws(DatabaseError) -> StoredOperator? {
        let rows = try await database.run(
            .operator,
            Query(
                """
                SELECT id, name, role, created_at, revoked_at FROM app.operators
                 WHERE token_hash = $1 AND revoked_at IS NULL
                """, [.bytes(tokenHash)]))
        return try rows.first.map(read)
    }

    /// All operators by name.
    public static func list(in database: Database) async throws(DatabaseError) -> [StoredOperator] {
        let rows = try await database.run(
            .operator, Query("SELECT id, name, role, created_at, revoked_at FROM app.operators ORDER BY name"))
        var all: [StoredOperator] = []
        for row in rows { all.append(try read(row)) }
        return all
    }

    /// Adds an operator; nil where the name is taken.
    public static func insert(name: String, tokenHash: [UInt8], role: String, now: Timestamp, in database: Database)
        async throws(DatabaseError) -> StoredOperator?
    {
        let rows = try await database.run(
            .operator,
            Query(
                """
                INSERT INTO app.operators (name, token_hash, role, created_at) VALUES ($1, $2, $3, $4)
                ON CONFLICT (name) DO NOTHING
                RETURNING id, name, role, created_at, revoked_at
                """, [.text(name), .bytes(tokenHash), .text(role), .timestamp(now)]))
        return try rows.first.map(read)
    }

    /// Ends an operator's token; false where there is no such operator.
    public static func revoke(name: String, now: Timestamp, in database: Database) async throws(DatabaseError) -> Bool {
        let rows = try await database.run(
            .operator,
            Query(
                "UPDATE app.operators SET revoked_at = coalesce(revoked_at, $2) WHERE name = $1",
                [.text(name), .timestamp(now)]))
        return rows.affectedRows > 0
    }

    private static func read(_ row: Row) throws(DatabaseError) -> StoredOperator {
        StoredOperator(
            id: try row.get(0), name: try row.get(1), role: try row.get(2), createdAt: try row.get(3),
            revokedAt: try row.get(4))
    }
}
