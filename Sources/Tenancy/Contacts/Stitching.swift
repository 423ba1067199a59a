public import EventLoop
import FoundationEssentials
import JSON
public import Persistence

/// Makes contacts of rows from outside: of an import's batches and of webhooks alike.
///
/// The plain rows of a batch (nobody known, or one contact) are carried out by one family of statements; the few others are
/// decided by ``IdentityDecision`` and carried out by the same statements. Call it before other writes of the transaction: it
/// takes the locks of identities.
public enum Stitching {
    /// From this many rows on the whole tenant is locked instead of each identifier.
    static let mostLockedRows = 64

    /// Stitches rows into the transaction's tenant.
    ///
    /// - Parameters:
    ///   - rows: at most 10,000; rows that speak of the same person are taken in their order
    ///   - source: where they come from
    ///   - policy: the tenant's rules
    ///   - transaction: of the tenant; after a unique violation (a race that the locks do not cover) try it again once
    ///   - suppressions: the tenant's erased people; nil where none was ever erased
    /// - Returns: what became of each row, in the order of `rows`
    public static func stitch(
        _ rows: [IncomingContact], source: StitchSource, policy: IdentityPolicy, in transaction: Transaction,
        now: Timestamp, suppressions: SuppressionKey? = nil
    ) async throws -> [StitchOutcome] {
        if rows.isEmpty { return [] }
        var ids = RisingIDs(milliseconds: now.microseconds / 1000)
        let prepared = rows.enumerated().map { PreparedRow($1, index: $0, newID: ids.next(), policy: policy) }
        let tenant: UUID = try await transaction.query(StitchStore.begin)[0].get(0)
        let values = rows.count > mostLockedRows ? nil : prepared.flatMap(\.lockValues)
        _ = try await transaction.query(StitchStore.lock(tenant, values: values))
        var batch = StitchBatch(
            tenant: tenant, rows: prepared, source: source, policy: policy, now: now, suppressions: suppressions)
        try await batch.findKnown(transaction)
        return try await batch.run(transaction)
    }
}
