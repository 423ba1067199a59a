import EventLoop
import FoundationEssentials
import HTTP
import JSON

/// Where the charles instance receives what happens.
public struct DeliveryEndpoint: Sendable {
    /// http or https.
    public var url: String
    /// Off: nothing new is queued for it, and what is queued waits.
    public var isEnabled: Bool
    /// Why it was switched off by itself: `gone`.
    public var disabledReason: String?
    /// Whether and how long it is left alone.
    public var circuit: EndpointCircuit
    /// Until when the previous secret signs too.
    public var previousValidUntil: Timestamp?
    /// When it was made.
    public let createdAt: Timestamp
    /// When it was changed last.
    public let updatedAt: Timestamp
}

extension DeliveryEndpoint {
    /// As clients see it; the secret only where they may.
    func json(secret: String?) -> JSON {
        var json: JSON = [
            "url": .string(url), "enabled": .bool(isEnabled), "disabled_reason": .optional(disabledReason),
            "consecutive_failures": .int(circuit.failures), "paused_until": .optional(circuit.openUntil?.rfc3339),
            "previous_secret_valid_until": .optional(previousValidUntil?.rfc3339),
            "created_at": .string(createdAt.rfc3339), "updated_at": .string(updatedAt.rfc3339),
        ]
        if let secret { json["secret"] = .string(secret) }
        return json
    }
}

/// What one delivery is and where it stands.
///
/// queued (waits for its first attempt) → delivered | failed (tried in vain, will be tried again) → delivered | dead (given up
/// after the retry time); dead, delivered, failed → queued (replay). A test delivery is tried once: delivered or failed.
///
/// The database keeps what is still to be tried under one word, `queued`: `failed` is one of these with a last error.
public struct Delivery: Sendable {
    /// The `webhook-id`, the same on every attempt.
    public let id: UUID
    /// E.g. `flow.triggered`.
    public let type: String
    /// Orders deliveries of one contact.
    public let contactID: UUID?
    /// The run it carries, if it carries one.
    public let flowRunID: UUID?
    /// `queued`, `delivered`, `failed`, `dead`.
    public let state: String
    /// Whether it is to be tried (again).
    public let isWaiting: Bool
    /// How often it was tried.
    public let attempts: Int
    /// When it is tried next.
    public let nextAttemptAt: Timestamp?
    /// Why the last attempt failed.
    public let lastError: JSON?
    /// When it was made.
    public let createdAt: Timestamp
    /// When it was taken.
    public let deliveredAt: Timestamp?
    /// The body.
    public let body: JSON
    /// Each attempt, where a single delivery is asked for.
    public var log: [JSON]?
}

extension Delivery {
    /// As clients see it.
    public var json: JSON {
        var json: JSON = [
            "id": .string(id.text), "type": .string(type), "contact_id": .optional(contactID?.text),
            "flow_run_id": .optional(flowRunID?.text), "state": .string(state), "attempts": .int(attempts),
            "next_attempt_at": isWaiting ? .optional(nextAttemptAt?.rfc3339) : .null,
            "last_error": lastError ?? .null, "created_at": .string(createdAt.rfc3339),
            "delivered_at": .optional(deliveredAt?.rfc3339), "body": body,
        ]
        if let log { json["log"] = .array(log) }
        return json
    }
}
