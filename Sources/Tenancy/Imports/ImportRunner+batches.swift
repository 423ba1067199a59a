import Emarsys
import EventLoop
import FoundationEssentials
import JSON
import Persistence

extension ImportRunner {
    /// Reads the rows of the batches that are left, a thousand a call and several calls at a time, and stitches them.
    ///
    /// While the database works on one batch, the rows of the next are fetched and prepared: two batches are in memory at most,
    /// and batches are carried out one after the other in their order.
    func batches(
        _ frame: ImportFrame, _ client: EmarsysClient, _ calls: CallCounter, _ job: Job, _ sample: inout [JSON]
    ) async throws {
        let tenant = frame.tenant.id
        var open: [(number: Int, ids: [Int64])] = []
        for row in try await database.run(.tenant(tenant), ImportStore.openBatches(tenant, frame.run.id)) {
            open.append((try row.get(0), try row.get(1)))
        }
        let ids = open.flatMap { $0.ids.map { String($0) } }
        if ids.isEmpty { return }
        sample = try await withThrowingTaskGroup(of: ImportBatchRun.Result.self) { group in
            var samples: [JSON] = []
            var gathered = GatheredRows(frame, now: time.now())
            var next = 0
            var rowCount = 0
            var isBusy = false
            func settle() async throws {
                guard isBusy, let result = try await group.next() else { return }
                isBusy = false
                samples += result.sample.prefix(20 - samples.count)
                if result.isCancelRequested { throw RunCancelled() }
            }
            do {
                try await client.readContacts(ids, fields: frame.mapping.fields) { range, table in
                    gathered.add(table, range.count)
                    // Calls are cut at thousands, batches at ten thousands of the ids: each batch ends with a call.
                    while next < open.count, gathered.asked >= open[next].ids.count {
                        try await settle()
                        try job.lease.checkHeld()
                        let now = time.now()
                        let batch = ImportBatchRun(
                            frame: frame, number: open[next].number, ids: open[next].ids, rows: gathered.rows,
                            gone: gathered.gone, calls: calls.take(), now: now)
                        rowCount += gathered.rows.count
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
            if rowCount == 0, open.count * Self.batchSize >= frame.run.done + ids.count, frame.run.counts.read == 0 {
                throw RunFailure.noRows
            }
            return samples
        }
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
    private(set) var asked = 0

    init(_ frame: ImportFrame, now: Timestamp) {
        self.frame = frame
        ids = RisingIDs(milliseconds: now.microseconds / 1000)
        rows.reserveCapacity(ImportRunner.batchSize)
    }

    mutating func add(_ table: ContactTable, _ count: Int) {
        for row in table.rows { rows.append(ImportRow(row, frame, newID: ids.next())) }
        // 2010 cannot happen by id; whatever else is missing is not there.
        gone += table.misses.map(\.key)
        asked += count
    }
}

private struct DryRunEnd: Error { var result: ImportBatchRun.Result }
