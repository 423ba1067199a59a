import Crypto
public import EventLoop
public import FoundationEssentials
public import Persistence
import Synchronization

/// Seals what a tenant entrusts to us and opens it again.
///
/// A master key wraps one data key for each tenant, the data key seals values with their place as associated data
/// (``SecretPlace``). Deleting a tenant's row in `tenant_keys` destroys all of its secrets.
public final class SecretBox: Sendable {
    private struct Cached {
        var keys: [DataKey]
        var until: Timestamp
    }

    private static let cacheTime = Duration.seconds(60)
    private static let cacheLimit = 1024

    private let database: Database
    let master: MasterKeys
    private let time: any TimeSource
    private let cache = Mutex<[UUID: Cached]>([:])

    /// A box over the given master keys.
    public init(database: Database, masterKeys: MasterKeys, time: any TimeSource) {
        self.database = database
        master = masterKeys
        self.time = time
    }

    /// Seals a value for its place. A tenant's first secret makes its data key.
    ///
    /// - Parameters:
    ///   - table: without schema
    ///   - row: the row's own id; the tenant's where the table has one row for each tenant
    public func seal(_ plaintext: [UInt8], table: String, column: String, tenant: UUID, row: UUID)
        async throws -> [UInt8]
    {
        let place = SecretPlace(table: table, column: column, tenant: tenant, row: row)
        guard let newest = try await keys(of: tenant, creating: true).first else { throw SecretError.unknownDataKey }
        return try SealedValue.seal(plaintext, key: newest, place: place)
    }

    /// Opens a value sealed for the same place.
    public func open(_ stored: [UInt8], table: String, column: String, tenant: UUID, row: UUID)
        async throws -> [UInt8]
    {
        let place = SecretPlace(table: table, column: column, tenant: tenant, row: row)
        let keys = try await keys(of: tenant, creating: false)
        do { return try SealedValue.open(stored, keys: keys, place: place) } catch SecretError.unknownDataKey {
            // Rotated since the keys were read.
            forget(tenant)
            return try SealedValue.open(stored, keys: try await self.keys(of: tenant, creating: false), place: place)
        }
    }

    /// Drops what is remembered of a tenant's data keys.
    public func forget(_ tenant: UUID) {
        cache.withLock { _ = $0.removeValue(forKey: tenant) }
    }

    /// A fresh data key for a new tenant, wrapped: the statement that stores it.
    func firstKey(of tenant: UUID) throws -> (query: Query, key: DataKey) {
        let key = DataKey(version: 1, bytes: SecureRandom.bytes(32))
        return (TenantKeyStore.insert(tenant, try wrap(key, tenant: tenant)), key)
    }

    /// Opens rows of `tenant_keys`, the newest version first.
    func unwrap(_ rows: [StoredTenantKey], tenant: UUID) throws(SecretError) -> [DataKey] {
        var keys: [DataKey] = []
        for row in rows {
            guard let key = master.key(row.masterKeyID) else { throw .unknownMasterKey(id: row.masterKeyID) }
            keys.append(try WrappedKey.unwrap(row.wrapped, version: row.version, tenant: tenant, master: key))
        }
        return keys
    }

    /// Wraps a data key with the master key that encrypts.
    func wrap(_ key: DataKey, tenant: UUID) throws(SecretError) -> StoredTenantKey {
        guard let current = master.key(master.currentID) else { throw .unknownMasterKey(id: master.currentID) }
        return StoredTenantKey(
            version: key.version, masterKeyID: current.id,
            wrapped: try WrappedKey.wrap(key, tenant: tenant, master: current))
    }

    func keys(of tenant: UUID, creating: Bool) async throws -> [DataKey] {
        let now = time.now()
        if let cached = cache.withLock({ $0[tenant] }), now < cached.until { return cached.keys }
        var rows = try await database.run(.tenant(tenant), TenantKeyStore.select(tenant))
        if rows.isEmpty, creating {
            let first = try firstKey(of: tenant)
            _ = try await database.run(.tenant(tenant), first.query)
            // Read again: another process may have been first.
            rows = try await database.run(.tenant(tenant), TenantKeyStore.select(tenant))
        }
        var stored: [StoredTenantKey] = []
        for row in rows { stored.append(try StoredTenantKey(row)) }
        let keys = try unwrap(stored, tenant: tenant)
        guard !keys.isEmpty else { throw SecretError.unknownDataKey }
        cache.withLock { cache in
            if cache.count >= Self.cacheLimit { cache.removeAll() }
            cache[tenant] = Cached(keys: keys, until: now + Self.cacheTime)
        }
        return keys
    }
}
