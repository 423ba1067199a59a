import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// A run about to be written.
struct NewFlowRun: Sendable {
    var id: UUID
    var flowID: UUID
    var flowVersion: Int
    var eventID: UUID?
    var attemptID: UUID?
    var contactID: UUID?
    var state: FlowRunState
    var isTest = false
    var payload: JSON
    var missingKeys: [String]
}

/// The runs' SQL.
enum FlowRunStore {
    /// What a list is narrowed to.
    struct Filter: Sendable {
        var state: String?
        var flowID: UUID?
        var contactID: UUID?
        var eventID: UUID?
    }

    static func list(
        _ database: Database, tenantID: UUID, filter: Filter, request: PageRequest
    ) async throws -> [FlowRun] {
        try await database.run(
            .tenant(tenantID),
            Query(
                """
                SELECT r.id, r.flow_id, r.flow_version, r.event_id, r.contact_id, r.state, r.test, r.payload,
                       r.missing_keys, r.attempts, r.last_error, r.created_at, r.delivered_at, r.acknowledged_at,
                       c.summary, e.event_name
                  FROM app.flow_runs r
                  LEFT JOIN app.events e ON e.tenant_id = $1 AND e.id = r.event_id
                  LEFT JOIN LATERAL app.contact_summaries($1, ARRAY[r.contact_id]) c ON true
                 WHERE r.tenant_id = $1 AND (r.created_at, r.id) < ($2, $3)
                   AND ($5::text IS NULL OR r.state = $5) AND ($6::uuid IS NULL OR r.flow_id = $6)
                   AND ($7::uuid IS NULL OR r.contact_id = $7) AND ($8::uuid IS NULL OR r.event_id = $8)
                 ORDER BY r.created_at DESC, r.id DESC LIMIT $4
                """,
                [
                    .uuid(tenantID), .timestamp(request.fallingTime), .uuid(request.fallingID),
                    .int4(request.fetchCount), .optional(text: filter.state), .optional(uuid: filter.flowID),
                    .optional(uuid: filter.contactID), .optional(uuid: filter.eventID),
                ])
        ).map(run)
    }

    static func find(_ database: Database, tenantID: UUID, id: UUID) async throws -> FlowRun? {
        try await database.run(
            .tenant(tenantID),
            Query(
                """
                SELECT r.id, r.flow_id, r.flow_version, r.event_id, r.contact_id, r.state, r.test, r.payload,
                       r.missing_keys, r.attempts, r.last_error, r.created_at, r.delivered_at, r.acknowledged_at,
                       c.summary, e.event_name
                  FROM app.flow_runs r
                  LEFT JOIN app.events e ON e.tenant_id = $1 AND e.id = r.event_id
                  LEFT JOIN LATERAL app.contact_summaries($1, ARRAY[r.contact_id]) c ON true
                 WHERE r.tenant_id = $1 AND r.id = $2
                """, [.uuid(tenantID), .uuid(id)])
        ).first.map(run)
    }

    /// Adds runs; one that the same attempt of the event has added before is left out. Answers the ids that are new.
    static func insert(_ runs: [NewFlowRun], tenantID: UUID, now: Timestamp) -> Query {
        Query(
            """
            INSERT INTO app.flow_runs (tenant_id, id, flow_id, flow_version, event_id, attempt_id, contact_id, state, test,
                                       payload, missing_keys, created_at)
            SELECT $1, u.id, u.flow_id, u.flow_version, u.event_id, u.attempt_id, u.contact_id, u.state, u.test, u.payload,
                   coalesce(string_to_array(nullif(u.missing, ''), E'\\n'), '{}'), $11 + u.n * interval '1 microsecond'
              FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::bool[],
                          $10::jsonb[], $12::text[])
                   WITH ORDINALITY AS u (id, flow_id, flow_version, event_id, attempt_id, contact_id, state, test, payload,
                                         missing, n)
            ON CONFLICT (tenant_id, event_id, attempt_id, flow_id) WHERE event_id IS NOT NULL DO NOTHING
            RETURNING id
            """,
            [
                .uuid(tenantID), .uuidArray(runs.map(\.id)), .uuidArray(runs.map(\.flowID)),
                .int4Array(runs.map { Int32($0.flowVersion) }), .uuidArray(runs.map(\.eventID)),
                .uuidArray(runs.map(\.attemptID)), .uuidArray(runs.map(\.contactID)),
                .textArray(runs.map(\.state.rawValue)), .boolArray(runs.map(\.isTest)),
                .jsonbArray(runs.map { $0.payload.encoded() }), .timestamp(now),
                .textArray(runs.map { $0.missingKeys.joined(separator: "\n") }),
            ])
    }

    /// Counts the runs that stand against frequency caps: (position, count). The pairs come with the hours of each cap.
    static func recent(
        _ pairs: [(flowID: UUID, contactID: UUID, hours: Int)], tenantID: UUID, now: Timestamp
    ) -> Query {
        Query(
            """
            SELECT u.n, c.count
              FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) WITH ORDINALITY AS u (flow_id, contact_id, since, n)
             CROSS JOIN LATERAL (
                 SELECT count(*) AS count FROM app.flow_runs r
                  WHERE r.tenant_id = $1 AND r.flow_id = u.flow_id AND r.contact_id = u.contact_id
                    AND r.created_at > u.since AND r.state IN ('queued', 'delivered')) c
            """,
            [
                .uuid(tenantID), .uuidArray(pairs.map(\.flowID)), .uuidArray(pairs.map(\.contactID)),
                .timestampArray(pairs.map { now - .seconds($0.hours * 3600) }),
            ])
    }

    /// The instance has taken a run: it is delivered, and so is a delivery that was still on its way. Answers its state
    /// before; no row: no such run.
    static func acknowledge(tenantID: UUID, id: UUID, now: Timestamp) -> [Query] {
        [
            Query(
                """
                UPDATE app.flow_runs
                   SET state = CASE WHEN state = 'queued' THEN 'delivered' ELSE state END,
                       delivered_at = CASE WHEN state = 'queued' THEN $3 ELSE delivered_at END,
                       acknowledged_at = coalesce(acknowledged_at, $3)
                 WHERE tenant_id = $1 AND id = $2 AND state IN ('queued', 'delivered') RETURNING id
                """, [.uuid(tenantID), .uuid(id), .timestamp(now)]),
            Query(
                """
                UPDATE app.deliveries SET state = 'delivered', delivered_at = $3
                 WHERE tenant_id = $1 AND flow_run_id = $2 AND state = 'queued'
                """, [.uuid(tenantID), .uuid(id), .timestamp(now)]),
        ]
    }

    private static func run(_ row: Row) throws -> FlowRun {
        let error: [UInt8]? = try row.get(10)
        let contact: [UInt8]? = try row.get(14)
        return try FlowRun(
            id: row.get(0), flowID: row.get(1), flowVersion: row.get(2), eventID: row.get(3), contactID: row.get(4),
            state: FlowRunState(rawValue: row.get(5)) ?? .failed, isTest: row.get(6), payload: JSON.stored(row.get(7)),
            missingKeys: row.get(8), attempts: row.get(9), lastError: error.map(JSON.stored), createdAt: row.get(11),
            deliveredAt: row.get(12), acknowledgedAt: row.get(13), contact: contact.map(JSON.stored),
            eventName: row.get(15))
    }
}
