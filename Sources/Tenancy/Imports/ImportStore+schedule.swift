import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// Which segments are imported when, and what follows a run.
extension ImportStore {
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
