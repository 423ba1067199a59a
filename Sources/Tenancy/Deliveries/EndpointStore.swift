import EventLoop
import FoundationEssentials
import Persistence

/// An endpoint with its secrets, still sealed.
struct StoredEndpoint: Sendable {
    var endpoint: DeliveryEndpoint
    var secret: [UInt8]
    var previousSecret: [UInt8]?
}

/// The endpoint's SQL.
enum EndpointStore {
    static func find(tenantID: UUID) -> Query {
        Query(
            """
            SELECT url, enabled, disabled_reason, failures, open_until, previous_valid_until, created_at, updated_at,
                   secret, previous_secret
              FROM app.delivery_endpoints WHERE tenant_id = $1
            """, [.uuid(tenantID)])
    }

    /// Makes the endpoint or changes where it points; an existing secret stays. A change gives it a fresh start.
    static func write(tenantID: UUID, url: String, isEnabled: Bool, newSecret: [UInt8], now: Timestamp) -> Query {
        Query(
            """
            INSERT INTO app.delivery_endpoints (tenant_id, url, enabled, secret, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $5)
            ON CONFLICT (tenant_id) DO UPDATE
               SET url = EXCLUDED.url, enabled = EXCLUDED.enabled, updated_at = EXCLUDED.updated_at, failures = 0,
                   open_until = NULL, disabled_reason = NULL
            RETURNING (xmax = 0) AS inserted
            """,
            [.uuid(tenantID), .text(url), .bool(isEnabled), .bytes(newSecret), .timestamp(now)])
    }

    /// A new secret; the one before signs too until the overlap ends.
    static func rotate(tenantID: UUID, secret: [UInt8], previousValidUntil: Timestamp, now: Timestamp) -> Query {
        Query(
            """
            UPDATE app.delivery_endpoints
               SET previous_secret = secret, previous_valid_until = $3, secret = $2, updated_at = $4
             WHERE tenant_id = $1 RETURNING tenant_id
            """, [.uuid(tenantID), .bytes(secret), .timestamp(previousValidUntil), .timestamp(now)])
    }

    /// Stores the circuit.
    static func setCircuit(_ circuit: EndpointCircuit, tenantID: UUID) -> Query {
        Query(
            "UPDATE app.delivery_endpoints SET failures = $2, open_until = $3 WHERE tenant_id = $1",
            [.uuid(tenantID), .int4(Int32(circuit.failures)), .optional(timestamp: circuit.openUntil)])
    }

    /// Switches the endpoint off by itself.
    static func disable(tenantID: UUID, reason: String, now: Timestamp) -> Query {
        Query(
            """
            UPDATE app.delivery_endpoints SET enabled = false, disabled_reason = $2, updated_at = $3 WHERE tenant_id = $1
            """, [.uuid(tenantID), .text(reason), .timestamp(now)])
    }

    static func endpoint(_ row: Row) throws -> StoredEndpoint {
        try StoredEndpoint(
            endpoint: DeliveryEndpoint(
                url: row.get(0), isEnabled: row.get(1), disabledReason: row.get(2),
                circuit: EndpointCircuit(failures: row.get(3), openUntil: row.get(4)), previousValidUntil: row.get(5),
                createdAt: row.get(6), updatedAt: row.get(7)),
            secret: row.get(8), previousSecret: row.get(9))
    }
}
