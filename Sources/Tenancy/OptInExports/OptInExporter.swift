public import Emarsys
public import EventLoop
public import FoundationEssentials
import HTTP
public import Persistence

/// Tells Emarsys what people decided: withdrawals first, in calls of up to a thousand contacts, one call at a time for a
/// tenant, so that the later state of a person can never be overtaken by an earlier one.
///
/// A batch is marked sent before the call and settled after it. A process that ends in between leaves rows that the next
/// drain sends again, which Emarsys takes without harm.
public struct OptInExporter: Sendable {
    /// How much one job does.
    public struct Limits: Sendable {
        /// Contacts taken at once.
        public var batch = 1000
        /// Time before the job makes way for other tenants.
        public var time = Duration.seconds(20)

        /// The defaults.
        public init() {}
    }

    /// Opens a client for a tenant. Throws `Problem` where there is no connection.
    public typealias Clients = @Sendable (_ tenantID: UUID) async throws -> EmarsysClient

    let database: Database
    let clients: Clients
    let time: any TimeSource
    let plan: OptInRetryPlan
    let limits: Limits

    /// An exporter.
    ///
    /// - Parameters:
    ///   - clients: opens a client for a tenant
    ///   - plan: how long and how often is tried
    public init(
        database: Database, clients: @escaping Clients, time: any TimeSource, plan: OptInRetryPlan = OptInRetryPlan(),
        limits: Limits = Limits()
    ) {
        self.database = database
        self.clients = clients
        self.time = time
        self.plan = plan
        self.limits = limits
    }

    /// Exports what is due, and sees to it that it is called again when something is due next.
    ///
    /// - Parameter mayContinue: asked before every call; false once the job is no longer ours
    public func drain(tenantID: UUID, mayContinue: @Sendable () async -> Bool = { true }) async throws {
        let start = time.now()
        _ = try await database.run(.tenant(tenantID), OptInExportStore.releaseAll(tenant: tenantID, now: start))
        var timeFormat: OptInTimeFormat?
        while await mayContinue() {
            let standing = try await database.run(.tenant(tenantID), OptInExportStore.standing(tenant: tenantID))
                .first.map(OptInExportStore.standing)
            guard let standing, standing.isOpen, let field = standing.field else { return }
            let now = time.now()
            let rows = try await database.run(
                .tenant(tenantID), OptInExportStore.take(tenant: tenantID, limit: limits.batch, now: now)
            ).map(OptInExportStore.taken)
            if rows.isEmpty { return try await wakeForNext(tenantID) }
            let round = Round(tenantID: tenantID, field: field, rows: rows)
            let isEnd: Bool
            do {
                isEnd = try await send(round, timeFormat: &timeFormat)
            } catch {
                // Nothing was settled: as if the rows had never been taken.
                let untouched = rows.map { (row: $0, outcome: OptInOutcome.untouched) }
                _ = try? await database.run(
                    .tenant(tenantID),
                    OptInExportStore.record(untouched, field: field, tenant: tenantID, now: time.now()))
                if error is Problem { return }
                throw error
            }
            if isEnd { return try await wakeForNext(tenantID) }
            if time.now() - start > limits.time { break }
        }
        let now = time.now()
        _ = try await database.run(.tenant(tenantID), OptInExportStore.wake(tenant: tenantID, at: now, now: now))
    }

    private struct Round {
        let tenantID: UUID
        let field: OptInField
        let rows: [TakenOptIn]
    }

    /// Sends one batch and writes down what became of it. True when further calls are pointless for now.
    private func send(_ round: Round, timeFormat: inout OptInTimeFormat?) async throws -> Bool {
        let field = round.field
        let batch = OptInBatch(round.rows, field: field)
        var outcomes = batch.told.map { (row: $0, outcome: OptInOutcome.confirmed(emarsysID: $0.emarsysID ?? "")) }
        var failure: EmarsysError?
        var missing = batch.unlinked
        if !batch.linked.isEmpty || (field.createMissing && !missing.isEmpty) {
            var client = try await clients(round.tenantID)
            client.retry = .never
            client.urgency = .urgent
            do {
                let format = try await format(of: field, known: timeFormat, client)
                timeFormat = format
                let answers = try await client.updateContacts(
                    batch.linked.map { row in
                        ContactUpdate(
                            key: row.emarsysID ?? "",
                            values: OptInBatch.values(of: row, field: field, timeFormat: format))
                    }, by: .id)
                let verdicts = verdicts
                for (row, answer) in zip(batch.linked, answers.rows) {
                    let outcome = verdicts.outcome(of: row, answer, emarsysID: row.emarsysID ?? "")
                    if case .notInEmarsys = outcome, field.createMissing {
                        missing.append(row)
                    } else {
                        outcomes.append((row, outcome))
                    }
                }
                if field.createMissing {
                    let creation = OptInCreation(
                        database: database, client: client, tenantID: round.tenantID, field: field, timeFormat: format,
                        verdicts: verdicts)
                    let created = try await creation.create(missing)
                    outcomes += created.outcomes
                    failure = created.failure
                    missing = []
                }
            } catch let error as EmarsysError {
                failure = error
                let settled = Set(outcomes.map(\.row.id))
                let verdicts = verdicts
                for row in batch.linked where !settled.contains(row.id) {
                    outcomes.append((row, verdicts.outcome(of: row, error)))
                }
                if field.createMissing {
                    for row in batch.unlinked { outcomes.append((row, verdicts.outcome(of: row, error))) }
                    missing = []
                }
            }
        }
        let unlinked = OptInFault(code: "not_linked", detail: "The contact has no Emarsys contact yet.")
        outcomes += missing.map { (row: $0, outcome: .notInEmarsys($0.emarsysID == nil ? unlinked : .refused(2008))) }
        try await settle(outcomes, failure, round)
        return failure?.endsDrain ?? false
    }

    private var verdicts: OptInVerdicts { OptInVerdicts(plan: plan, now: time.now(), jitter: .random(in: 0...1)) }

    private func settle(
        _ outcomes: [(row: TakenOptIn, outcome: OptInOutcome)], _ failure: EmarsysError?, _ round: Round
    ) async throws(DatabaseError) {
        let now = time.now()
        var queries = OptInExportStore.record(outcomes, field: round.field, tenant: round.tenantID, now: now)
        if let wait = failure?.retryAfter, wait > .zero {
            queries.append(OptInExportStore.holdLane(tenant: round.tenantID, until: now + wait))
        }
        if !queries.isEmpty { _ = try await database.run(.tenant(round.tenantID), queries) }
    }

    /// A date field takes a day, everything else a text.
    private func format(of field: OptInField, known: OptInTimeFormat?, _ client: EmarsysClient)
        async throws(EmarsysError) -> OptInTimeFormat
    {
        if let known { return known }
        guard let timestampField = field.timestampFieldID else { return .text }
        let fields = try await client.fields()
        let kind = fields.first { $0.id == timestampField }?.kind
        return kind == .date || kind == .birthDate ? .date : .text
    }

    private func wakeForNext(_ tenantID: UUID) async throws(DatabaseError) {
        let rows = try await database.run(.tenant(tenantID), OptInExportStore.nextDue(tenant: tenantID))
        guard let next: Timestamp = try rows.first?.get(0) else { return }
        let now = time.now()
        _ = try await database.run(
            .tenant(tenantID), OptInExportStore.wake(tenant: tenantID, at: max(next, now), now: now))
    }
}
