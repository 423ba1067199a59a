import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// A delivery that is due.
struct DueDelivery: Sendable {
    let id: UUID
    let body: [UInt8]
    let attempts: Int
    let createdAt: Timestamp
    let giveUpAt: Timestamp
    /// The trace of what it tells of.
    let trace: TraceContext?
}

/// What an attempt changes.
struct DeliveryUpdate: Sendable {
    var id: UUID
    var state: String
    var attempts: Int
    var nextAttemptAt: Timestamp
    var giveUpAt: Timestamp
    var lastError: [UInt8]?
    var deliveredAt: Timestamp?
}

/// One line of the attempt log.
struct DeliveryAttempt: Sendable {
    var deliveryID: UUID
    var attempt: Int
    var at: Timestamp
    var milliseconds: Int
    var result: DeliveryResult
}

/// The deliveries' SQL.
enum DeliveryStore {
    /// What is due and first in its contact's line, in order; ahead of it what is due and tells of the instance as a whole.
    static func due(tenantID: UUID, limit: Int, ofInstance: Int, now: Timestamp) -> Query {
        Query(
            """
            SELECT d.id, d.body, d.attempts, d.created_at, d.give_up_at,
                   coalesce((SELECT e.traceparent FROM app.flow_runs r JOIN app.events e ON e.tenant_id = $1 AND e.id = r.event_id
                              WHERE r.tenant_id = $1 AND r.id = d.flow_run_id), d.trace)
              FROM (
                (SELECT 1 AS line, d.* FROM app.deliveries d
                  WHERE d.tenant_id = $1 AND d.state = 'queued' AND d.next_attempt_at <= $2
                    AND d.contact_id IS NULL AND d.type NOT LIKE 'order.%'
                  ORDER BY d.next_attempt_at, d.sequence LIMIT $4)
                UNION ALL
                (SELECT 2, d.* FROM app.deliveries d
                  WHERE d.tenant_id = $1 AND d.state = 'queued' AND d.next_attempt_at <= $2
                    AND (d.contact_id IS NOT NULL OR d.type LIKE 'order.%')
                    AND (d.contact_id IS NULL OR NOT EXISTS (
                         SELECT 1 FROM app.deliveries b
                          WHERE b.tenant_id = $1 AND b.contact_id = d.contact_id AND b.state = 'queued'
                            AND b.sequence < d.sequence))
                  ORDER BY d.next_attempt_at, d.sequence LIMIT $3)) d
             ORDER BY d.line, d.next_attempt_at, d.sequence LIMIT $3
            """, [.uuid(tenantID), .timestamp(now), .int4(Int32(limit)), .int4(Int32(ofInstance))])
    }

    /// When the next first in line is due.
    static func nextDue(tenantID: UUID) -> Query {
        Query(
            """
            SELECT d.next_attempt_at
              FROM app.deliveries d
             WHERE d.tenant_id = $1 AND d.state = 'queued'
               AND (d.contact_id IS NULL OR NOT EXISTS (
                    SELECT 1 FROM app.deliveries b
                     WHERE b.tenant_id = $1 AND b.contact_id = d.contact_id AND b.state = 'queued'
                       AND b.sequence < d.sequence))
             ORDER BY d.next_attempt_at LIMIT 1
            """, [.uuid(tenantID)])
    }

    /// Whether the tenant's deliveries wait.
    static func isPaused(tenantID: UUID) -> Query {
        Query("SELECT paused FROM app.lanes WHERE tenant_id = $1 AND queue = 'deliveries'", [.uuid(tenantID)])
    }

    static func dueDelivery(_ row: Row) throws -> DueDelivery {
        try DueDelivery(
            id: row.get(0), body: row.get(1), attempts: row.get(2), createdAt: row.get(3), giveUpAt: row.get(4),
            trace: TraceContext(traceparent: (row.get(5, as: String?.self) ?? "").utf8))
    }

    /// Stores what a round of attempts came to, the runs they carried included.
    static func record(
        _ updates: [DeliveryUpdate], _ attempts: [DeliveryAttempt], tenantID: UUID
    ) -> [Query] {
        [
            Query(
                """
                UPDATE app.deliveries d
                   SET state = u.state, attempts = u.attempts, next_attempt_at = u.next_attempt_at,
                       give_up_at = u.give_up_at, last_error = u.last_error, delivered_at = u.delivered_at
                  FROM unnest($2::uuid[], $3::text[], $4::int[], $5::timestamptz[], $6::timestamptz[], $7::jsonb[],
                              $8::timestamptz[])
                       AS u (id, state, attempts, next_attempt_at, give_up_at, last_error, delivered_at)
                 WHERE d.tenant_id = $1 AND d.id = u.id AND d.state = 'queued'
                """,
                [
                    .uuid(tenantID), .uuidArray(updates.map(\.id)), .textArray(updates.map(\.state)),
                    .int4Array(updates.map { Int32($0.attempts) }), .timestampArray(updates.map(\.nextAttemptAt)),
                    .timestampArray(updates.map(\.giveUpAt)), .jsonbArray(updates.map(\.lastError)),
                    .timestampArray(updates.map(\.deliveredAt)),
                ]),
            Query(
                """
                UPDATE app.flow_runs r
                   SET state = CASE u.state WHEN 'delivered' THEN 'delivered' WHEN 'dead' THEN 'failed' ELSE r.state END,
                       attempts = u.attempts, last_error = u.last_error,
                       delivered_at = coalesce(r.delivered_at, u.delivered_at)
                  FROM unnest($2::uuid[], $3::text[], $4::int[], $5::jsonb[], $6::timestamptz[])
                       AS u (id, state, attempts, last_error, delivered_at)
                  JOIN app.deliveries d ON d.tenant_id = $1 AND d.id = u.id
                 WHERE r.tenant_id = $1 AND r.id = d.flow_run_id AND r.state IN ('queued', 'failed')
                """,
                [
                    .uuid(tenantID), .uuidArray(updates.map(\.id)), .textArray(updates.map(\.state)),
                    .int4Array(updates.map { Int32($0.attempts) }), .jsonbArray(updates.map(\.lastError)),
                    .timestampArray(updates.map(\.deliveredAt)),
                ]),
            log(attempts, tenantID: tenantID),
        ]
    }

    /// Writes the attempt log.
    static func log(_ attempts: [DeliveryAttempt], tenantID: UUID) -> Query {
        Query(
            """
            INSERT INTO app.delivery_attempts (tenant_id, delivery_id, attempt, at, duration_ms, status, error,
                                               response_excerpt)
            SELECT $1, u.* FROM unnest($2::uuid[], $3::int[], $4::timestamptz[], $5::int[], $6::int[], $7::text[],
                                       $8::text[]) AS u
            ON CONFLICT (tenant_id, delivery_id, attempt) DO NOTHING
            """,
            [
                .uuid(tenantID), .uuidArray(attempts.map(\.deliveryID)),
                .int4Array(attempts.map { Int32($0.attempt) }), .timestampArray(attempts.map(\.at)),
                .int4Array(attempts.map { Int32(clamping: $0.milliseconds) }),
                .int4Array(attempts.map { $0.result.status.map { Int32(clamping: $0) } }),
                .textArray(attempts.map(\.result.error)), .textArray(attempts.map(\.result.excerpt)),
            ])
    }

    /// A delivery outside the queue: a test.
    static func insertTest(
        id: UUID, tenantID: UUID, body: [UInt8], isDelivered: Bool, lastError: [UInt8]?, now: Timestamp
    )
        -> Query
    {
        Query(
            """
            INSERT INTO app.deliveries (tenant_id, id, type, body, state, attempts, next_attempt_at, give_up_at, last_error,
                                        created_at, delivered_at)
            VALUES ($1, $2, 'endpoint.test', $3, $4, 1, $5, $5, $6, $5, $7)
            """,
            [
                .uuid(tenantID), .uuid(id), .jsonb(body), .text(isDelivered ? "delivered" : "failed"),
                .timestamp(now), .optional(jsonb: lastError), .optional(timestamp: isDelivered ? now : nil),
            ])
    }

    // MARK: Lists

    static func list(tenantID: UUID, filter: DeliveryFilter, request: PageRequest) -> Query {
        Query(
            """
            SELECT id, type, contact_id, flow_run_id, state, attempts, next_attempt_at, last_error, created_at,
                   delivered_at, body
              FROM app.deliveries
             WHERE tenant_id = $1 AND (created_at, id) < ($2, $3)
               AND ($5::text IS NULL OR state = CASE $5 WHEN 'failed' THEN 'queued' ELSE $5 END
                                        AND ($5 NOT IN ('queued', 'failed') OR (last_error IS NULL) = ($5 = 'queued'))
                    OR $5 = 'failed' AND state = 'failed')
               AND ($6::text IS NULL OR type = $6)
               AND ($7::uuid IS NULL OR contact_id = $7) AND ($8::uuid IS NULL OR flow_run_id = $8)
             ORDER BY created_at DESC, id DESC LIMIT $4
            """,
            [
                .uuid(tenantID), .timestamp(request.fallingTime), .uuid(request.fallingID), .int4(request.fetchCount),
                .optional(text: filter.state), .optional(text: filter.type), .optional(uuid: filter.contactID),
                .optional(uuid: filter.flowRunID),
            ])
    }

    static func find(tenantID: UUID, id: UUID) -> Query {
        Query(
            """
            SELECT id, type, contact_id, flow_run_id, state, attempts, next_attempt_at, last_error, created_at,
                   delivered_at, body
              FROM app.deliveries WHERE tenant_id = $1 AND id = $2
            """, [.uuid(tenantID), .uuid(id)])
    }

    static func delivery(_ row: Row) throws -> Delivery {
        let error: [UInt8]? = try row.get(7)
        let state: String = try row.get(4)
        return try Delivery(
            id: row.get(0), type: row.get(1), contactID: row.get(2), flowRunID: row.get(3),
            state: state == "queued" && error != nil ? "failed" : state, isWaiting: state == "queued",
            attempts: row.get(5), nextAttemptAt: row.get(6), lastError: error.map(JSON.stored), createdAt: row.get(8),
            deliveredAt: row.get(9), body: JSON.stored(row.get(10)), log: nil)
    }

    static func attempts(tenantID: UUID, id: UUID) -> Query {
        Query(
            """
            SELECT attempt, at, duration_ms, status, error, response_excerpt
              FROM app.delivery_attempts WHERE tenant_id = $1 AND delivery_id = $2 ORDER BY attempt
            """, [.uuid(tenantID), .uuid(id)])
    }

    static func attempt(_ row: Row) throws -> JSON {
        let status: Int? = try row.get(3)
        return try [
            "attempt": .int(row.get(0, as: Int.self)), "at": .string(row.get(1, as: Timestamp.self).rfc3339),
            "duration_ms": .int(row.get(2, as: Int.self)), "status": .optional(status),
            "error": .optional(row.get(4, as: String?.self)),
            "response_excerpt": .optional(row.get(5, as: String?.self)),
        ]
    }

    /// Puts a delivery back into the queue, at the place in its contact's line that it had. The body stays, and so does the
    /// id: the instance recognises a copy.
    static func replay(tenantID: UUID, id: UUID, giveUpAt: Timestamp, now: Timestamp) -> [Query] {
        [
            Query(
                """
                UPDATE app.deliveries
                   SET state = 'queued', next_attempt_at = $3, last_error = NULL,
                       give_up_at = CASE state WHEN 'queued' THEN give_up_at ELSE $4 END
                 WHERE tenant_id = $1 AND id = $2 RETURNING id
                """, [.uuid(tenantID), .uuid(id), .timestamp(now), .timestamp(giveUpAt)]),
            Query(
                """
                UPDATE app.flow_runs SET state = 'queued'
                 WHERE tenant_id = $1 AND state = 'failed'
                   AND id = (SELECT flow_run_id FROM app.deliveries WHERE tenant_id = $1 AND id = $2)
                """, [.uuid(tenantID), .uuid(id)]),
            wake(tenantID: tenantID, at: now, now: now),
        ]
    }

    /// Wakes the deliverer at a time.
    static func wake(tenantID: UUID, at time: Timestamp, now: Timestamp) -> Query {
        Query(
            "SELECT app.enqueue($1, 'deliveries', 'deliver', '{}', 'drain', $2, $3)",
            [.uuid(tenantID), .timestamp(time), .timestamp(now)])
    }
}

/// What a list of deliveries is narrowed to.
public struct DeliveryFilter: Sendable {
    /// `queued`, `delivered`, `failed`, `dead`.
    public var state: String?
    /// E.g. `flow.triggered`.
    public var type: String?
    /// Of one contact.
    public var contactID: UUID?
    /// Of one flow run.
    public var flowRunID: UUID?

    /// A filter; nil lets everything through.
    public init(state: String? = nil, type: String? = nil, contactID: UUID? = nil, flowRunID: UUID? = nil) {
        self.state = state
        self.type = type
        self.contactID = contactID
        self.flowRunID = flowRunID
    }
}
