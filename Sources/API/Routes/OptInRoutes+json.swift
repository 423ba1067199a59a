import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Tenancy

extension OptInRoutes {
    /// Reads the body of a decision; throws 422 with every fault in it.
    static func decision(_ body: JSON) throws(Problem) -> ConsentDecision {
        var faults: [FieldError] = []
        func text(_ json: JSON?, _ field: String) -> String? {
            switch json {
            case nil, .null?: return nil
            case .string(let text)? where !text.isEmpty: return text
            default:
                faults.append(FieldError(field: field, code: "not_a_text", message: "must be a text that is not empty"))
                return nil
            }
        }
        var reference = ContactReference()
        if let contact = body["contact"]?.object.map(JSON.object) {
            if let id = text(contact["id"], "contact.id") {
                reference.id = UUID(uuidString: id)
                if reference.id == nil {
                    faults.append(FieldError(field: "contact.id", code: "invalid_id", message: "must be an id"))
                }
            }
            // Emarsys ids are numbers in some places and texts in others.
            if let number = contact["external_reference_id"]?.int64 {
                reference.externalReferenceID = String(number)
            } else {
                reference.externalReferenceID = text(contact["external_reference_id"], "contact.external_reference_id")
            }
            reference.phone = text(contact["phone"], "contact.phone")
            reference.email = text(contact["email"], "contact.email")
        }
        if reference.isEmpty && faults.isEmpty {
            faults.append(
                FieldError(
                    field: "contact", code: "required",
                    message: "name the contact by id, external_reference_id, phone or email"))
        }
        let status = text(body["status"], "status").flatMap(ConsentStatus.init)
        if status == nil {
            faults.append(
                FieldError(
                    field: "status", code: "invalid_status", message: "must be granted, denied, withdrawn or pending"))
        }
        var occurredAt: Timestamp?
        if let time = text(body["occurred_at"], "occurred_at") {
            occurredAt = Timestamp(rfc3339: time)
            if occurredAt == nil {
                faults.append(
                    FieldError(field: "occurred_at", code: "invalid_time", message: "must be a time in RFC 3339"))
            }
        }
        let evidence = evidence(body["evidence"], &faults)
        let source = text(body["source"], "source") ?? "api"
        let type = text(body["subscription_type"], "subscription_type") ?? "whatsapp"
        guard faults.isEmpty, let status else { throw .invalid(faults) }
        return ConsentDecision(
            contact: reference, status: status, occurredAt: occurredAt, subscriptionType: type, source: source,
            byUser: body["by_user"]?.bool, evidence: evidence)
    }

    /// An object, or a text that becomes one.
    private static func evidence(_ json: JSON?, _ faults: inout [FieldError]) -> JSON? {
        switch json {
        case nil, .null?: return nil
        case .object?: break
        case .string(let text)?: return ["text": .string(text)]
        default:
            faults.append(
                FieldError(field: "evidence", code: "invalid_evidence", message: "must be an object or a text"))
        }
        if let json, json.encoded().count > 16_384 {
            faults.append(FieldError(field: "evidence", code: "too_large", message: "must be at most 16 KB"))
        }
        return json
    }

    static func json(_ recorded: RecordedConsent) -> JSON {
        guard case .object(var object) = json(recorded.entry) else { return .null }
        object["opt_in"] = recorded.optIn.map { .string($0.rawValue) } ?? .null
        object["export"] =
            recorded.export.map { ["id": .string($0.id.text), "state": .string($0.state)] } ?? .null
        return .object(object)
    }

    static func json(_ entry: ConsentEntry) -> JSON {
        [
            "id": .string(entry.id.text), "contact_id": .string(entry.contactID.text), "phone": .optional(entry.phone),
            "subscription_type": .string(entry.subscriptionType), "status": .string(entry.status.rawValue),
            "occurred_at": .optional(entry.occurredAt?.rfc3339), "received_at": .string(entry.receivedAt.rfc3339),
            "source": .string(entry.source), "by_user": entry.byUser.map { .bool($0) } ?? .null,
            "evidence": entry.evidence ?? .null, "actor": .string(entry.actor),
            "request_id": .optional(entry.requestID), "is_current": .bool(entry.isCurrent),
        ]
    }

    static func json(_ export: OptInExport, now: Timestamp) -> JSON {
        [
            "id": .string(export.id.text), "contact_id": .string(export.contactID.text),
            "status": .string(export.optIn.rawValue), "state": .string(export.state.rawValue),
            "external_reference_id": .optional(export.emarsysIDs.first),
            "external_reference_ids": .array(export.emarsysIDs.map { .string($0) }), "reason": .string(export.reason),
            "attempts": .number(JSONNumber(export.attempts)), "last_error": export.lastError ?? .null,
            "age_seconds": .number(JSONNumber(export.age(now: now).components.seconds)),
            "occurred_at": .string(export.consentAt.rfc3339), "created_at": .string(export.createdAt.rfc3339),
            "next_attempt_at": export.state == .queued ? .string(export.nextAttemptAt.rfc3339) : .null,
            "sent_at": .optional(export.sentAt?.rfc3339), "confirmed_at": .optional(export.confirmedAt?.rfc3339),
        ]
    }
}

extension UUID {
    fileprivate var text: String { uuidString.lowercased() }
}

extension JSON {
    fileprivate static func optional(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }
}
