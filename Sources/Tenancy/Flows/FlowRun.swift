import EventLoop
import FoundationEssentials
import JSON

/// One start of a flow for one contact.
public struct FlowRun: Sendable {
    /// The run's id.
    public let id: UUID
    /// The flow, and the version of it that ran.
    public let flowID: UUID
    /// The version.
    public let flowVersion: Int
    /// The event that started it; nil for a test.
    public let eventID: UUID?
    /// The contact; nil for a test.
    public let contactID: UUID?
    /// Where it stands.
    public let state: FlowRunState
    /// Whether a person started it to try the flow.
    public let isTest: Bool
    /// The filled skeleton.
    public let payload: JSON
    /// Keys that nobody filled.
    public let missingKeys: [String]
    /// How often delivery was tried.
    public let attempts: Int
    /// Why the last attempt failed.
    public let lastError: JSON?
    /// When it was started.
    public let createdAt: Timestamp
    /// When it arrived.
    public let deliveredAt: Timestamp?
    /// When the instance acknowledged it.
    public let acknowledgedAt: Timestamp?
    /// The contact as the list carries it, so that an instance that fetches runs needs no second call.
    public let contact: JSON?
    /// The event's name.
    public let eventName: String?
}

extension FlowRun {
    /// As clients see it.
    public var json: JSON {
        [
            "id": .string(id.text), "flow_id": .string(flowID.text), "flow_version": .int(flowVersion),
            "event_id": .optional(eventID?.text), "event_name": .optional(eventName),
            "contact_id": .optional(contactID?.text), "contact": contact ?? .null, "state": .string(state.rawValue),
            "test": .bool(isTest), "payload": payload, "missing_keys": .array(missingKeys.map(JSON.string)),
            "attempts": .int(attempts), "last_error": lastError ?? .null, "created_at": .string(createdAt.rfc3339),
            "delivered_at": .optional(deliveredAt?.rfc3339), "acknowledged_at": .optional(acknowledgedAt?.rfc3339),
        ]
    }
}
