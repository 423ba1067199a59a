public import EventLoop
public import FoundationEssentials

/// The statements of the job lanes, for whoever puts work into a lane and for the worker that takes it out.
public enum JobStore {
    /// Puts a job into a lane, in the transaction that makes it necessary.
    ///
    /// - Parameters:
    ///   - tenant: Whose work it is.
    ///   - queue: The lane: `imports`, `exports`, `events`, `deliveries` or `maintenance`.
    ///   - kind: Which handler does it.
    ///   - args: Its arguments as JSON text.
    ///   - uniqueKey: At most one job of this key waits in the lane; a second one adds nothing, an earlier one pulls it forward.
    ///   - runAt: When it is due; nil is now.
    ///   - now: The present.
    ///   - priority: Smaller goes first.
    /// - Returns: A statement answering the job's number, or NULL where one waits already.
    public static func enqueue(
        _ tenant: UUID, queue: String, kind: String, args: [UInt8] = Array("{}".utf8), uniqueKey: String? = nil,
        runAt: Timestamp? = nil, now: Timestamp, priority: Int16 = 1
    ) -> Query {
        Query(
            "SELECT app.enqueue($1, $2, $3, $4, $5, $6, $7, $8)",
            [
                .uuid(tenant), .text(queue), .text(kind), .jsonb(args), .optional(text: uniqueKey),
                .optional(timestamp: runAt), .timestamp(now), .int2(priority),
            ])
    }

    static func claim(
        _ queue: String, count: Int, lanes: Int, lease: Duration, token: UUID, now: Timestamp
    ) -> Query {
        Query(
            """
            SELECT c.tenant_id, c.id, c.kind, c.args, c.attempt, c.max_attempts, j.trace
              FROM app.claim($1, $2, $3, make_interval(secs => $4), $5, $6) c
              LEFT JOIN app.jobs j ON j.tenant_id = c.tenant_id AND j.id = c.id
            """,
            [
                .text(queue), .int4(Int32(clamping: count)), .int4(Int32(clamping: lanes)),
                .float8(lease / .seconds(1)), .uuid(token), .timestamp(now),
            ])
    }

    static func renew(_ tenant: UUID, _ id: Int64, _ token: UUID, lease: Duration) -> Query {
        Query(
            "SELECT app.renew($1, $2, $3, make_interval(secs => $4))",
            [.uuid(tenant), .int8(id), .uuid(token), .float8(lease / .seconds(1))])
    }

    static func finish(_ tenant: UUID, _ id: Int64, _ token: UUID) -> Query {
        Query("SELECT app.finish_job($1, $2, $3)", [.uuid(tenant), .int8(id), .uuid(token)])
    }

    static func release(
        _ job: Job, runAt: Timestamp?, now: Timestamp, reason: String?, countsAttempt: Bool, args: [UInt8]?
    ) -> Query {
        Query(
            "SELECT app.release_job($1, $2, $3, $4, $5, $6, $7, $8)",
            [
                .uuid(job.tenantID), .int8(job.id), .uuid(job.lease.token), .optional(timestamp: runAt),
                .timestamp(now),
                .optional(text: reason), .bool(countsAttempt), .optional(jsonb: args),
            ])
    }

    static func jobs(_ rows: Rows, queue: String, token: UUID) throws(DatabaseError) -> [Job] {
        var jobs: [Job] = []
        for row in rows {
            jobs.append(
                Job(
                    tenantID: try row.get(0), id: try row.get(1), queue: queue, kind: try row.get(2),
                    args: try row.get(3), attempt: try row.get(4), maxAttempts: try row.get(5),
                    trace: TraceContext(traceparent: (try row.get(6, as: String?.self) ?? "").utf8),
                    lease: JobLease(token: token)))
        }
        return jobs
    }
}
