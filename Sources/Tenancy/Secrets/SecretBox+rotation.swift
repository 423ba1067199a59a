import Crypto
import FoundationEssentials
import Persistence

extension SecretBox {
    /// What a rotation of the master key has done.
    struct RotationReport: Sendable, Hashable {
        /// Data keys wrapped anew.
        var rewrapped = 0
        /// Data keys whose master key is not configured: they can be opened by nobody until it is.
        var unreadable = 0
    }

    /// Wraps every data key anew that another master key than the first wraps. May be stopped and started again at any
    /// time, and run beside a serving process: values stay as they are.
    func rewrapAll(database: Database, progress: (RotationReport) -> Void = { _ in })
        async throws -> RotationReport
    {
        var report = RotationReport()
        var after = (tenant: UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)), version: Int32(0))
        while true {
            let rows = try await database.run(
                .operator, TenantKeyStore.wrappedByOthers(than: master.currentID, after: after, limit: 200))
            if rows.isEmpty { return report }
            for row in rows {
                let tenant: UUID = try row.get(3)
                let old = try StoredTenantKey(row)
                after = (tenant, old.version)
                do {
                    for key in try unwrap([old], tenant: tenant) {
                        let new = try wrap(key, tenant: tenant)
                        let changed = try await database.run(
                            .operator, TenantKeyStore.rewrap(tenant, old: old, new: new))
                        report.rewrapped += changed.affectedRows
                    }
                } catch is SecretError {
                    report.unreadable += 1
                }
            }
            progress(report)
        }
    }

    /// A further data key of a tenant, wrapped.
    func nextKey(of tenant: UUID, version: Int32) throws(SecretError) -> StoredTenantKey {
        try wrap(DataKey(version: version, bytes: SecureRandom.bytes(32)), tenant: tenant)
    }

    /// A tenant's data keys as the database has them now, the newest first.
    func storedKeys(of tenant: UUID) async throws -> [DataKey] {
        forget(tenant)
        return try await keys(of: tenant, creating: false)
    }

    /// Whether the master key that encrypts has sealed something of the service itself.
    func isSealedByCurrent(_ stored: [UInt8]) -> Bool {
        let id = Array(master.currentID.utf8)
        return stored.first == UInt8(id.count) && stored.dropFirst().starts(with: id)
    }
}
