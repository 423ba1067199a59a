public import EventLoop
public import FoundationEssentials
public import JSON
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

    // MARK: Ids and batches

    static func clearIDs(_ tenant: UUID, _ id: UUID) -> [Query] {
        [
            Query(
                "DELETE FROM app.import_batches WHERE tenant_id = $1 AND import_id = $2", [.uuid(tenant), .uuid(id)]),
            Query(
                "DELETE FROM app.import_segment_ids WHERE tenant_id = $1 AND import_id = $2",
                [.uuid(tenant), .uuid(id)]),
        ]
    }

    static func insertBatch(_ tenant: UUID, _ id: UUID, batch: Int, ids: [Int64]) -> Query {
        Query(
            "INSERT INTO app.import_batches (tenant_id, import_id, batch, emarsys_ids) VALUES ($1, $2, $3, $4)",
            [.uuid(tenant), .uuid(id), .int4(Int32(clamping: batch)), .int8Array(ids)])
    }

    /// The segments of which a run has the ids already.
    static func fetchedSegments(_ tenant: UUID, _ id: UUID) -> Query {
        Query(
            "SELECT DISTINCT segment_id FROM app.import_segment_ids WHERE tenant_id = $1 AND import_id = $2",
            [.uuid(tenant), .uuid(id)])
    }

    static func clearBatches(_ tenant: UUID, _ id: UUID) -> Query {
        Query("DELETE FROM app.import_batches WHERE tenant_id = $1 AND import_id = $2", [.uuid(tenant), .uuid(id)])
    }

    static func insertSegmentIDs(_ tenant: UUID, _ id: UUID, segment: String, part: Int, ids: [Int64]) -> Query {
        Query(
            """
            INSERT INTO app.import_segment_ids (tenant_id, import_id, segment_id, part, emarsys_ids)
            VALUES ($1, $2, $3, $4, $5)
            """, [.uuid(tenant), .uuid(id), .text(segment), .int4(Int32(clamping: part)), .int8Array(ids)])
    }

    static func fetched(_ tenant: UUID, _ id: UUID, total: Int, now: Timestamp) -> Query {
        Query(
            """
            UPDATE app.imports SET total = $3, fetched_at = $4 WHERE tenant_id = $1 AND id = $2 AND total IS NULL
            """, [.uuid(tenant), .uuid(id), .int4(Int32(clamping: total)), .timestamp(now)])
    }

    static func openBatches(_ tenant: UUID, _ id: UUID) -> Query {
        Query(
            """
            SELECT batch, emarsys_ids FROM app.import_batches
             WHERE tenant_id = $1 AND import_id = $2 AND NOT done ORDER BY batch
            """, [.uuid(tenant), .uuid(id)])
    }

    static func segmentIDs(_ tenant: UUID, _ id: UUID) -> Query {
        Query(
            """
            SELECT segment_id, emarsys_ids FROM app.import_segment_ids
             WHERE tenant_id = $1 AND import_id = $2 ORDER BY segment_id, part
            """, [.uuid(tenant), .uuid(id)])
    }

    /// The ids that a segment had at its last import that succeeded.
    static func formerIDs(_ tenant: UUID, segment: String) -> Query {
        Query(
            """
            SELECT i.emarsys_ids
              FROM app.selected_segments s
              JOIN app.import_segment_ids i
                ON i.tenant_id = $1 AND i.import_id = s.last_import_id AND i.segment_id = s.segment_id
             WHERE s.tenant_id = $1 AND s.segment_id = $2 ORDER BY i.part
            """, [.uuid(tenant), .text(segment)])
    }

    /// Adds to what a dry run shows, up to twenty rows.
    static func addSample(_ tenant: UUID, _ id: UUID, _ sample: [JSON]) -> Query {
        Query(
            """
            UPDATE app.imports SET sample = jsonb_path_query_array(coalesce(sample, '[]') || $3, '$[0 to 19]')
             WHERE tenant_id = $1 AND id = $2
            """, [.uuid(tenant), .uuid(id), .jsonb(JSON.array(sample).encoded())])
    }

    /// Marks a batch as done; no row: somebody else did it.
    static func doneBatch(_ tenant: UUID, _ id: UUID, batch: Int) -> Query {
        Query(
            """
            UPDATE app.import_batches SET done = true, emarsys_ids = '{}'
             WHERE tenant_id = $1 AND import_id = $2 AND batch = $3 AND NOT done RETURNING true
            """, [.uuid(tenant), .uuid(id), .int4(Int32(clamping: batch))])
    }

    static func count(_ tenant: UUID, _ id: UUID, _ counts: ImportRun.Counts, done: Int, calls: Int) -> Query {
        Query(
            """
            UPDATE app.imports
               SET read = read + $3, created = created + $4, updated = updated + $5, unchanged = unchanged + $6,
                   merged = merged + $7, conflicts = conflicts + $8, rejected = rejected + $9, skipped = skipped + $10,
                   done = done + $11, api_calls = api_calls + $12, state = 'running',
                   rejected_values = rejected_values + $13, invalid_phones = invalid_phones + $14
             WHERE tenant_id = $1 AND id = $2 AND state IN ('running', 'waiting') RETURNING cancel_requested
            """,
            [
                .uuid(tenant), .uuid(id), .int4(Int32(clamping: counts.read)), .int4(Int32(clamping: counts.created)),
                .int4(Int32(clamping: counts.updated)), .int4(Int32(clamping: counts.unchanged)),
                .int4(Int32(clamping: counts.merged)), .int4(Int32(clamping: counts.conflicts)),
                .int4(Int32(clamping: counts.rejected)), .int4(Int32(clamping: counts.skipped)),
                .int4(Int32(clamping: done)), .int4(Int32(clamping: calls)),
                .int4(Int32(clamping: counts.rejectedValues)), .int4(Int32(clamping: counts.invalidPhones)),
            ])
    }

    static func reject(_ tenant: UUID, _ id: UUID, _ rejections: [ImportRejection], now: Timestamp) -> Query {
        Query(
            """
            INSERT INTO app.import_rejections (tenant_id, import_id, id, code, "values", contact_id, created_at)
            SELECT $1, $2, q.id, q.code, q.v, q.contact, $3
              FROM unnest($4::uuid[], $5::text[], $6::jsonb[], $7::uuid[]) AS q(id, code, v, contact)
            RETURNING id
            """,
            [
                .uuid(tenant), .uuid(id), .timestamp(now), .uuidArray(rejections.map(\.id)),
                .textArray(rejections.map(\.code)), .jsonbArray(rejections.map { $0.values.encoded() }),
                .uuidArray(rejections.map(\.contactID)),
            ])
    }

    static func rejections(_ tenant: UUID, _ id: UUID, codes: [String]?, _ page: PageRequest) -> Query {
        Query(
            """
            SELECT id, code, "values", contact_id, created_at FROM app.import_rejections
             WHERE tenant_id = $1 AND import_id = $2 AND (created_at, id) < ($3, $4) AND ($6::text[] IS NULL OR code = ANY ($6))
             ORDER BY created_at DESC, id DESC LIMIT $5
            """,
            [
                .uuid(tenant), .uuid(id), .timestamp(page.fallingTime), .uuid(page.fallingID), .int4(page.fetchCount),
                codes.map { .textArray($0) } ?? .null(.textArray),
            ])
    }

    static func rejectionReasons(_ tenant: UUID, _ id: UUID) -> Query {
        Query(
            """
            SELECT code, count(*) FROM app.import_rejections WHERE tenant_id = $1 AND import_id = $2
             GROUP BY code ORDER BY 2 DESC, 1
            """, [.uuid(tenant), .uuid(id)])
    }

    static func enter(_ tenant: UUID, _ entries: [(segment: String, contact: UUID)], now: Timestamp) -> Query {
        Query(
            "SELECT app.enter_segments($1, $2, $3, $4)",
            [
                .uuid(tenant), .textArray(entries.map(\.segment)), .uuidArray(entries.map(\.contact)), .timestamp(now),
            ])
    }

    static func leave(_ tenant: UUID, segment: String, ids: [Int64], now: Timestamp) -> Query {
        Query(
            "SELECT app.leave_segment($1, $2, $3, $4)",
            [.uuid(tenant), .text(segment), .textArray(ids.map { String($0) }), .timestamp(now)])
    }

    static func markGone(_ tenant: UUID, _ ids: [String]) -> Query {
        Query("SELECT app.mark_gone($1, $2)", [.uuid(tenant), .textArray(ids)])
    }

    // MARK: Schedule

    static func takeDue(_ tenant: UUID, now: Timestamp) -> Query {
        Query("SELECT segment_id, trigger FROM app.take_due_imports($1, $2)", [.uuid(tenant), .timestamp(now)])
    }

    /// Whether the first import of a selected segment is about to begin.
    static func isInitialPending(_ tenant: UUID, now: Timestamp) -> Query {
        Query(
            """
            SELECT EXISTS (SELECT 1 FROM app.jobs WHERE tenant_id = $1 AND queue = 'imports' AND kind = 'import_due'
                              AND state IN (0, 1) AND run_at <= $2 AND args->>'trigger' = 'initial')
            """, [.uuid(tenant), .timestamp(now)])
    }

    static func selected(_ tenant: UUID) -> Query {
        Query(
            """
            SELECT segment_id, interval_hours FROM app.selected_segments
             WHERE tenant_id = $1 AND deselected_at IS NULL ORDER BY segment_id
            """, [.uuid(tenant)])
    }

    static func imported(_ tenant: UUID, segment: String, importID: UUID, size: Int, now: Timestamp) -> Query {
        Query(
            """
            UPDATE app.selected_segments SET last_import_id = $3, last_imported_at = $4, size = $5
             WHERE tenant_id = $1 AND segment_id = $2
            """, [.uuid(tenant), .text(segment), .uuid(importID), .timestamp(now), .int4(Int32(clamping: size))])
    }

    static func schedule(_ tenant: UUID, segment: String, at due: Timestamp, alone: Bool, now: Timestamp) -> [Query] {
        let args: JSON = ["segment_id": .string(segment), "trigger": "schedule", "alone": .bool(alone)]
        return [
            Query(
                "UPDATE app.selected_segments SET next_import_at = $3 WHERE tenant_id = $1 AND segment_id = $2",
                [.uuid(tenant), .text(segment), .timestamp(due)]),
            Query(
                """
                DELETE FROM app.jobs WHERE tenant_id = $1 AND queue = 'imports' AND unique_key = $2 AND state = 4
                """, [.uuid(tenant), .text("due:" + segment)]),
            JobStore.enqueue(
                tenant, queue: "imports", kind: "import_due", args: args.encoded(), uniqueKey: "due:" + segment,
                runAt: due,
                now: now),
        ]
    }

    /// Ids of former runs serve nobody once a newer run of their segments has succeeded.
    static func forgetFormerIDs(_ tenant: UUID, keeping id: UUID) -> [Query] {
        [
            Query(
                """
                DELETE FROM app.import_segment_ids i
                 WHERE i.tenant_id = $1 AND i.import_id <> $2
                   AND NOT EXISTS (SELECT 1 FROM app.selected_segments s WHERE s.tenant_id = $1
                                      AND s.last_import_id = i.import_id AND s.segment_id = i.segment_id)
                """, [.uuid(tenant), .uuid(id)]),
            Query(
                "DELETE FROM app.import_batches WHERE tenant_id = $1 AND import_id = $2", [.uuid(tenant), .uuid(id)]),
        ]
    }

    /// Tells the charles instance of a run that has ended.
    static func tell(_ tenant: UUID, _ id: UUID, now: Timestamp) -> Query {
        Query(
            """
            SELECT app.queue_deliveries($1, ARRAY['import.finished'], ARRAY[NULL::uuid], ARRAY[NULL::uuid], ARRAY[
                   jsonb_build_object('import', jsonb_build_object(
                       'id', i.id, 'state', i.state, 'trigger', i.trigger, 'dry_run', i.dry_run, 'segment_ids', i.segment_ids,
                       'counts', jsonb_build_object('read', i.read, 'created', i.created, 'updated', i.updated,
                           'unchanged', i.unchanged, 'merged', i.merged, 'conflicts', i.conflicts, 'rejected', i.rejected,
                           'skipped', i.skipped, 'rejected_values', i.rejected_values), 'error_code', i.error_code))], $3)
              FROM app.imports i WHERE i.tenant_id = $1 AND i.id = $2
            """, [.uuid(tenant), .uuid(id), .timestamp(now)])
    }
}

/// Why a row, or a value of it, did not come in.
public struct ImportRejection: Sendable {
    /// The id.
    public let id: UUID
    /// The reason.
    public let code: String
    /// Source values by destination.
    public let values: JSON
    /// The contact, where there is one.
    public let contactID: UUID?
    /// When it was noted.
    public let createdAt: Timestamp

    /// The rejection as clients see it.
    public var json: JSON {
        [
            "id": .string(id.uuidString.lowercased()), "code": .string(code), "values": values,
            "contact_id": contactID.map { .string($0.uuidString.lowercased()) } ?? .null,
            "created_at": .string(createdAt.rfc3339),
        ]
    }
}
