import Persistence

/// A table of tenants' rows, as the catalogue describes it. Nobody lists tables by hand: a new one is carried from the day
/// it exists.
struct TenantTable: Sendable, Hashable {
    let name: String
    /// Whether the database numbers its rows, so that they cannot be matched one by one.
    let isNumbered: Bool
    /// Whether no other table refers to it.
    let isLeaf: Bool
    /// Whether operators write it, not the tenant.
    let isDirectory: Bool
    /// Whether its rows belong to this database and stay.
    let isLocal: Bool
    /// Its columns, so that two databases can be compared.
    let columns: [String]

    init(_ row: Row) throws(DatabaseError) {
        name = try row.get(0)
        columns = try row.get(1)
        isNumbered = try row.get(2)
        isLeaf = try row.get(3)
        isDirectory = try row.get(4)
        isLocal = try row.get(5)
    }
}

/// The count and checksum of some rows.
struct RowSum: Sendable, Hashable {
    let rows: Int64
    let checksum: String
}
