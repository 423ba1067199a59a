import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// One row for the inbox.
struct InboxRow: Sendable {
    let tenantID: UUID
    let source: EventSource
    let status: EventStatus
    let receivedAt: Timestamp
    let event: ReceivedEvent
    /// The trace of the request that brought it.
    var trace = TraceContext.current

    /// Two writers that insert in one order cannot wait for each other in a circle.
    static func precedes(_ left: InboxRow, _ right: InboxRow) -> Bool {
        let order = withUnsafeBytes(of: left.tenantID.uuid) { one in
            withUnsafeBytes(of: right.tenantID.uuid) { memcmpOrder(one, $0) }
        }
        if order != 0 { return order < 0 }
        if left.source != right.source { return left.source == .custom }
        return left.event.dedupKey.withUnsafeBytes { one in
            right.event.dedupKey.withUnsafeBytes { memcmpOrder(one, $0) }
        } < 0
    }

    private static func memcmpOrder(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        for (one, other) in zip(left, right) where one != other { return one < other ? -1 : 1 }
        return left.count - right.count
    }
}

/// The inbox's SQL.
enum InboxStore {
    /// Appends rows; those whose key is there already are left out of the answer.
    static func append(_ rows: [InboxRow]) -> Query {
        Query(
            """
            INSERT INTO app.events (tenant_id, id, source, status, dedup_key, event_name, occurred_at, received_at, body, errors,
                                    traceparent)
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::timestamptz[],
                                 $8::timestamptz[], $9::jsonb[], $10::jsonb[], $11::text[])
            ON CONFLICT (tenant_id, source, dedup_key) WHERE dedup_key IS NOT NULL DO NOTHING
            RETURNING id
            """,
            [
                .uuidArray(rows.map(\.tenantID)), .uuidArray(rows.map(\.event.id)),
                .textArray(rows.map(\.source.rawValue)), .textArray(rows.map(\.status.rawValue)),
                .byteaArray(rows.map(\.event.dedupKey)), .textArray(rows.map(\.event.name)),
                .timestampArray(rows.map(\.event.occurredAt)), .timestampArray(rows.map(\.receivedAt)),
                .jsonbArray(rows.map(\.event.body)), .jsonbArray(rows.map { EventFault.encode($0.event.faults) }),
                .textArray(rows.map { $0.trace?.traceparent }),
            ])
    }

    /// The rows that hold the keys: (tenant, source, key, id, received).
    static func holders(of rows: [InboxRow]) -> Query {
        Query(
            """
            SELECT e.tenant_id, e.source, e.dedup_key, e.id, e.received_at
              FROM unnest($1::uuid[], $2::text[], $3::bytea[]) AS k (tenant_id, source, dedup_key)
              JOIN app.events e ON e.tenant_id = k.tenant_id AND e.source = k.source AND e.dedup_key = k.dedup_key
            """,
            [
                .uuidArray(rows.map(\.tenantID)), .textArray(rows.map(\.source.rawValue)),
                .byteaArray(rows.map(\.event.dedupKey)),
            ])
    }

    /// Opens the window again: an event older than a day gives up its key.
    static func releaseKey(tenantID: UUID, eventID: UUID, before: Timestamp) -> Query {
        Query(
            "UPDATE app.events SET dedup_key = NULL WHERE tenant_id = $1 AND id = $2 AND received_at < $3",
            [.uuid(tenantID), .uuid(eventID), .timestamp(before)])
    }

    /// Wakes the processing of tenants. Sent after their events are committed: a waiting job that this statement finds is
    /// claimed later than that, so it sees them.
    static func wake(_ tenants: [UUID], now: Timestamp) -> Query {
        Query(
            """
            INSERT INTO app.jobs (tenant_id, queue, kind, unique_key, run_at)
            SELECT t, 'events', 'process_events', 'drain', $2 FROM unnest($1::uuid[]) AS t
            ON CONFLICT (tenant_id, queue, unique_key) WHERE unique_key IS NOT NULL AND state IN (0, 4) DO NOTHING
            """, [.uuidArray(tenants), .timestamp(now)])
    }

    /// Tenants with events to process and no job that would. Scope: operator.
    static let stranded: StaticString = """
        WITH RECURSIVE t(id) AS (
            (SELECT tenant_id FROM app.events WHERE status = 'accepted' ORDER BY tenant_id LIMIT 1)
            UNION ALL
            SELECT (SELECT e.tenant_id FROM app.events e WHERE e.status = 'accepted' AND e.tenant_id > t.id
                     ORDER BY e.tenant_id LIMIT 1)
              FROM t WHERE t.id IS NOT NULL)
        SELECT t.id FROM t
         WHERE t.id IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM app.jobs j
                            WHERE j.tenant_id = t.id AND j.queue = 'events' AND j.state IN (0, 4))
        """
}

extension EventFault {
    /// `[{"field","code","message"}]`; nil for none.
    static func encode(_ faults: [EventFault]) -> [UInt8]? {
        guard !faults.isEmpty else { return nil }
        return JSON.array(faults.map(\.json)).encoded()
    }

    var json: JSON { ["field": .string(field), "code": .string(code), "message": .string(message)] }
}
