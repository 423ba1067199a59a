import Emarsys
public import EventLoop
public import FoundationEssentials
import HTTP
public import Persistence

/// Goes through all contacts of whom a decision is known: compares what Emarsys holds with the ledger and queues what
/// differs (back-fill, reconcile), or looks without a call whether a withdrawal is missing in the outbox (check).
///
/// A piece of work ends after less than a second and asks for its continuation, so that changes of the moment get their turn
/// in the lane.
public struct OptInSweeper: Sendable {
    /// How much one job does.
    public struct Limits: Sendable {
        /// Contacts in one getdata call and one transaction.
        public var page = 1000
        /// People who withdrew in one transaction of a check.
        public var checkPage = 5000
        /// Time before the job makes way: a withdrawal that comes meanwhile has to leave within two seconds.
        public var time = Duration.milliseconds(800)
        /// From the end of one reconciliation to the start of the next.
        public var reconcileEvery = Duration.seconds(24 * 3600)
        /// From the end of one check to the start of the next.
        public var checkEvery = Duration.seconds(3600)

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
        let standing = try await database.run(.tenant(tenantID), OptInExportStore.standing(tenant: tenantID))
            .first.map(OptInExportStore.standing)
        // Connecting and choosing a field start all of it anew.
        guard let standing, standing.connection != nil else { return true }
        guard let field = standing.field else {
            try await ask(for: sweep, tenantID, after: nil, in: limits.reconcileEvery)
            return true
        }
        if sweep == .check, after == nil {
            _ = try await database.run(.tenant(tenantID), OptInExportStore.redrive(tenant: tenantID, now: start))
        }
        var place = after
        while true {
            let next =
                switch sweep {
                case .check: try await checkPage(tenantID, after: place)
                case .backfill, .reconcile: try await comparePage(sweep, tenantID, field, after: place)
                }
            guard let next else {
                // Choosing the field starts the comparisons, and each of them asks for the next.
                try await ask(
                    for: sweep == .check ? .check : .reconcile, tenantID, after: nil,
                    in: sweep == .check ? limits.checkEvery : limits.reconcileEvery)
                if sweep != .check { try await ask(for: .check, tenantID, after: nil, in: limits.checkEvery) }
                return true
            }
            place = next
            if time.now() - start > limits.time {
                try await ask(for: sweep, tenantID, after: next, in: .zero)
                return false
            }
        }
    }

    /// Notes a failure for the connection's status where a person has to look at it.
    func note(_ error: EmarsysError, tenantID: UUID) async throws(DatabaseError) {
        guard error.failureClass == .stopConnection else { return }
        let now = time.now()
        _ = try await database.run(
            .tenant(tenantID),
            ConnectionStore.failed(tenantID, error: error.report(at: now, needing: .contactGetData), now: now))
    }

    private func ask(for sweep: OptInSweep, _ tenantID: UUID, after: UUID?, in wait: Duration)
        async throws(DatabaseError)
    {
        let now = time.now()
        _ = try await database.run(
            .tenant(tenantID),
            OptInExportStore.proceed(sweep, tenant: tenantID, after: after, at: now + wait, now: now))
    }

    private func checkPage(_ tenantID: UUID, after: UUID?) async throws(DatabaseError) -> UUID? {
        let rows = try await database.run(
            .tenant(tenantID),
            OptInSweepStore.check(tenant: tenantID, after: after, limit: limits.checkPage, now: time.now()))
        return try rows.first?.get(0)
    }

    /// Compares a page with what Emarsys holds: nothing is written that it has already. A back-fill queues also those of
    /// whom Emarsys gave no answer.
    private func comparePage(_ sweep: OptInSweep, _ tenantID: UUID, _ field: OptInField, after: UUID?) async throws
        -> UUID?
    {
        let rows = try await database.run(
            .tenant(tenantID), OptInSweepStore.people(tenant: tenantID, after: after, limit: limits.page))
        guard let last = rows.last else { return nil }
        var linked: [(contact: UUID, ids: [String])] = []
        var others: [UUID] = []
        for row in rows {
            let contact: UUID = try row.get(0)
            let ids: String? = try row.get(1)
            if let ids {
                linked.append((contact, ids.split(separator: ",").map(String.init)))
            } else {
                others.append(contact)
            }
        }
        let held = try await held(linked, field, tenantID, isNeeded: sweep == .reconcile)
        let known = Set(held.map(\.contact))
        others += linked.map(\.contact).filter { !known.contains($0) }
        let now = time.now()
        var queries = held.isEmpty ? [] : OptInSweepStore.compare(held, field: field, tenant: tenantID, now: now)
        if !others.isEmpty {
            let reason = sweep == .backfill ? "backfill" : "check"
            queries.append(OptInSweepStore.queue(others, reason: reason, tenant: tenantID, now: now))
        }
        _ = try await database.run(.tenant(tenantID), queries)
        return try last.get(0)
    }

    /// What Emarsys holds of these people. A back-fill goes on without it: who has just connected need not have granted
    /// reading.
    private func held(
        _ linked: [(contact: UUID, ids: [String])], _ field: OptInField, _ tenantID: UUID, isNeeded: Bool
    ) async throws -> [(contact: UUID, emarsysID: String, value: String)] {
        if linked.isEmpty { return [] }
        var values: [String: String] = [:]
        do {
            var client = try await clients(tenantID)
            client.retry = .never
            let ids = linked.flatMap(\.ids)
            for start in stride(from: 0, to: ids.count, by: EmarsysClient.mostKeys) {
                let keys = Array(ids[start..<min(start + EmarsysClient.mostKeys, ids.count)])
                for row in try await client.getData(keys, fields: [field.fieldID]).rows {
                    values[row.id] = row.values.first?.nonEmptyText ?? ""
                }
            }
        } catch let error as EmarsysError where !isNeeded {
            try await note(error, tenantID: tenantID)
            return []
        }
        return linked.compactMap { contact, ids in
            let found = ids.compactMap { values[$0] }
            guard let first = found.first else { return nil }
            // Contacts of one person that differ hold nothing for certain.
            return (contact, ids.joined(separator: ","), found.allSatisfy { $0 == first } ? first : "")
        }
    }
}
