import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// An event as clients see it.
public struct EventView: Sendable {
    let id: UUID
    let source: String
    let status: EventStatus
    let eventName: String?
    let occurredAt: Timestamp?
    let receivedAt: Timestamp
    let body: JSON
    let errors: JSON?
    let contactID: UUID?
    let trace: JSON?
    let failures: Int
    let nextAttemptAt: Timestamp?
    let processedAt: Timestamp?
    /// Each processing, where a single event is asked for.
    var attempts: [JSON]?
    /// The deliveries of its flow runs, where a single event is asked for.
    var deliveries: [JSON]?

    /// As clients see it.
    public var json: JSON {
        var json: JSON = [
            "id": .string(id.text), "source": .string(source), "status": .string(status.rawValue),
            "event_name": .optional(eventName), "occurred_at": .optional(occurredAt?.rfc3339),
            "received_at": .string(receivedAt.rfc3339), "processed_at": .optional(processedAt?.rfc3339),
            "contact_id": .optional(contactID?.text), "errors": errors ?? [], "trace": trace ?? .null,
            "failures": .int(failures), "next_attempt_at": .optional(nextAttemptAt?.rfc3339), "body": body,
        ]
        if let attempts { json["attempts"] = .array(attempts) }
        if let deliveries { json["deliveries"] = .array(deliveries) }
        return json
    }
}

/// The SQL of looking and replaying.
enum EventViewStore {
    static func list(tenantID: UUID, filter: EventFilter, request: PageRequest) -> Query {
        Query(
            """
            SELECT id, source, status, event_name, occurred_at, received_at, body, errors, contact_id, trace, attempts,
                   next_attempt_at, processed_at
              FROM app.events
             WHERE tenant_id = $1 AND (received_at, id) < ($2, $3)
               AND ($5::text IS NULL OR status = $5) AND ($6::text IS NULL OR source = $6)
               AND ($7::text IS NULL OR event_name = $7) AND ($8::uuid IS NULL OR contact_id = $8)
               AND ($9::timestamptz IS NULL OR received_at >= $9) AND ($10::timestamptz IS NULL OR received_at < $10)
               AND ($11::uuid[] IS NULL OR id = ANY ($11))
             ORDER BY received_at DESC, id DESC LIMIT $4
            """,
            [
                .uuid(tenantID), .timestamp(request.fallingTime), .uuid(request.fallingID), .int4(request.fetchCount),
            ] + parameters(filter))
    }

    private static func parameters(_ filter: EventFilter) -> [SQLValue] {
        [
            .optional(text: filter.status?.rawValue), .optional(text: filter.source?.rawValue),
            .optional(text: filter.eventName), .optional(uuid: filter.contactID), .optional(timestamp: filter.from),
            .optional(timestamp: filter.to), filter.ids.map { .uuidArray($0) } ?? .null(.uuidArray),
        ]
    }

    static func find(tenantID: UUID, id: UUID) -> Query {
        Query(
            """
            SELECT id, source, status, event_name, occurred_at, received_at, body, errors, contact_id, trace, attempts,
                   next_attempt_at, processed_at
              FROM app.events WHERE tenant_id = $1 AND id = $2
            """, [.uuid(tenantID), .uuid(id)])
    }

    static func view(_ row: Row) throws -> EventView {
        let errors: [UInt8]? = try row.get(7)
        let trace: [UInt8]? = try row.get(9)
        return try EventView(
            id: row.get(0), source: row.get(1), status: EventStatus(rawValue: row.get(2)) ?? .accepted,
            eventName: row.get(3), occurredAt: row.get(4), receivedAt: row.get(5), body: JSON.stored(row.get(6)),
            errors: errors.map(JSON.stored), contactID: row.get(8), trace: trace.map(JSON.stored),
            failures: row.get(10), nextAttemptAt: row.get(11), processedAt: row.get(12), attempts: nil)
    }

    static func attempts(tenantID: UUID, id: UUID) -> Query {
        Query(
            """
            SELECT id, reason, flow_id, requested_by, at, outcome, trace
              FROM app.event_attempts WHERE tenant_id = $1 AND event_id = $2 ORDER BY at, id
            """, [.uuid(tenantID), .uuid(id)])
    }

    static func attempt(_ row: Row) throws -> JSON {
        let trace: [UInt8]? = try row.get(6)
        return try [
            "id": .string(row.get(0, as: UUID.self).text), "reason": .string(row.get(1)),
            "flow_id": .optional(row.get(2, as: UUID?.self)?.text),
            "requested_by": .optional(row.get(3, as: String?.self)),
            "at": .string(row.get(4, as: Timestamp.self).rfc3339), "outcome": .optional(row.get(5, as: String?.self)),
            "trace": trace.map(JSON.stored) ?? .null,
        ]
    }

    /// The deliveries of an event's flow runs, at most 200.
    static func deliveries(tenantID: UUID, id: UUID) -> Query {
        Query(
            """
            SELECT d.id, d.type, CASE WHEN d.state = 'queued' AND d.last_error IS NOT NULL THEN 'failed' ELSE d.state END, d.attempts,
                   d.flow_run_id, d.created_at, d.delivered_at
              FROM app.flow_runs r JOIN app.deliveries d ON d.tenant_id = $1 AND d.flow_run_id = r.id
             WHERE r.tenant_id = $1 AND r.event_id = $2 ORDER BY d.sequence LIMIT 200
            """, [.uuid(tenantID), .uuid(id)])
    }

    static func delivery(_ row: Row) throws -> JSON {
        try [
            "id": .string(row.get(0, as: UUID.self).text), "type": .string(row.get(1)), "state": .string(row.get(2)),
            "attempts": .int(row.get(3, as: Int.self)), "flow_run_id": .string(row.get(4, as: UUID.self).text),
            "created_at": .string(row.get(5, as: Timestamp.self).rfc3339),
            "delivered_at": .optional(row.get(6, as: Timestamp?.self)?.rfc3339),
        ]
    }

    /// Adds a waiting attempt to each event that has had its turn, and lets it wait for another. Answers the ids.
    static func replay(
        tenantID: UUID, filter: EventFilter, flowID: UUID?, actor: String, limit: Int, now: Timestamp
    ) -> Query {
        Query(
            """
            WITH chosen AS MATERIALIZED (
                SELECT id FROM app.events
                 WHERE tenant_id = $1 AND status IN ('processed', 'rejected', 'failed') AND event_name IS NOT NULL
                   AND ($6::text IS NULL OR status = $6) AND ($7::text IS NULL OR source = $7)
                   AND ($8::text IS NULL OR event_name = $8) AND ($9::uuid IS NULL OR contact_id = $9)
                   AND ($10::timestamptz IS NULL OR received_at >= $10) AND ($11::timestamptz IS NULL OR received_at < $11)
                   AND ($12::uuid[] IS NULL OR id = ANY ($12))
                 ORDER BY received_at, id LIMIT $4 FOR UPDATE),
            opened AS (
                UPDATE app.events e SET status = 'accepted', attempts = 0, next_attempt_at = NULL
                  FROM chosen c WHERE e.tenant_id = $1 AND e.id = c.id RETURNING e.id)
            INSERT INTO app.event_attempts (tenant_id, event_id, id, reason, flow_id, requested_by, at)
            SELECT $1, o.id, gen_random_uuid(), 'replay', $2, $3, $5 FROM opened o
            ON CONFLICT (tenant_id, event_id, id) DO NOTHING
            RETURNING event_id
            """,
            [
                .uuid(tenantID), .optional(uuid: flowID), .text(actor), .int4(Int32(limit)), .timestamp(now),
            ] + parameters(filter))
    }
}
