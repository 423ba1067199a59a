import FoundationEssentials
import Persistence

/// The SQL of taking tenants out of a database and into another.
enum ArchiveStore {
    /// Rows that travel together.
    static let batch = 500

    /// The tables, those that others refer to first.
    static let tables = Query(
        "SELECT table_name, columns, is_numbered, is_leaf, is_directory, is_local FROM app.tenant_tables()")

    /// The name of the newest migration: two databases of one have the same tables.
    static let schema = Query("SELECT name FROM app_migrations.applied ORDER BY number DESC LIMIT 1")

    /// Times and bytes as text, the same wherever the rows go.
    static let settings = [Query("SET LOCAL TimeZone = 'UTC'"), Query("SET LOCAL DateStyle = 'ISO'")]

    static func open(
        _ tenant: UUID, _ table: String, buckets: Int32 = 1, wanted: [Int32]? = nil, onlyKeys: Bool = false
    ) -> Query {
        Query(
            "SELECT app.open_archive($1, $2, $3, $4, $5)",
            [
                .uuid(tenant), .text(table), .int4(buckets), wanted.map { .int4Array($0) } ?? .null(.int4Array),
                .bool(onlyKeys),
            ])
    }

    /// The next rows of the open cursor.
    static let fetch = Query("FETCH FORWARD 500 FROM archive")
    /// Closes the cursor.
    static let close = Query("CLOSE archive")

    /// - Parameter rows: a JSON array
    static func restore(_ tenant: UUID, _ table: String, _ rows: [UInt8]) -> Query {
        Query("SELECT app.restore_rows($1, $2, $3)", [.uuid(tenant), .text(table), .jsonb(rows)])
    }

    static func sums(_ tenant: UUID, _ table: String, buckets: Int32) -> Query {
        Query(
            "SELECT bucket, row_count, checksum FROM app.sum_rows($1, $2, $3)",
            [.uuid(tenant), .text(table), .int4(buckets)])
    }

    /// - Parameter keep: a JSON array of keys
    static func clear(_ tenant: UUID, _ table: String, buckets: Int32, wanted: [Int32], keep: [UInt8]) -> Query {
        Query(
            "SELECT app.clear_buckets($1, $2, $3, $4, $5)",
            [.uuid(tenant), .text(table), .int4(buckets), .int4Array(wanted), .jsonb(keep)])
    }

    /// What makes the transaction write as operators do, or as the tenant.
    static func role(isDirectory: Bool, _ tenant: UUID) -> [Query] {
        isDirectory
            ? [Query("SELECT app.enter_operator()")]
            : TenantAdministrationStore.enter(tenant)
    }

    /// A tenant with this id or this name. In the operators' scope.
    static func clash(_ tenant: UUID, _ instance: String) -> Query {
        Query(
            """
            SELECT t.instance_name, t.tenant_id, m.state FROM app.tenants t
              LEFT JOIN app.tenant_moves m ON m.tenant_id = t.tenant_id
             WHERE t.tenant_id = $1 OR t.instance_name = $2
            """, [.uuid(tenant), .text(instance)])
    }

    // MARK: Moves

    /// In the operators' scope.
    static func moveState(_ tenant: UUID) -> Query {
        Query("SELECT state FROM app.tenant_moves WHERE tenant_id = $1", [.uuid(tenant)])
    }

    /// In the operators' scope: where the tenant is on its way, lanes and directory entry included.
    static func setMove(_ tenant: UUID, _ state: MoveState) -> [Query] {
        [
            Query(
                """
                INSERT INTO app.tenant_moves (tenant_id, state, changed_at) VALUES ($1, $2, now())
                ON CONFLICT (tenant_id) DO UPDATE SET state = EXCLUDED.state, changed_at = EXCLUDED.changed_at
                """, [.uuid(tenant), .text(state.rawValue)]),
            TenantAdministrationStore.pauseLanes(tenant), DirectoryStore.touch(tenant),
        ]
    }

    /// In the operators' scope: the tenant is at home again.
    static func endMove(_ tenant: UUID) -> [Query] {
        [
            Query("DELETE FROM app.tenant_moves WHERE tenant_id = $1", [.uuid(tenant)]),
            TenantAdministrationStore.pauseLanes(tenant), DirectoryStore.touch(tenant),
        ]
    }

    /// The transaction that asks, and the oldest one that still runs: when the second has passed the first of an earlier
    /// question, all that ran then has ended.
    static let horizon = Query(
        "SELECT pg_current_xact_id()::text::bigint, pg_snapshot_xmin(pg_current_snapshot())::text::bigint")

    /// Jobs of the tenant that somebody works on.
    static func running(_ tenant: UUID) -> Query {
        Query("SELECT count(*) FROM app.jobs WHERE tenant_id = $1 AND state = 1", [.uuid(tenant)])
    }
}
