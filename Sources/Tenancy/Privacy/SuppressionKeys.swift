import Crypto
public import EventLoop
public import FoundationEssentials
public import Persistence
import Synchronization

/// The tenants' keys for hashing erased people, kept sealed.
public final class SuppressionKeys: Sendable {
    private let database: Database
    private let secrets: SecretBox
    private let time: any TimeSource
    private let cache = Mutex<[UUID: SuppressionKey]>([:])

    /// Keys in a database.
    public init(database: Database, secrets: SecretBox, time: any TimeSource) {
        self.database = database
        self.secrets = secrets
        self.time = time
    }

    /// The tenant's key. Nil where nobody was ever erased, unless one is to be made.
    public func key(of tenant: UUID, creating: Bool) async throws -> SuppressionKey? {
        if let known = cache.withLock({ $0[tenant] }) { return known }
        var rows = try await database.run(.tenant(tenant), SuppressionStore.key(tenant))
        if rows.isEmpty {
            guard creating else { return nil }
            let sealed = try await secrets.seal(
                SecureRandom.bytes(32), table: "privacy_keys", column: "key", tenant: tenant, row: tenant)
            _ = try await database.run(.tenant(tenant), SuppressionStore.insertKey(tenant, sealed, now: time.now()))
            rows = try await database.run(.tenant(tenant), SuppressionStore.key(tenant))
        }
        guard let row = rows.first else { return nil }
        let bytes = try await secrets.open(
            try row.get(0), table: "privacy_keys", column: "key", tenant: tenant, row: tenant)
        let key = SuppressionKey(bytes)
        cache.withLock { cache in
            if cache.count > 1024 { cache.removeAll() }
            cache[tenant] = key
        }
        return key
    }
}
