import Emarsys
import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// What does not change during a run.
struct ImportFrame: Sendable {
    let tenant: Tenant
    let run: ImportRun
    let mapping: RowMapping
    let policy: IdentityPolicy
    let suppressions: SuppressionKey?
    /// Ids by segment, and those that the segment had before.
    let segments: [(id: String, now: SegmentIDs, before: SegmentIDs)]
}

/// One batch of a run: what Emarsys sent of some ten thousand people, on its way into contacts in one transaction.
struct ImportBatchRun {
    let frame: ImportFrame
    let number: Int
    /// How many ids were asked for.
    let count: Int
    let rows: [ImportRow]
    /// Ids that Emarsys does not know any more.
    let gone: [String]
    /// Ids that Emarsys refused to answer, with its code.
    let refused: [ContactTable.Miss]
    let calls: Int
    let now: Timestamp

    struct Result: Sendable {
        var counts = ImportRun.Counts()
        var sample: [JSON] = []
        var isCancelRequested = false
    }

    /// Stitches the batch and marks it as done, in the given transaction.
    func perform(in transaction: Transaction) async throws -> Result {
        let tenant = frame.tenant.id
        let runID = frame.run.id
        _ = try await transaction.batch([StitchStore.begin, StitchStore.lock(tenant, values: nil)])
        var result = Result()
        result.counts.read = rows.count
        result.counts.skipped = gone.count
        result.counts.rejected = refused.count
        var rejections: [ImportRejection] = gone.map {
            rejection("not_in_emarsys", ["external_reference_id": .string($0)], nil)
        }
        rejections += refused.map {
            rejection(
                "refused_by_emarsys", ["external_reference_id": .string($0.key), "reply_code": .int($0.code)], nil)
        }

        // What has not changed since the last run is passed over.
        let answer = try await transaction.query(
            StitchStore.knownSources(
                tenant, ids: rows.map(\.id), hashes: rows.map { frame.run.mode == .full ? nil : $0.hash }))
        let states: [Int16] = rows.isEmpty ? [] : try answer[0].get(0)
        let contacts: [UUID?] = rows.isEmpty ? [] : try answer[0].get(1)
        var prepared: [PreparedRow] = []
        prepared.reserveCapacity(rows.count)
        var faults: [Int: [FieldFault]] = [:]
        var entered: [(segment: String, contact: UUID)] = []
        for (index, row) in rows.enumerated() {
            if index % 500 == 499 { await Task.yield() }
            if states[index] == 1 {
                result.counts.unchanged += 1
                if let contact = contacts[index], let id = Int64(row.id) {
                    for segment in frame.entering(id) { entered.append((segment, contact)) }
                }
                continue
            }
            var (next, fieldFaults) = row.prepared(frame)
            next.index = prepared.count
            next.known = contacts[index]
            if !fieldFaults.isEmpty { faults[next.index] = fieldFaults }
            prepared.append(next)
        }

        if !prepared.isEmpty {
            var batch = StitchBatch(
                tenant: tenant, rows: prepared, source: .emarsysImport(runID), policy: frame.policy, now: now,
                suppressions: frame.suppressions)
            let outcomes = try await batch.run(transaction)
            result.counts.conflicts += batch.newConflicts
            for (position, outcome) in outcomes.enumerated() {
                if position % 500 == 499 { await Task.yield() }
                let row = prepared[position]
                count(outcome, row, &result.counts, &rejections)
                for fault in faults[position] ?? [] {
                    if outcome.isTaken { result.counts.rejectedValues += 1 }
                    rejections.append(
                        rejection(
                            fault.code,
                            [
                                "external_reference_id": .optional(row.externalID),
                                fault.destination: .string(fault.value),
                            ],
                            outcome.contactID))
                }
                if frame.run.isDryRun, result.sample.count < 20 { result.sample.append(sample(row, outcome)) }
            }
        }
        var writes: [Query] = []
        if !gone.isEmpty { writes.append(ImportStore.markGone(tenant, gone)) }
        if !entered.isEmpty { writes.append(ImportStore.enter(tenant, entered, now: now)) }
        if !frame.run.isDryRun { writes += Self.records(tenant, runID, rejections, self, result.counts, now) }
        let answers = try await transaction.batch(writes)
        if !frame.run.isDryRun {
            guard answers[answers.count - 2].count == 1, let row = answers.last?.first else {
                throw BatchTakenElsewhere()
            }
            result.isCancelRequested = try row.get(0)
        }
        return result
    }

    /// Marks a batch whose writes were rolled back: a dry run counts without keeping.
    func noteDryRun(_ result: Result, in transaction: Transaction) async throws -> Bool {
        var queries = Self.records(frame.tenant.id, frame.run.id, [], self, result.counts, now)
        if !result.sample.isEmpty {
            queries.insert(ImportStore.addSample(frame.tenant.id, frame.run.id, result.sample), at: 1)
        }
        let answers = try await transaction.batch(queries)
        guard answers[0].count == 1, let row = answers.last?.first else { throw BatchTakenElsewhere() }
        return try row.get(0)
    }

    private static func records(
        _ tenant: UUID, _ run: UUID, _ rejections: [ImportRejection], _ batch: ImportBatchRun,
        _ counts: ImportRun.Counts,
        _ now: Timestamp
    ) -> [Query] {
        var queries: [Query] = []
        if !rejections.isEmpty { queries.append(ImportStore.reject(tenant, run, rejections, now: now)) }
        queries.append(ImportStore.doneBatch(tenant, run, batch: batch.number))
        queries.append(ImportStore.count(tenant, run, counts, done: batch.count, calls: batch.calls))
        return queries
    }

    private func count(
        _ outcome: StitchOutcome, _ row: PreparedRow, _ counts: inout ImportRun.Counts,
        _ rejections: inout [ImportRejection]
    ) {
        switch outcome.action {
        case .created: counts.created += 1
        case .updated: counts.updated += 1
        case .unchanged: counts.unchanged += 1
        case .merged: counts.merged += 1
        case .rejected(let code):
            counts.rejected += 1
            rejections.append(rejection(code, source(row), nil))
        case .skipped(let code):
            counts.skipped += 1
            let isErased = code == "suppressed"
            rejections.append(
                rejection(isErased ? "skipped_suppressed" : code, isErased ? Self.idOnly(row) : source(row), nil))
        }
        for note in outcome.notes
        where note.hasPrefix("phone_") || note.hasPrefix("email_") || note.hasPrefix("too_many_") {
            if outcome.isTaken { counts.rejectedValues += 1 }
            if PhoneFault(rawValue: note) != nil { counts.invalidPhones += 1 }
            rejections.append(rejection(note, source(row), outcome.contactID))
        }
    }

    private func rejection(_ code: String, _ values: JSONObject, _ contact: UUID?) -> ImportRejection {
        ImportRejection(id: UUID(), code: code, values: .object(values), contactID: contact, createdAt: now)
    }

    /// Of an erased person nothing but the id is repeated.
    private static func idOnly(_ row: PreparedRow) -> JSONObject {
        ["external_reference_id": .optional(row.externalID)]
    }

    private func source(_ row: PreparedRow) -> JSONObject {
        var values: JSONObject = ["external_reference_id": .optional(row.externalID)]
        if let phone = row.incoming.phone { values["phone"] = .string(phone) }
        if let email = row.incoming.email { values["email"] = .string(email) }
        if let name = row.incoming.firstName.value { values["first_name"] = .string(name) }
        if let name = row.incoming.lastName.value { values["last_name"] = .string(name) }
        return values
    }

    private func sample(_ row: PreparedRow, _ outcome: StitchOutcome) -> JSON {
        var values = source(row)
        switch outcome.action {
        case .created: values["action"] = "create"
        case .updated: values["action"] = "update"
        case .unchanged: values["action"] = "unchanged"
        case .merged: values["action"] = "merge"
        case .rejected(let code):
            values["action"] = "reject"
            values["code"] = .string(code)
        case .skipped(let code):
            values["action"] = "skip"
            values["code"] = .string(code)
        }
        if !outcome.notes.isEmpty { values["notes"] = .array(outcome.notes.map { .string($0) }) }
        if outcome.action != .created, let id = outcome.contactID {
            values["contact_id"] = .string(id.uuidString.lowercased())
        }
        return .object(values)
    }
}

extension StitchOutcome {
    /// Whether the row became part of a contact.
    fileprivate var isTaken: Bool {
        switch action {
        case .created, .updated, .unchanged, .merged: true
        case .rejected, .skipped: false
        }
    }
}

/// The batch was done by another replica: its work stands, ours is undone.
struct BatchTakenElsewhere: Error {}
