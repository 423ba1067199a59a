import Emarsys
import EventLoop
import FoundationEssentials
import Persistence

extension ImportRunner {
    /// Reads the rows of the batches that are left, a thousand a call and several calls at a time, and stitches them.
    ///
    /// While the database works on one batch, the rows of the next are fetched and prepared: two batches are in memory at most,
    /// and batches are carried out one after the other in their order.
    func batches(
        _ frame: ImportFrame, _ client: EmarsysClient, _ calls: CallCounter, _ job: Job
    ) async throws {
        let tenant = frame.tenant.id
        var open: [(number: Int, count: Int)] = []
        var numbers: [Int64] = []
        for row in try await database.run(.tenant(tenant), ImportStore.openBatches(tenant, frame.run.id)) {
            let ids: [Int64] = try row.get(1)
            open.append((try row.get(0), ids.count))
            numbers += ids
        }
        if numbers.isEmpty { return }
        let ids = DecimalIDs(numbers: numbers)
        try await withThrowingTaskGroup(of: ImportBatchRun.Result.self) { group in
            var gathered = GatheredRows(frame, now: time.now())
            var next = 0
            var rowCount = 0
            var isBusy = false
            var created = 0
            func settle() async throws {
                guard isBusy, let result = try await group.next() else { return }
                isBusy = false
                if result.isCancelRequested { throw RunCancelled() }
                if !frame.run.isDryRun { await noteGrowth(of: tenant, from: created, by: result.counts.created) }
                created += result.counts.created
            }
            do {
                try await client.readContacts(ids, fields: frame.mapping.fields) { range, table in
                    await gathered.add(table, ids[range])
                    // Calls are cut at thousands, batches at ten thousands of the ids: each batch ends with a call.
                    while next < open.count, gathered.asked >= open[next].count {
                        try await settle()
                        try job.lease.checkHeld()
                        // Emarsys says of a contact that is gone that it is gone. Not a row, not a word of why: no import.
                        rowCount += gathered.rows.count
                        if rowCount == 0, frame.run.counts.read == 0, gathered.unexplained > 0 {
                            throw RunFailure.noRows
                        }
                        gathered.sort()
                        let now = time.now()
                        let batch = ImportBatchRun(
                            frame: frame, number: open[next].number, count: open[next].count, rows: gathered.rows,
                            gone: gathered.gone, refused: gathered.refused, calls: calls.take(), now: now)
                        gathered = GatheredRows(frame, now: now)
                        next += 1
                        isBusy = true
                        group.addTask { try await carryOut(batch) }
                    }
                }
            } catch let error as EmarsysError {
                // What has been read already stays: the batch under way is not taken back.
                try await settle()
                throw error
            }
            try await settle()
        }
    }

    /// Lets the database's statistics keep pace with a tenant that comes into being: the plans of all that is asked of it meanwhile
    /// depend on them. Failing changes nothing.
    private func noteGrowth(of tenant: UUID, from before: Int, by created: Int) async {
        guard [9_000, 45_000, 225_000].contains(where: { before < $0 && before + created >= $0 }) else { return }
        _ = try? await database.run(.tenant(tenant), ImportStore.learnOfGrowth)
    }

    /// One transaction; a race that the locks do not cover is tried again once.
    private func carryOut(_ batch: ImportBatchRun) async throws -> ImportBatchRun.Result {
        do { return try await attempt(batch) } catch let error as DatabaseError
            where error.isUniqueViolation || error.isRetryable
        {
            return try await attempt(batch)
        }
    }

    private func attempt(_ batch: ImportBatchRun) async throws -> ImportBatchRun.Result {
        let scope = Scope.tenant(batch.frame.tenant.id)
        guard batch.frame.run.isDryRun else {
            return try await database.transaction(scope, statementTimeout: .seconds(300)) {
                try await batch.perform(in: $0)
            }
        }
        var result = ImportBatchRun.Result()
        do {
            _ = try await database.transaction(scope, statementTimeout: .seconds(300)) { transaction in
                throw DryRunEnd(result: try await batch.perform(in: transaction))
            }
        } catch let end as DryRunEnd { result = end.result }
        let seen = result
        result.isCancelRequested = try await database.transaction(scope) { try await batch.noteDryRun(seen, in: $0) }
        return result
    }
}

/// What has come of the next batch so far.
private struct GatheredRows {
    private let frame: ImportFrame
    private var ids: RisingIDs
    private(set) var rows: [ImportRow] = []
    private(set) var gone: [String] = []
    /// Keys that Emarsys refused for another reason.
    private(set) var refused: [ContactTable.Miss] = []
    /// Keys without a row of which Emarsys did not say that there is no such contact.
    private(set) var unexplained = 0
    private(set) var asked = 0

    init(_ frame: ImportFrame, now: Timestamp) {
        self.frame = frame
        ids = RisingIDs(milliseconds: now.microseconds / 1000)
        rows.reserveCapacity(ImportRunner.batchSize)
    }

    mutating func add(_ table: ContactTable, _ keys: some Collection<String>) async {
        for (index, row) in table.rows.enumerated() {
            // The loop serves others too: a thousand rows in one go would let their requests wait.
            if index % 100 == 99 { await Task.yield() }
            rows.append(ImportRow(row, frame, newID: ids.next()))
        }
        for miss in table.misses {
            if miss.code == 2008 || miss.code == 0 { gone.append(miss.key) } else { refused.append(miss) }
            if miss.code != 2008 { unexplained += 1 }
        }
        asked += keys.count
        guard table.rows.count + table.misses.count < keys.count else { return }
        // `result: false`, or a row that is missing without a word.
        let named = Set(table.rows.map(\.id)).union(table.misses.map(\.key))
        for key in keys where !named.contains(key) {
            gone.append(key)
            unexplained += 1
        }
    }

    /// Emarsys sends rows in any order. Who keeps a value that several claim must not depend on it: the lowest id does.
    mutating func sort() {
        let keys = rows.map { Int64($0.id) ?? .max }
        if zip(keys, keys.dropFirst()).allSatisfy({ $0 <= $1 }) { return }
        rows = rows.indices.sorted { keys[$0] < keys[$1] }.map { rows[$0] }
    }
}

private struct DryRunEnd: Error { var result: ImportBatchRun.Result }
