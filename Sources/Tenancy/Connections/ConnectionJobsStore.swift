import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// Jobs that a change of the connection or the mapping leads to; capabilities above do them.
enum ConnectionJobs {
    /// Works off accepted events, and those that were held.
    static func processEvents(_ tenant: UUID, key: String, at due: Timestamp, now: Timestamp) -> Query {
        enqueue(tenant, "events", "process_events", [:], key: key, at: due, now: now)
    }

    /// Queues the export of every known consent into a newly chosen field.
    static func backfillOptIns(_ tenant: UUID, now: Timestamp) -> Query {
        enqueue(tenant, "exports", "backfill_opt_ins", [:], key: "backfill_opt_ins", at: now, now: now)
    }

    /// Looks whether a withdrawal is missing in the outbox: an import has found Emarsys contacts again.
    static func checkOptIns(_ tenant: UUID, now: Timestamp) -> Query {
        enqueue(tenant, "exports", "check_opt_ins", [:], key: "check_opt_ins", at: now, now: now)
    }

    /// Imports a segment for the first time.
    static func initialImport(_ tenant: UUID, segment: String, now: Timestamp) -> Query {
        enqueue(
            tenant, "imports", "import_due", ["segment_id": .string(segment), "trigger": "initial"],
            key: "due:\(segment)", at: now, now: now)
    }

    /// Imports a segment that was selected before the connection was made anew.
    static func resumedImport(_ tenant: UUID, segment: String, now: Timestamp) -> Query {
        enqueue(
            tenant, "imports", "import_due", ["segment_id": .string(segment), "trigger": "schedule"],
            key: "due:\(segment)", at: now, now: now)
    }

    private static func enqueue(
        _ tenant: UUID, _ queue: String, _ kind: String, _ args: JSON, key: String, at due: Timestamp, now: Timestamp
    ) -> Query {
        Query(
            "SELECT app.enqueue($1, $2, $3, $4, $5, $6, $7)",
            [
                .uuid(tenant), .text(queue), .text(kind), .jsonb(args.encoded()), .text(key), .timestamp(due),
                .timestamp(now),
            ])
    }
}
