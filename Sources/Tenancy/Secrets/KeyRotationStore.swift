import FoundationEssentials
import Persistence

/// The SQL of renewing keys. The database's clock decides, since replicas and commands take part together.
enum KeyRotationStore {
    /// Begins a rotation, or goes on with the one under way. In the operators' scope.
    static func begin(withDataKeys: Bool) -> Query {
        Query(
            """
            INSERT INTO app.key_rotation AS r (with_data_keys) VALUES ($1)
            ON CONFLICT (only_row) DO UPDATE
               SET with_data_keys = EXCLUDED.with_data_keys OR (r.finished_at IS NULL AND r.with_data_keys),
                   started_at = CASE WHEN r.finished_at IS NULL AND (r.with_data_keys OR NOT EXCLUDED.with_data_keys)
                                     THEN r.started_at ELSE clock_timestamp() END,
                   finished_at = NULL
            """, [.bool(withDataKeys)])
    }

    /// The rotation under way: whether it renews data keys. No row: none is.
    static let current = Query("SELECT with_data_keys FROM app.key_rotation WHERE finished_at IS NULL")

    static let finish = Query(
        """
        UPDATE app.key_rotation SET finished_at = clock_timestamp()
         WHERE finished_at IS NULL
           AND (NOT with_data_keys
                OR NOT EXISTS (SELECT 1 FROM app.tenant_keys k GROUP BY k.tenant_id
                               HAVING count(*) > 1 OR max(k.created_at) < started_at))
        RETURNING true
        """)

    /// Tenants whose newest data key is older than the rotation, with its version.
    static func old(after: UUID, limit: Int32) -> Query {
        Query(
            """
            SELECT k.tenant_id, max(k.version) FROM app.tenant_keys k
             WHERE k.tenant_id > $1 GROUP BY k.tenant_id
            HAVING max(k.created_at) < (SELECT started_at FROM app.key_rotation WHERE finished_at IS NULL AND with_data_keys)
             ORDER BY k.tenant_id LIMIT $2
            """, [.uuid(after), .int4(limit)])
    }

    /// Tenants with former data keys whose newest one every replica has known for `settle` seconds.
    static func settled(_ settle: Double, after: UUID, limit: Int32) -> Query {
        Query(
            """
            SELECT k.tenant_id, max(k.version) FROM app.tenant_keys k
             WHERE k.tenant_id > $2 GROUP BY k.tenant_id
            HAVING count(*) > 1 AND max(k.created_at) <= clock_timestamp() - make_interval(secs => $1)
             ORDER BY k.tenant_id LIMIT $3
            """, [.float8(settle), .uuid(after), .int4(limit)])
    }

    /// Tenants that have former data keys.
    static let unfinished = Query(
        """
        SELECT count(*) FROM (SELECT 1 FROM app.tenant_keys GROUP BY tenant_id HAVING count(*) > 1) x
        """)

    // MARK: In the tenant's scope

    static func values(_ tenant: UUID, otherThan version: Int32, limit: Int32) -> Query {
        Query(
            "SELECT table_name, column_name, as_column, row_id, sealed FROM app.sealed_values($1, $2, $3)",
            [.uuid(tenant), .int4(version), .int4(limit)])
    }

    static func reseal(_ tenant: UUID, table: String, column: String, old: [UInt8], new: [UInt8]) -> Query {
        Query(
            "SELECT app.reseal($1, $2, $3, $4, $5)",
            [.uuid(tenant), .text(table), .text(column), .bytes(old), .bytes(new)])
    }

    /// Former keys seal nothing any more.
    static func retire(_ tenant: UUID, before version: Int32) -> Query {
        Query(
            """
            UPDATE app.tenant_keys SET retired_at = clock_timestamp()
             WHERE tenant_id = $1 AND version < $2 AND retired_at IS NULL
            """, [.uuid(tenant), .int4(version)])
    }

    /// Removes keys that were retired `settle` seconds ago, unless something is sealed with one after all.
    static func remove(_ tenant: UUID, before version: Int32, settle: Double) -> Query {
        Query(
            """
            DELETE FROM app.tenant_keys
             WHERE tenant_id = $1 AND version < $2 AND retired_at <= clock_timestamp() - make_interval(secs => $3)
               AND NOT EXISTS (SELECT 1 FROM app.sealed_values($1, $2, 1))
            """, [.uuid(tenant), .int4(version), .float8(settle)])
    }

    // MARK: Answers to operators

    static let operatorAnswers = Query(
        "SELECT key, response FROM app.operator_idempotency_keys WHERE response IS NOT NULL")

    static func resealOperatorAnswer(_ key: String, old: [UInt8], new: [UInt8]) -> Query {
        Query(
            "UPDATE app.operator_idempotency_keys SET response = $3 WHERE key = $1 AND response = $2",
            [.text(key), .bytes(old), .bytes(new)])
    }
}
