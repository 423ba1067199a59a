public import Persistence

/// Which master keys wrap the data keys of a database.
public enum MasterKeyUse {
    /// The ids of master keys with the number of data keys each wraps.
    public static func counts(in database: Database) async throws(DatabaseError) -> [(id: String, count: Int64)] {
        var counts: [(id: String, count: Int64)] = []
        for row in try await database.run(.operator, TenantKeyStore.masterKeys) {
            counts.append((try row.get(0), try row.get(1)))
        }
        return counts
    }
}
