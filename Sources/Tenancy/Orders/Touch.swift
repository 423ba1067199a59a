import EventLoop
import FoundationEssentials
import HTTP
import JSON

/// Something that reached a contact, or that the contact did: orders are attributed to the last one before them.
public struct Touch: Sendable {
    /// Its id.
    public let id: UUID
    /// Whom it reached.
    public let contactID: UUID
    /// `flow`, `read`, `click` or `reply`.
    public let kind: String
    /// The flow.
    public let flowID: UUID?
    /// The run of the flow.
    public let flowRunID: UUID?
    /// The campaign.
    public let campaign: String?
    /// When.
    public let occurredAt: Timestamp

    /// As clients see it.
    public var json: JSON {
        [
            "id": .string(id.text), "contact_id": .string(contactID.text), "kind": .string(kind),
            "flow_id": .optional(flowID?.text), "flow_run_id": .optional(flowRunID?.text),
            "campaign": .optional(campaign), "occurred_at": .string(occurredAt.rfc3339),
        ]
    }
}

/// A touch as a client sends it.
struct TouchInput {
    var contact = ContactReference()
    var kind = ""
    var flowID: UUID?
    var flowRunID: UUID?
    var campaign: String?
    var occurredAt: Timestamp

    init(_ body: JSON, now: Timestamp) throws(Problem) {
        var errors: [FieldError] = []
        func fault(_ field: String, _ code: String, _ message: String) {
            errors.append(FieldError(field: field, code: code, message: message))
        }
        func id(_ field: String, _ json: JSON?) -> UUID? {
            guard let json, !json.isNull else { return nil }
            if let id = json.string.flatMap(UUID.init(uuidString:)) { return id }
            fault(field, "invalid_id", "must be an id")
            return nil
        }
        occurredAt = now
        let reference = body["contact"] ?? .null
        contact.id = id("contact.id", reference["id"]) ?? id("contact_id", body["contact_id"])
        contact.externalReferenceID = AbsentValue.text(reference["external_reference_id"])
        contact.phone = AbsentValue.text(reference["phone"])
        contact.email = AbsentValue.text(reference["email"])
        if contact.isEmpty, errors.isEmpty {
            fault("contact", "required", "name the contact by id, external_reference_id, phone or email")
        }
        kind = body["kind"]?.string ?? ""
        if !["read", "click", "reply"].contains(kind) { fault("kind", "unknown", "must be read, click or reply") }
        flowID = id("flow_id", body["flow_id"])
        flowRunID = id("flow_run_id", body["flow_run_id"])
        if let value = body["campaign"], !value.isNull {
            campaign = value.string?.trimmed
            if campaign.map({ $0.isEmpty || $0.utf8.count > 200 }) ?? true {
                fault("campaign", "invalid", "must be 1 to 200 characters")
            }
        }
        if let value = body["occurred_at"], !value.isNull {
            if let time = value.string.flatMap({ Timestamp(rfc3339: $0) }), time <= now + .seconds(300) {
                occurredAt = time
            } else {
                fault("occurred_at", "invalid_time", "must be a time in RFC 3339 that is not in the future")
            }
        }
        guard errors.isEmpty else { throw .invalid(errors) }
    }
}
