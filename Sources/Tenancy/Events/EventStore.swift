import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// What processing needs to know of the tenant.
public struct EventTenant: Sendable {
    /// The rarely changed switches.
    public let settings: TenantSettings
    /// ISO 3166-1 alpha-2.
    public let defaultCountry: String?
    /// ISO 4217.
    public let defaultCurrency: String?
    /// Whether the integration is paused.
    public let isPaused: Bool
}

/// The SQL of processing.
enum EventStore {
    static func tenant(_ tenantID: UUID) -> Query {
        Query(
            """
            SELECT t.settings, t.default_country, t.default_currency,
                   coalesce((SELECT c.paused FROM app.connections c WHERE c.tenant_id = $1), false)
              FROM app.tenants t WHERE t.tenant_id = $1
            """, [.uuid(tenantID)])
    }

    static func tenant(_ row: Row) throws -> EventTenant {
        try EventTenant(
            settings: TenantSettings(JSON.stored(row.get(0))), defaultCountry: row.get(1), defaultCurrency: row.get(2),
            isPaused: row.get(3))
    }

    /// What was held while the connection was paused takes its place by arrival, unless it still is.
    static func releaseHeld(_ tenantID: UUID) -> Query {
        Query(
            """
            UPDATE app.events SET status = 'accepted'
             WHERE tenant_id = $1 AND status = 'held'
               AND NOT EXISTS (SELECT 1 FROM app.connections c WHERE c.tenant_id = $1 AND c.paused)
            """, [.uuid(tenantID)])
    }

    /// The next events in the order of arrival, locked, each with its waiting replays: (attempt, flow) pairs as arrays.
    /// - Parameter length: Characters of their bodies that end the list, so that large events come in small batches.
    static func pending(_ tenantID: UUID, only: UUID?, limit: Int, length: Int, now: Timestamp) -> [Query] {
        [
            Query(
                """
                WITH p AS MATERIALIZED (
                    SELECT id, source, event_name, occurred_at, received_at, body, attempts
                      FROM app.events
                     WHERE tenant_id = $1 AND status = 'accepted' AND (next_attempt_at IS NULL OR next_attempt_at <= $2)
                       AND ($4::uuid IS NULL OR id = $4)
                     ORDER BY received_at, id LIMIT $3 FOR UPDATE)
                SELECT q.id, q.source, q.event_name, q.occurred_at, q.received_at, q.body, q.attempts
                  FROM (SELECT p.*, row_number() OVER w AS n, sum(length(p.body::text)) OVER w AS total
                          FROM p WINDOW w AS (ORDER BY p.received_at, p.id)) q
                 WHERE q.n = 1 OR q.total <= $5
                 ORDER BY q.received_at, q.id
                """,
                [
                    .uuid(tenantID), .timestamp(now), .int4(Int32(limit)), .optional(uuid: only), .int8(Int64(length)),
                ]),
            Query(
                """
                SELECT a.event_id, a.id, a.reason, a.flow_id
                  FROM app.event_attempts a
                  JOIN app.events e ON e.tenant_id = $1 AND e.id = a.event_id AND e.status = 'accepted'
                 WHERE a.tenant_id = $1 AND a.outcome IS NULL AND ($2::uuid IS NULL OR a.event_id = $2)
                 ORDER BY a.at, a.id
                """, [.uuid(tenantID), .optional(uuid: only)]),
        ]
    }

    static func summaries(_ tenantID: UUID, contacts: [UUID]) -> Query {
        Query(
            "SELECT contact_id, phone, opt_in, summary FROM app.contact_summaries($1, $2)",
            [.uuid(tenantID), .uuidArray(contacts)])
    }

    static func contact(_ row: Row) throws -> FlowContact {
        try FlowContact(
            id: row.get(0), phone: row.get(1), optIn: row.get(2), summary: JSON.stored(row.get(3)))
    }

    /// Closes attempts and their events.
    static func finish(_ done: [EventPlan.Done], tenantID: UUID, now: Timestamp) -> [Query] {
        var last: [UUID: EventPlan.Done] = [:]
        for one in done { last[one.eventID] = one }
        let events = Array(last.values)
        return [
            Query(
                """
                INSERT INTO app.event_attempts (tenant_id, event_id, id, reason, flow_id, at, outcome, trace)
                SELECT $1, u.event_id, u.id, u.reason, u.flow_id, $8, u.outcome, u.trace
                  FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::jsonb[])
                       AS u (event_id, id, reason, flow_id, outcome, trace)
                ON CONFLICT (tenant_id, event_id, id) DO UPDATE SET outcome = EXCLUDED.outcome, trace = EXCLUDED.trace
                """,
                [
                    .uuid(tenantID), .uuidArray(done.map(\.eventID)), .uuidArray(done.map(\.attempt.id)),
                    .textArray(done.map(\.attempt.reason)), .uuidArray(done.map(\.attempt.flowID)),
                    .textArray(done.map(\.status.rawValue)), .jsonbArray(done.map { $0.trace.encoded() }),
                    .timestamp(now),
                ]),
            Query(
                """
                UPDATE app.events e
                   SET status = u.status, contact_id = coalesce(u.contact_id, e.contact_id), errors = u.errors,
                       trace = u.trace, processed_at = $7, next_attempt_at = NULL,
                       -- Of an erased person nothing is kept.
                       body = CASE WHEN u.trace #>> '{contact,code}' = 'suppressed' THEN '{}' ELSE e.body END
                  FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::jsonb[], $6::jsonb[])
                       AS u (id, status, contact_id, errors, trace)
                 WHERE e.tenant_id = $1 AND e.id = u.id
                """,
                [
                    .uuid(tenantID), .uuidArray(events.map(\.eventID)), .textArray(events.map(\.status.rawValue)),
                    .uuidArray(events.map(\.contactID)), .jsonbArray(events.map { EventFault.encode($0.faults) }),
                    .jsonbArray(events.map { $0.trace.encoded() }), .timestamp(now),
                ]),
        ]
    }

    /// A processing that failed: tried again at a time, or given up.
    static func fail(
        _ eventID: UUID, tenantID: UUID, failures: Int, retryAt: Timestamp?, fault: EventFault, now: Timestamp
    ) -> [Query] {
        var queries = [
            Query(
                """
                UPDATE app.events
                   SET attempts = $3, next_attempt_at = $4, status = CASE WHEN $4::timestamptz IS NULL THEN 'failed' ELSE status END,
                       errors = $5, processed_at = CASE WHEN $4::timestamptz IS NULL THEN $6::timestamptz END
                 WHERE tenant_id = $1 AND id = $2 AND status = 'accepted'
                """,
                [
                    .uuid(tenantID), .uuid(eventID), .int4(Int32(failures)), .optional(timestamp: retryAt),
                    .optional(jsonb: EventFault.encode([fault])), .timestamp(now),
                ])
        ]
        if let retryAt {
            queries.append(wake(tenantID, key: "retry", at: retryAt, now: now))
        } else {
            queries.append(
                Query(
                    """
                    UPDATE app.event_attempts SET outcome = 'failed', trace = $3
                     WHERE tenant_id = $1 AND event_id = $2 AND outcome IS NULL
                    """,
                    [.uuid(tenantID), .uuid(eventID), .jsonb(JSON.object(["error": fault.json]).encoded())]))
        }
        return queries
    }

    /// Wakes the processing. A later time needs a key of its own: a job that waits for later must not keep one for now out.
    static func wake(_ tenantID: UUID, key: String = "drain", at: Timestamp, now: Timestamp) -> Query {
        Query(
            "SELECT app.enqueue($1, 'events', 'process_events', '{}', $2, $3, $4)",
            [.uuid(tenantID), .text(key), .timestamp(at), .timestamp(now)])
    }

    /// Runs that were started now are touches for the attribution of orders to come.
    static func touches(_ runs: [NewFlowRun], tenantID: UUID, now: Timestamp) -> Query {
        Query(
            """
            INSERT INTO app.touches (tenant_id, id, contact_id, kind, flow_id, flow_run_id, occurred_at, received_at)
            SELECT $1, gen_random_uuid(), u.contact_id, 'flow', u.flow_id, u.run_id, $5, $5
              FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS u (contact_id, flow_id, run_id)
            ON CONFLICT (tenant_id, id) DO NOTHING
            """,
            [
                .uuid(tenantID), .uuidArray(runs.map(\.contactID)), .uuidArray(runs.map(\.flowID)),
                .uuidArray(runs.map(\.id)), .timestamp(now),
            ])
    }
}
