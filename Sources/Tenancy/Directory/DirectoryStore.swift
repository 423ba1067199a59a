import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// What the database says of a tenant, secrets still sealed.
struct DirectoryRecord: Sendable {
    struct WebhookSecret: Sendable {
        let id: UUID
        let sealed: [UInt8]
        let validUntil: Timestamp?
    }

    let id: UUID
    let instanceName: String
    let displayName: String
    let status: Tenant.Status
    let features: FeatureSet
    let timeZone: String
    let defaultCurrency: String?
    let defaultCountry: String?
    let settings: TenantSettings
    let keys: [Tenant.Key]
    let webhookSecrets: [WebhookSecret]
    let dataKeys: [StoredTenantKey]
    let connection: Tenant.ConnectionState?
    let move: MoveState?
}

/// A tenant whose directory entry changed, and in which transaction.
struct DirectoryChange: Sendable, Hashable {
    let tenant: UUID
    let transaction: String
}

/// The SQL of the directory.
enum DirectoryStore {
    /// The id of an instance, before any tenant is known.
    static func tenantID(instance: String, in database: Database) async throws(DatabaseError) -> UUID? {
        let rows = try await database.run(
            .resolver, Query("SELECT tenant_id FROM app.resolve_instance($1)", [.text(instance)]))
        return try rows.first?.get(0)
    }

    /// Everything about one tenant in one round trip; nil where there is none.
    static func record(_ tenant: UUID, now: Timestamp, in database: Database) async throws(DatabaseError)
        -> DirectoryRecord?
    {
        let id = SQLValue.uuid(tenant)
        let rows = try await database.run(
            .tenant(tenant),
            [
                Query(
                    """
                    SELECT instance_name, display_name, status, time_zone, default_currency, default_country, settings
                      FROM app.tenants WHERE tenant_id = $1
                    """, [id]),
                Query("SELECT feature FROM app.features WHERE tenant_id = $1 AND enabled", [id]),
                Query(
                    """
                    SELECT id, key_hash, permissions FROM app.api_keys
                     WHERE tenant_id = $1 AND revoked_at IS NULL ORDER BY id
                    """, [id]),
                Query(
                    """
                    SELECT id, secret, valid_until FROM app.webhook_secrets
                     WHERE tenant_id = $1 AND (valid_until IS NULL OR valid_until > $2)
                     ORDER BY valid_until DESC NULLS FIRST, created_at DESC
                    """, [id, .timestamp(now)]),
                TenantKeyStore.select(tenant),
                Query("SELECT status, paused FROM app.connections WHERE tenant_id = $1", [id]),
                Query("SELECT state FROM app.tenant_moves WHERE tenant_id = $1", [id]),
            ])
        guard let row = rows[0].first else { return nil }
        let status: String = try row.get(2)
        let settings: [UInt8] = try row.get(6)
        let features = try values(rows[1]) { row throws(DatabaseError) in Feature(rawValue: try row.get(0)) }
        let keys = try values(rows[2]) { row throws(DatabaseError) in try key(row) }
        let secrets = try values(rows[3]) { row throws(DatabaseError) in
            DirectoryRecord.WebhookSecret(id: try row.get(0), sealed: try row.get(1), validUntil: try row.get(2))
        }
        let dataKeys = try values(rows[4]) { row throws(DatabaseError) in try StoredTenantKey(row) }
        let connections = try values(rows[5]) { row throws(DatabaseError) in
            Tenant.ConnectionState(
                status: ConnectionStatus(rawValue: try row.get(0)) ?? .failing, isPaused: try row.get(1))
        }
        return DirectoryRecord(
            id: tenant, instanceName: try row.get(0), displayName: try row.get(1),
            status: Tenant.Status(rawValue: status) ?? .suspended, features: FeatureSet(features),
            timeZone: try row.get(3), defaultCurrency: try row.get(4), defaultCountry: try row.get(5),
            settings: TenantSettings((try? JSON.parse(settings)) ?? .object([:])), keys: keys,
            webhookSecrets: secrets, dataKeys: dataKeys, connection: connections.first,
            move: try rows[6].first.flatMap { row throws(DatabaseError) in MoveState(rawValue: try row.get(0)) })
    }

    /// Tenants changed since a snapshot, and the snapshot to ask from next time. With nil nothing is read but the snapshot.
    static func changes(since snapshot: String?, in database: Database) async throws(DatabaseError)
        -> (next: String, changes: [DirectoryChange])
    {
        let rows = try await database.run(
            .resolver,
            Query(
                "SELECT next_since, tenant_ids, transactions FROM app.changed_entries($1)",
                [.optional(text: snapshot)]))
        guard let row = rows.first else { throw DatabaseError(.decoding, context: "app.changed_entries") }
        let ids: [UUID] = try row.get(1)
        let transactions: [String] = try row.get(2)
        return (
            try row.get(0), zip(ids, transactions).map { DirectoryChange(tenant: $0, transaction: $1) }
        )
    }

    /// Marks the tenant's entry as changed, in the transaction that changes it.
    static func touch(_ tenant: UUID) -> Query {
        Query("SELECT app.touch_directory($1)", [.uuid(tenant)])
    }

    private static func key(_ row: Row) throws(DatabaseError) -> Tenant.Key {
        let permissions: [String] = try row.get(2)
        return Tenant.Key(
            id: try row.get(0), hash: try row.get(1),
            permissions: PermissionSet(permissions.compactMap { Permission(rawValue: $0) }))
    }

    private static func values<T>(_ rows: Rows, _ value: (Row) throws(DatabaseError) -> T?) throws(DatabaseError)
        -> [T]
    {
        var values: [T] = []
        for row in rows {
            if let value = try value(row) { values.append(value) }
        }
        return values
    }
}
