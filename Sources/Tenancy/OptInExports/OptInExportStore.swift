import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// The SQL of the outbox to Emarsys.
enum OptInExportStore {
    /// What decides whether to export at all.
    struct Standing: Sendable {
        /// The chosen field; nil while none is chosen.
        let field: OptInField?
        /// Whether there is a connection, and neither it nor the lane is paused, and the feature is on.
        let isOpen: Bool
        /// The connection that would be called; nil where there is none, or it was removed.
        let connection: UUID?
        /// Whether the lane itself waits: a due job in it costs nothing, and goes on the moment it is released.
        let isLanePaused: Bool
    }

    static func standing(tenant: UUID) -> Query {
        Query(
            """
            SELECT f.field_id, f.granted_value, f.withdrawn_value, f.timestamp_field_id, f.create_missing,
                   coalesce(c.status <> 'disconnected' AND NOT c.paused, false) AND NOT coalesce(l.paused, false)
                   AND coalesce(e.enabled, false) AND n.status = 'active',
                   CASE WHEN c.status <> 'disconnected' THEN c.id END, coalesce(l.paused, false)
              FROM app.tenants n
              LEFT JOIN app.opt_in_fields f ON f.tenant_id = $1
              LEFT JOIN app.connections c ON c.tenant_id = $1
              LEFT JOIN app.lanes l ON l.tenant_id = $1 AND l.queue = 'exports'
              LEFT JOIN app.features e ON e.tenant_id = $1 AND e.feature = 'emarsys'
             WHERE n.tenant_id = $1
            """, [.uuid(tenant)])
    }

    static func standing(_ row: Row) throws -> Standing {
        let field: String? = try row.get(0)
        guard let field, let id = Int(field) else {
            return Standing(
                field: nil, isOpen: try row.get(5), connection: try row.get(6), isLanePaused: try row.get(7))
        }
        let timestampField: String? = try row.get(3)
        return try Standing(
            field: OptInField(
                fieldID: id, grantedValue: row.get(1), withdrawnValue: row.get(2),
                timestampFieldID: timestampField.flatMap { Int($0) }, createMissing: row.get(4)),
            isOpen: row.get(5), connection: row.get(6), isLanePaused: row.get(7))
    }

    // MARK: The outbox

    /// Gives back what a run that ended without a word had taken.
    static func releaseAll(tenant: UUID, now: Timestamp) -> Query {
        Query(
            "SELECT app.release_opt_in_exports($1, NULL, NULL, NULL, NULL, $2)", [.uuid(tenant), .timestamp(now)])
    }

    static func link(contact: UUID, emarsysID: String, tenant: UUID, now: Timestamp) -> Query {
        Query(
            "SELECT app.link_exported_contact($1, $2, $3, $4)",
            [.uuid(tenant), .uuid(contact), .text(emarsysID), .timestamp(now)])
    }

    // MARK: The lane

    /// The other side asked for a pause: the whole lane waits.
    static func holdLane(tenant: UUID, until: Timestamp) -> Query {
        Query(
            """
            UPDATE app.lanes SET not_before = greatest(not_before, $2) WHERE tenant_id = $1 AND queue = 'exports'
            """, [.uuid(tenant), .timestamp(until)])
    }

    /// When the next row is due; NULL when none waits.
    static func nextDue(tenant: UUID) -> Query {
        Query(
            "SELECT min(next_attempt_at) FROM app.opt_in_exports WHERE tenant_id = $1 AND state = 'queued'",
            [.uuid(tenant)])
    }

    static func wake(tenant: UUID, at: Timestamp, now: Timestamp) -> Query {
        Query(
            "SELECT app.enqueue($1, 'exports', 'export_opt_ins', '{}', 'drain', $2, $3, 0::smallint)",
            [.uuid(tenant), .timestamp(at), .timestamp(now)])
    }

    /// Drives again what was given up because nothing went through; answers how many.
    static func redrive(tenant: UUID, now: Timestamp) -> Query {
        Query("SELECT app.redrive_opt_ins($1, $2)", [.uuid(tenant), .timestamp(now)])
    }

    /// Asks for the rest of a piece of work that goes through all contacts.
    static func proceed(_ kind: OptInSweep, tenant: UUID, after: UUID?, at: Timestamp, now: Timestamp) -> Query {
        let args: JSON = after.map { ["after": .string($0.uuidString.lowercased())] } ?? [:]
        return Query(
            "SELECT app.enqueue($1, 'exports', $2, $3, $4, $5, $6, 2::smallint)",
            [
                .uuid(tenant), .text(kind.rawValue), .jsonb(args.encoded()), .text(kind.rawValue), .timestamp(at),
                .timestamp(now),
            ])
    }
}

/// Work that goes through all contacts of whom a decision is known.
public enum OptInSweep: String, Sendable, Hashable {
    /// Queues what Emarsys has not been told: when the field is chosen, or the connection works again.
    case backfill = "backfill_opt_ins"
    /// Compares what Emarsys holds with the ledger and repairs it.
    case reconcile = "reconcile_opt_ins"
    /// Looks without a call whether a withdrawal is missing in the outbox, and drives again what was given up because
    /// nothing went through.
    case check = "check_opt_ins"
}
