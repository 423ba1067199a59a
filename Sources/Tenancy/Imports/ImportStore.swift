import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// The statements of imports.
enum ImportStore {
    private static func run(_ row: Row) throws(DatabaseError) -> ImportRun {
        var counts = ImportRun.Counts()
        counts.read = try row.get(9)
        counts.created = try row.get(10)
        counts.updated = try row.get(11)
        counts.unchanged = try row.get(12)
        counts.merged = try row.get(13)
        counts.conflicts = try row.get(14)
        counts.rejected = try row.get(15)
        counts.skipped = try row.get(16)
        counts.rejectedValues = try row.get(26)
        counts.invalidPhones = try row.get(27)
        let sample: [UInt8]? = try row.get(18)
        let code: String? = try row.get(19)
        let detail: String? = try row.get(20)
        let advice: String? = try row.get(21)
        let segments: [String] = try row.get(4)
        return ImportRun(
            id: try row.get(0), trigger: ImportRun.Trigger(rawValue: try row.get(1)) ?? .manual,
            mode: ImportRun.Mode(rawValue: try row.get(2)) ?? .incremental, isDryRun: try row.get(3),
            segmentIDs: segments,
            state: ImportRun.State(rawValue: try row.get(5)) ?? .failed, isCancelRequested: try row.get(6),
            total: try row.get(7), done: try row.get(8), counts: counts, apiCalls: try row.get(17),
            sample: sample.flatMap { try? JSON.parse($0) },
            failure: code.map { ImportRun.Failure(code: $0, detail: detail ?? "", advice: advice ?? "") },
            queuedAt: try row.get(22), startedAt: try row.get(23), finishedAt: try row.get(24),
            fetchedAt: try row.get(25))
    }

    static func runs(_ rows: Rows) throws(DatabaseError) -> [ImportRun] {
        var runs: [ImportRun] = []
        for row in rows { runs.append(try run(row)) }
        return runs
    }

    static func find(_ tenant: UUID, _ id: UUID) -> Query {
        Query(
            """
            SELECT id, trigger, mode, dry_run, segment_ids, state, cancel_requested, total, done, read, created, updated,
                   unchanged, merged, conflicts, rejected, skipped, api_calls, sample, error_code, error_detail, error_advice,
                   queued_at, started_at, finished_at, fetched_at, rejected_values, invalid_phones
              FROM app.imports WHERE tenant_id = $1 AND id = $2
            """, [.uuid(tenant), .uuid(id)])
    }

    static func list(_ tenant: UUID, _ page: PageRequest) -> Query {
        Query(
            """
            SELECT id, trigger, mode, dry_run, segment_ids, state, cancel_requested, total, done, read, created, updated,
                   unchanged, merged, conflicts, rejected, skipped, api_calls, sample, error_code, error_detail, error_advice,
                   queued_at, started_at, finished_at, fetched_at, rejected_values, invalid_phones
              FROM app.imports WHERE tenant_id = $1 AND (queued_at, id) < ($2, $3)
             ORDER BY queued_at DESC, id DESC LIMIT $4
            """,
            [.uuid(tenant), .timestamp(page.fallingTime), .uuid(page.fallingID), .int4(page.fetchCount)])
    }

    /// Adds a run unless one is under way.
    static func insert(
        _ tenant: UUID, id: UUID, trigger: ImportRun.Trigger, mode: ImportRun.Mode, dryRun: Bool, segments: [String],
        requestedBy: String, now: Timestamp
    ) -> Query {
        Query(
            """
            INSERT INTO app.imports (tenant_id, id, trigger, mode, dry_run, segment_ids, requested_by, queued_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (tenant_id) WHERE state IN ('queued', 'running', 'waiting') DO NOTHING RETURNING id
            """,
            [
                .uuid(tenant), .uuid(id), .text(trigger.rawValue), .text(mode.rawValue), .bool(dryRun),
                .textArray(segments), .text(requestedBy), .timestamp(now),
            ])
    }

    static func requestCancel(_ tenant: UUID, _ id: UUID) -> Query {
        Query(
            """
            UPDATE app.imports SET cancel_requested = true
             WHERE tenant_id = $1 AND id = $2 AND state IN ('queued', 'running', 'waiting') RETURNING true
            """, [.uuid(tenant), .uuid(id)])
    }

    /// Whether somebody works on a run right now, or did until its lease ran out.
    static func isWorkedOn(_ tenant: UUID, _ id: UUID) -> Query {
        Query(
            "SELECT EXISTS (SELECT 1 FROM app.jobs WHERE tenant_id = $1 AND queue = 'imports' AND unique_key = $2 AND state = 1)",
            [.uuid(tenant), .text(ImportService.jobKey(id))])
    }

    /// Takes the job of a run that nobody works on right now; no row where somebody does, or where there is none.
    static func takeWaitingJob(_ tenant: UUID, _ id: UUID) -> Query {
        Query(
            """
            DELETE FROM app.jobs
             WHERE tenant_id = $1 AND queue = 'imports' AND unique_key = $2 AND state IN (0, 3, 4) RETURNING true
            """, [.uuid(tenant), .text(ImportService.jobKey(id))])
    }

    static func isCancelRequested(_ tenant: UUID, _ id: UUID) -> Query {
        Query("SELECT cancel_requested FROM app.imports WHERE tenant_id = $1 AND id = $2", [.uuid(tenant), .uuid(id)])
    }

    static func setState(_ tenant: UUID, _ id: UUID, _ state: ImportRun.State, now: Timestamp) -> Query {
        Query(
            """
            UPDATE app.imports SET state = $3, started_at = coalesce(started_at, $4)
             WHERE tenant_id = $1 AND id = $2 AND state IN ('queued', 'running', 'waiting') RETURNING cancel_requested
            """, [.uuid(tenant), .uuid(id), .text(state.rawValue), .timestamp(now)])
    }

    static func addCalls(_ tenant: UUID, _ id: UUID, _ calls: Int) -> Query {
        Query(
            "UPDATE app.imports SET api_calls = api_calls + $3 WHERE tenant_id = $1 AND id = $2",
            [.uuid(tenant), .uuid(id), .int4(Int32(clamping: calls))])
    }

    static func finish(
        _ tenant: UUID, _ id: UUID, _ state: ImportRun.State, failure: ImportRun.Failure?, sample: JSON?, now: Timestamp
    ) -> Query {
        Query(
            """
            UPDATE app.imports
               SET state = $3, error_code = $4, error_detail = $5, error_advice = $6, sample = coalesce($7, sample),
                   started_at = coalesce(started_at, $8), finished_at = $8
             WHERE tenant_id = $1 AND id = $2 AND state IN ('queued', 'running', 'waiting') RETURNING true
            """,
            [
                .uuid(tenant), .uuid(id), .text(state.rawValue), .optional(text: failure?.code),
                .optional(text: failure?.detail), .optional(text: failure?.advice), .optional(jsonb: sample?.encoded()),
                .timestamp(now),
            ])
    }
}
