public import Emarsys
public import EventLoop
public import FoundationEssentials
import HTTP
public import Persistence

/// Tells Emarsys what people decided: withdrawals first, in calls of up to a thousand contacts, one call at a time for a
/// tenant, so that the later state of a person can never be overtaken by an earlier one.
///
/// A batch is marked sent before the call and settled after it. A process that ends in between leaves rows that the next
/// drain sends again, which Emarsys takes without harm. Only who took a batch may settle it: an answer that comes after
/// the lease was lost makes the people concerned unsure, and they are told again.
public struct OptInExporter: Sendable {
    /// How much one job does.
    public struct Limits: Sendable {
        /// Contacts taken at once.
        public var batch = 1000
        /// Time before the job makes way for other tenants.
        public var time = Duration.seconds(20)
        /// After a refused credential or permission: until it is tried again.
        public var afterRefusal = Duration.seconds(900)

        /// The defaults.
        public init() {}
    }

    /// How a drain ended.
    public enum End: Sendable, Hashable {
        /// What is left has its own job.
        case done
        /// It could not be done for a reason that passes by itself, or by somebody who does not know of this job: a pause, a
        /// feature that is off, a replica that has not heard yet.
        case later(Timestamp)
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
    @discardableResult
    public func drain(tenantID: UUID, mayContinue: @Sendable () async -> Bool = { true }) async throws -> End {
        let start = time.now()
        guard await mayContinue() else { return .done }
        _ = try await database.run(.tenant(tenantID), OptInExportStore.releaseAll(tenant: tenantID, now: start))
        var timeFormat: OptInTimeFormat?
        while await mayContinue() {
            let standing = try await database.run(.tenant(tenantID), OptInExportStore.standing(tenant: tenantID))
                .first.map(OptInExportStore.standing)
            // Choosing a field and connecting start a back-fill; a pause and a switch do not know what waits.
            guard let standing, let field = standing.field, let connection = standing.connection else { return .done }
            guard standing.isOpen else { return .later(time.now() + (standing.isLanePaused ? .zero : .seconds(5))) }
            let batch = UUID()
            let rows = try await database.run(
                .tenant(tenantID),
                OptInExportStore.take(tenant: tenantID, batch: batch, limit: limits.batch, now: time.now())
            ).map(OptInExportStore.taken)
            if rows.isEmpty {
                try await wakeForNext(tenantID)
                return .done
            }
            let round = Round(tenantID: tenantID, connection: connection, batch: batch, field: field, rows: rows)
            let failure: EmarsysError?
            do {
                failure = try await send(round, timeFormat: &timeFormat)
            } catch {
                // Nothing was settled: as if the rows had never been taken.
                let untouched = rows.map { (row: $0, outcome: OptInOutcome.untouched) }
                _ = try? await database.run(.tenant(tenantID), record(untouched, round))
                if let problem = error as? Problem {
                    return problem.code == "not_connected" ? .done : .later(time.now() + .seconds(2))
                }
                throw error
            }
            if let failure, failure.endsDrain {
                try await stop(tenantID, failure)
                return .done
            }
            if time.now() - start > limits.time { break }
        }
        let now = time.now()
        _ = try await database.run(.tenant(tenantID), OptInExportStore.wake(tenant: tenantID, at: now, now: now))
        return .done
    }

    struct Round {
        let tenantID: UUID
        let connection: UUID
        let batch: UUID
        let field: OptInField
        let rows: [TakenOptIn]
    }

    /// Sends one batch and writes down what became of it. Answers the failure of the call, if it failed as a whole.
    private func send(_ round: Round, timeFormat: inout OptInTimeFormat?) async throws -> EmarsysError? {
        let field = round.field
        let batch = OptInBatch(round.rows)
        var outcomes = batch.told.map { (row: $0, outcome: OptInOutcome.confirmed(emarsysID: $0.emarsysID ?? "")) }
        var failure: EmarsysError?
        var hasAnswer = false
        var linked = batch.linked
        var missing = batch.unlinked
        let mayBeKnown = field.createMissing || missing.contains { $0.email != nil }
        if !linked.isEmpty || (mayBeKnown && !missing.isEmpty) {
            var client = try await clients(round.tenantID)
            client.retry = .never
            client.urgency = .urgent
            do {
                let format = try await format(of: field, known: timeFormat, client)
                timeFormat = format
                let found = try await find(missing, round.tenantID, client)
                linked += found.linked
                outcomes += found.ended
                missing = found.missing
                for (row, outcome) in try await write(linked, field, format, client) {
                    if case .notInEmarsys = outcome, field.createMissing {
                        missing.append(row)
                    } else {
                        outcomes.append((row, outcome))
                    }
                }
                hasAnswer = !linked.isEmpty
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
                for row in linked + missing where !settled.contains(row.id) {
                    if row.emarsysIDs.isEmpty, !field.createMissing { continue }
                    outcomes.append((row, verdicts.outcome(of: row, error)))
                }
                if field.createMissing { missing = [] }
            }
        }
        let unlinked = OptInFault(code: "not_linked", detail: "The contact has no Emarsys contact yet.")
        outcomes += missing.map { (row: $0, outcome: .notInEmarsys($0.emarsysIDs.isEmpty ? unlinked : .refused(2008))) }
        try await settle(outcomes, failure, hasAnswer: hasAnswer, round)
        return failure
    }

    /// People who are not linked are looked for. Where Emarsys may not be asked, the others are not held up by it.
    private func find(_ rows: [TakenOptIn], _ tenantID: UUID, _ client: EmarsysClient) async throws
        -> OptInLinking.Result
    {
        let linking = OptInLinking(database: database, client: client, tenantID: tenantID, verdicts: verdicts)
        do {
            return try await linking.link(rows)
        } catch let error as EmarsysError {
            let verdicts = verdicts
            return OptInLinking.Result(
                ended: rows.filter { $0.email != nil }.map { (row: $0, outcome: verdicts.outcome(of: $0, error)) },
                missing: rows.filter { $0.email == nil })
        }
    }

    /// Writes each row to all Emarsys contacts of its person.
    private func write(_ rows: [TakenOptIn], _ field: OptInField, _ format: OptInTimeFormat, _ client: EmarsysClient)
        async throws(EmarsysError) -> [(row: TakenOptIn, outcome: OptInOutcome)]
    {
        let updates = rows.flatMap { row in
            row.emarsysIDs.map {
                ContactUpdate(key: $0, values: OptInBatch.values(of: row, field: field, timeFormat: format))
            }
        }
        if updates.isEmpty { return [] }
        let answers = try await client.updateContacts(updates, by: .id)
        // An error that names none of the keys sent may be about any of them: what Emarsys holds is asked for.
        let held = answers.unmatchedErrors > 0 ? try await self.held(updates.map(\.key), field, client) : nil
        let verdicts = verdicts
        var outcomes: [(row: TakenOptIn, outcome: OptInOutcome)] = []
        var next = 0
        for row in rows {
            let own = row.emarsysIDs.map { id in
                defer { next += 1 }
                if let held, answers.rows[next] == .done, held[id] != field.value(of: row.optIn) {
                    return verdicts.outcome(of: row, .failed(code: 0, text: ""), emarsysID: id)
                }
                return verdicts.outcome(of: row, answers.rows[next], emarsysID: id)
            }
            outcomes.append((row, OptInVerdicts.together(own, emarsysID: row.emarsysID ?? "")))
        }
        return outcomes
    }

    private func held(_ ids: [String], _ field: OptInField, _ client: EmarsysClient) async throws(EmarsysError)
        -> [String: String]
    {
        var held: [String: String] = [:]
        for start in stride(from: 0, to: ids.count, by: EmarsysClient.mostKeys) {
            let keys = Array(ids[start..<min(start + EmarsysClient.mostKeys, ids.count)])
            for row in try await client.getData(keys, fields: [field.fieldID]).rows {
                held[row.id] = row.values.first?.nonEmptyText ?? ""
            }
        }
        return held
    }

    private var verdicts: OptInVerdicts { OptInVerdicts(plan: plan, now: time.now(), jitter: .random(in: 0...1)) }

    private func record(_ outcomes: [(row: TakenOptIn, outcome: OptInOutcome)], _ round: Round) -> [Query] {
        OptInExportStore.record(
            outcomes, batch: round.batch, connection: round.connection, field: round.field, tenant: round.tenantID,
            now: time.now())
    }

    private func settle(
        _ outcomes: [(row: TakenOptIn, outcome: OptInOutcome)], _ failure: EmarsysError?, hasAnswer: Bool,
        _ round: Round
    ) async throws(DatabaseError) {
        let now = time.now()
        var queries = record(outcomes, round)
        if let wait = failure?.retryAfter, wait > .zero {
            queries.append(OptInExportStore.holdLane(tenant: round.tenantID, until: now + wait))
        }
        if let failure, failure.failureClass == .stopConnection {
            queries.append(
                ConnectionStore.failed(
                    round.tenantID, connection: round.connection,
                    error: failure.report(at: now, needing: .contactUpdate), now: now))
        } else if hasAnswer {
            queries.append(
                ConnectionStore.succeeded(round.tenantID, connection: round.connection, .byExport, now: now))
        }
        if !queries.isEmpty { _ = try await database.run(.tenant(round.tenantID), queries) }
    }

    /// Further calls are pointless for now. Where a person has to act, somebody may have in a while, and without a word.
    private func stop(_ tenantID: UUID, _ failure: EmarsysError) async throws(DatabaseError) {
        guard failure.failureClass == .stopConnection else { return try await wakeForNext(tenantID) }
        let now = time.now()
        _ = try await database.run(
            .tenant(tenantID),
            OptInExportStore.proceed(.check, tenant: tenantID, after: nil, at: now + limits.afterRefusal, now: now))
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
