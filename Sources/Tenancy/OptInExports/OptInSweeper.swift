import Emarsys
public import EventLoop
public import FoundationEssentials
import HTTP
public import Persistence

/// Goes through all contacts of whom a decision is known: queues what Emarsys was not told (back-fill), or compares what it
/// holds with the ledger and repairs it (reconcile).
///
/// A piece of work ends after a few seconds and asks for its continuation, so that changes of the moment get their turn
/// in the lane.
public struct OptInSweeper: Sendable {
    /// How much one job does.
    public struct Limits: Sendable {
        /// Contacts in one transaction of a back-fill.
        public var backfillPage = 5000
        /// Contacts in one getdata call of a reconciliation.
        public var reconcilePage = 1000
        /// Time before the job makes way.
        public var time = Duration.seconds(5)
        /// From the end of one reconciliation to the start of the next.
        public var reconcileEvery = Duration.seconds(24 * 3600)

        /// The defaults.
        public init() {}
    }

    let database: Database
    let clients: OptInExporter.Clients
    let time: any TimeSource
    let limits: Limits

    /// A sweeper.
    public init(
        database: Database, clients: @escaping OptInExporter.Clients, time: any TimeSource, limits: Limits = Limits()
    ) {
        self.database = database
        self.clients = clients
        self.time = time
        self.limits = limits
    }

    /// Asks for a back-fill: the field was chosen or changed, or the connection works again.
    public static func backfill(tenant: UUID, now: Timestamp) -> Query {
        OptInExportStore.proceed(.backfill, tenant: tenant, after: nil, at: now, now: now)
    }

    /// Does a piece of the work from the contact after `after`, and asks for the next one.
    ///
    /// - Returns: true at the end of the whole
    @discardableResult
    public func run(_ sweep: OptInSweep, tenantID: UUID, after: UUID?) async throws -> Bool {
        let start = time.now()
        var place = after
        while true {
            let next =
                switch sweep {
                case .backfill: try await backfillPage(tenantID, after: place)
                case .reconcile: try await reconcilePage(tenantID, after: place)
                }
            let now = time.now()
            guard let next else {
                // Choosing the field starts the comparisons, and each of them asks for the next.
                _ = try await database.run(
                    .tenant(tenantID),
                    OptInExportStore.proceed(
                        .reconcile, tenant: tenantID, after: nil, at: now + limits.reconcileEvery, now: now))
                return true
            }
            place = next
            if now - start > limits.time {
                _ = try await database.run(
                    .tenant(tenantID), OptInExportStore.proceed(sweep, tenant: tenantID, after: next, at: now, now: now)
                )
                return false
            }
        }
    }

    private func backfillPage(_ tenantID: UUID, after: UUID?) async throws(DatabaseError) -> UUID? {
        let rows = try await database.run(
            .tenant(tenantID),
            OptInSweepStore.backfill(tenant: tenantID, after: after, limit: limits.backfillPage, now: time.now()))
        return try rows.first?.get(0)
    }

    private func reconcilePage(_ tenantID: UUID, after: UUID?) async throws -> UUID? {
        let standing = try await database.run(.tenant(tenantID), OptInExportStore.standing(tenant: tenantID))
            .first.map(OptInExportStore.standing)
        guard let standing, standing.isOpen, let field = standing.field else { return nil }
        let rows = try await database.run(
            .tenant(tenantID), OptInSweepStore.linked(tenant: tenantID, after: after, limit: limits.reconcilePage))
        guard let last = rows.last else { return nil }
        var contacts: [String: UUID] = [:]
        for row in rows { contacts[try row.get(1)] = try row.get(0) }
        var client = try await clients(tenantID)
        client.retry = .never
        let table = try await client.getData(Array(contacts.keys), fields: [field.fieldID])
        var held: [(contact: UUID, emarsysID: String, value: String)] = []
        for row in table.rows {
            guard let contact = contacts[row.id] else { continue }
            held.append((contact, row.id, row.values.first?.nonEmptyText ?? ""))
        }
        _ = try await database.run(
            .tenant(tenantID),
            OptInSweepStore.compare(held, field: field, tenant: tenantID, now: time.now()))
        return try last.get(0)
    }
}
