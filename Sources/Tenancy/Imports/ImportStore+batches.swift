import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// Ids of segments and batches: the checkpoints of a run.
extension ImportStore {
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

    static let learnOfGrowth = Query("SELECT app.learn_of_growth()")

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
}
