import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// The flows' SQL.
enum FlowStore {
    static func list(_ database: Database, tenantID: UUID, request: PageRequest) async throws -> [Flow] {
        try await database.run(
            .tenant(tenantID),
            Query(
                """
                SELECT id, name, trigger, event_name, payload, enabled, require_consent, frequency_cap, version,
                       created_at, updated_at
                  FROM app.flows
                 WHERE tenant_id = $1 AND deleted_at IS NULL AND (created_at, id) < ($2, $3)
                 ORDER BY created_at DESC, id DESC LIMIT $4
                """,
                [
                    .uuid(tenantID), .timestamp(request.fallingTime), .uuid(request.fallingID),
                    .int4(request.fetchCount),
                ])
        ).map(flow)
    }

    static func find(_ database: Database, tenantID: UUID, id: UUID) async throws -> Flow? {
        try await database.run(.tenant(tenantID), find(tenantID: tenantID, id: id)).first.map(flow)
    }

    static func find(_ transaction: Transaction, tenantID: UUID, id: UUID) async throws -> Flow? {
        try await transaction.query(find(tenantID: tenantID, id: id)).first.map(flow)
    }

    private static func find(tenantID: UUID, id: UUID) -> Query {
        Query(
            """
            SELECT id, name, trigger, event_name, payload, enabled, require_consent, frequency_cap, version,
                   created_at, updated_at
              FROM app.flows WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL
            """, [.uuid(tenantID), .uuid(id)])
    }

    /// The enabled flows of a trigger that wait for one of the names, oldest first.
    static func waiting(tenantID: UUID, trigger: FlowTrigger, names: [String]) -> Query {
        Query(
            """
            SELECT id, name, trigger, event_name, payload, enabled, require_consent, frequency_cap, version,
                   created_at, updated_at
              FROM app.flows
             WHERE tenant_id = $1 AND trigger = $2 AND event_name = ANY ($3) AND enabled AND deleted_at IS NULL
             ORDER BY created_at, id
            """, [.uuid(tenantID), .text(trigger.rawValue), .textArray(names)])
    }

    /// Adds or replaces a flow.
    static func write(_ flow: Flow, tenantID: UUID) -> Query {
        Query(
            """
            INSERT INTO app.flows (tenant_id, id, name, trigger, event_name, payload, enabled, require_consent,
                                   frequency_cap, version, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            ON CONFLICT (tenant_id, id) DO UPDATE
               SET name = EXCLUDED.name, trigger = EXCLUDED.trigger, event_name = EXCLUDED.event_name,
                   payload = EXCLUDED.payload, enabled = EXCLUDED.enabled, require_consent = EXCLUDED.require_consent,
                   frequency_cap = EXCLUDED.frequency_cap, version = EXCLUDED.version, updated_at = EXCLUDED.updated_at
            """,
            [
                .uuid(tenantID), .uuid(flow.id), .text(flow.name), .text(flow.trigger.rawValue), .text(flow.eventName),
                .jsonb(JSON.object(flow.payload).encoded()), .bool(flow.isEnabled), .bool(flow.requiresConsent),
                .optional(jsonb: flow.frequencyCap?.json.encoded()), .int4(Int32(flow.version)),
                .timestamp(flow.createdAt), .timestamp(flow.updatedAt),
            ])
    }

    /// Locks a flow against a second change at the same time.
    static func lock(tenantID: UUID, id: UUID) -> Query {
        Query(
            "SELECT 1 FROM app.flows WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE",
            [.uuid(tenantID), .uuid(id)])
    }

    /// Hides a flow; its runs stay. Answers its id.
    static func remove(tenantID: UUID, id: UUID, now: Timestamp) -> Query {
        Query(
            """
            UPDATE app.flows SET deleted_at = $3, enabled = false, updated_at = $3
             WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL RETURNING id
            """, [.uuid(tenantID), .uuid(id), .timestamp(now)])
    }

    static func flow(_ row: Row) throws -> Flow {
        let cap: [UInt8]? = try row.get(7)
        return try Flow(
            id: row.get(0), name: row.get(1), trigger: FlowTrigger(rawValue: row.get(2)) ?? .emarsysEvent,
            eventName: row.get(3), payload: JSON.stored(row.get(4)).object ?? JSONObject(), isEnabled: row.get(5),
            requiresConsent: row.get(6), frequencyCap: FrequencyCap(cap.map(JSON.stored)),
            version: row.get(8), createdAt: row.get(9), updatedAt: row.get(10))
    }
}

extension JSON {
    /// What a `jsonb` column holds. The database keeps nothing that is no JSON.
    static func stored(_ bytes: [UInt8]) -> JSON { (try? JSON.parse(bytes)) ?? .null }
}
