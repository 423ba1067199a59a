import FoundationEssentials
import HTTP
import JSON

/// A flow as a client writes it; what is nil was not sent.
struct FlowInput {
    var name: String?
    var trigger: FlowTrigger?
    var eventName: String?
    var payload: JSONObject?
    var isEnabled: Bool?
    var requiresConsent: Bool?
    var frequencyCap: FrequencyCap??

    /// Reads a body. With `isComplete`, name, trigger and event_name must be there.
    init(_ body: JSON, isComplete: Bool) throws(Problem) {
        guard let object = body.object else {
            throw .invalid([FieldError(field: "", code: "invalid_body", message: "must be an object")])
        }
        var errors: [FieldError] = []
        func fault(_ field: String, _ code: String, _ message: String) {
            errors.append(FieldError(field: field, code: code, message: message))
        }
        func required(_ field: String) -> JSON? {
            if let value = object[field] { return value }
            if isComplete { fault(field, "required", "is required") }
            return nil
        }
        if let value = required("name") {
            name = value.string?.trimmed
            if name.map({ $0.isEmpty || $0.utf8.count > 200 }) ?? true {
                fault("name", "invalid", "must be 1 to 200 characters")
            }
        }
        if let value = required("trigger") {
            trigger = value.string.flatMap(FlowTrigger.init)
            if trigger == nil { fault("trigger", "unknown", "must be emarsys_event or emarsys_order") }
        }
        if let value = required("event_name") {
            eventName = value.string.flatMap { EventNameRule.matches($0) ? $0 : nil }
            if eventName == nil { fault("event_name", "invalid_event_name", "must be 1 to 128 of A-Z a-z 0-9 _ . : -") }
        }
        if let value = object["payload"] {
            payload = value.object
            if payload == nil || value.encoded().count > 65_536 {
                fault("payload", "invalid", "must be an object of at most 64 KiB")
            }
        }
        if let value = object["enabled"] {
            isEnabled = value.bool
            if isEnabled == nil { fault("enabled", "invalid", "must be true or false") }
        }
        if let value = object["require_consent"] {
            requiresConsent = value.bool
            if requiresConsent == nil { fault("require_consent", "invalid", "must be true or false") }
        }
        if let value = object["frequency_cap"] {
            if value.isNull {
                frequencyCap = .some(nil)
            } else if let cap = FrequencyCap(value) {
                frequencyCap = .some(cap)
            } else {
                fault("frequency_cap", "invalid", "must be {\"max\": 1…1000, \"hours\": 1…8760} or null")
            }
        }
        guard errors.isEmpty else { throw .invalid(errors) }
    }
}
