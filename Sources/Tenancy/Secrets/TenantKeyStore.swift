import EventLoop
import FoundationEssentials
import Persistence

/// A row of `tenant_keys`.
struct StoredTenantKey: Sendable {
    let version: Int32
    let masterKeyID: String
    let wrapped: [UInt8]

    init(version: Int32, masterKeyID: String, wrapped: [UInt8]) {
        self.version = version
        self.masterKeyID = masterKeyID
        self.wrapped = wrapped
    }

    init(_ row: Row) throws(DatabaseError) {
        version = try row.get(0)
        masterKeyID = try row.get(1)
        wrapped = try row.get(2)
    }
}

/// The SQL of the tenants' data keys.
enum TenantKeyStore {
    /// All versions of a tenant's data key, the newest first.
    static func select(_ tenant: UUID) -> Query {
        Query(
            """
            SELECT version, master_key_id, wrapped FROM app.tenant_keys
             WHERE tenant_id = $1 ORDER BY version DESC
            """, [.uuid(tenant)])
    }

    /// Master keys with the number of data keys that each wraps. In the operators' scope.
    static let masterKeys = Query("SELECT master_key_id, count(*) FROM app.tenant_keys GROUP BY 1 ORDER BY 1")

    /// Adds a version; a row that is there already stays.
    static func insert(_ tenant: UUID, _ key: StoredTenantKey) -> Query {
        Query(
            """
            INSERT INTO app.tenant_keys (tenant_id, version, master_key_id, wrapped) VALUES ($1, $2, $3, $4)
            ON CONFLICT (tenant_id, version) DO NOTHING
            """, [.uuid(tenant), .int4(key.version), .text(key.masterKeyID), .bytes(key.wrapped)])
    }

    /// Keys of all tenants (operators' scope) that another master key than `current` wraps, a page at a time.
    static func wrappedByOthers(than current: String, after: (tenant: UUID, version: Int32), limit: Int32) -> Query {
        Query(
            """
            SELECT version, master_key_id, wrapped, tenant_id FROM app.tenant_keys
             WHERE master_key_id <> $1 AND (tenant_id, version) > ($2, $3) ORDER BY tenant_id, version LIMIT $4
            """, [.text(current), .uuid(after.tenant), .int4(after.version), .int4(limit)])
    }

    /// Replaces the wrapping of one version, unless somebody else has done so.
    static func rewrap(_ tenant: UUID, old: StoredTenantKey, new: StoredTenantKey) -> Query {
        Query(
            """
            UPDATE app.tenant_keys SET master_key_id = $3, wrapped = $4
             WHERE tenant_id = $1 AND version = $2 AND master_key_id = $5
            """,
            [
                .uuid(tenant), .int4(old.version), .text(new.masterKeyID), .bytes(new.wrapped),
                .text(old.masterKeyID),
            ])
    }
}
