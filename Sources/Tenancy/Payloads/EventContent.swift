import EventLoop
import JSON

/// The contact keys of an event as received, absent values left out.
public struct ContactKeys: Sendable, Hashable {
    /// The Emarsys id.
    public var externalReferenceID: String?
    /// As sent, trimmed.
    public var phone: String?
    /// As sent, trimmed.
    public var email: String?

    /// Whether there is none.
    public var isEmpty: Bool { externalReferenceID == nil && phone == nil && email == nil }
}

/// One event, read: keys under whatever alias they came, the event's data, and everything else that was sent beside it.
public struct EventContent: Sendable {
    /// Who it is about.
    public var keys: ContactKeys
    /// What happened; nil: missing or not a name.
    public var name: EventName?
    /// When it happened by its own word; nil: not said, or not readable.
    public var occurredAt: Timestamp?
    /// The time as it was written; part of the derived key.
    public var timeText: String?
    /// `event_data`; empty where none was sent.
    public var data: JSONObject
    /// Other top-level members, e.g. `scenario`.
    public var additional: JSONObject
    /// The sender's id of this delivery.
    public var deduplicationID: String?
    /// What makes its shape impossible to take: `invalid_event_name`, `invalid_event_data`, `too_deep`.
    public var refusal: EventFault?
    /// What is worth a note: `event_time_unreadable`.
    public var notes: [String]
}

extension EventContent {
    /// Reads one object of a webhook's body. Keys are matched without regard to case; where a canonical key and an alias
    /// both hold a value, the canonical one counts.
    public init(_ object: JSONObject, policy: WebhookPolicy) {
        var taken = Set<String>()
        var members: [String: (key: String, value: JSON)] = [:]
        for member in object {
            let folded = member.key.lowercased()
            if members[folded] == nil { members[folded] = member }
        }
        func first<T>(_ names: [String], _ read: (JSON) -> T?) -> T? {
            var found: T?
            for name in names {
                guard let member = members[name] else { continue }
                taken.insert(member.key)
                if found == nil { found = read(member.value) }
            }
            return found
        }

        var refusal: EventFault?
        var notes: [String] = []
        data = JSONObject()
        if let value = first(EventKeys.data, { $0.isNull ? nil : $0 }) {
            if let object = Self.object(value) {
                data = object
                if !Self.fits(.object(object), depth: WebhookLimits.eventDataDepth) {
                    refusal = EventFault("event_data", "too_deep", "event_data is nested deeper than 8 levels.")
                }
            } else {
                refusal = EventFault("event_data", "invalid_event_data", "event_data must be an object.")
            }
        }
        keys = ContactKeys(
            externalReferenceID: first(EventKeys.externalReferenceID, AbsentValue.text),
            phone: first(EventKeys.phone, AbsentValue.text),
            email: first(EventKeys.email, AbsentValue.text))
        name = first(EventKeys.name) { $0.string }
            .flatMap { EventName($0, blanksToUnderscore: policy.blanksToUnderscore) }
        timeText = first(EventKeys.time, AbsentValue.text) ?? AbsentValue.text(data["event_time"])
        occurredAt = timeText.flatMap(Self.time)
        if timeText != nil, occurredAt == nil { notes.append("event_time_unreadable") }
        deduplicationID = first(EventKeys.deduplicationID, AbsentValue.text)
        additional = JSONObject(object.members.filter { !taken.contains($0.key) })
        if name == nil {
            refusal = EventFault(
                "event_name", "invalid_event_name", "event_name is required: 1 to 128 of A-Z a-z 0-9 _ . : -")
        }
        self.refusal = refusal
        self.notes = notes
    }

    /// An object, also one written as a JSON string.
    private static func object(_ value: JSON) -> JSONObject? {
        switch value {
        case .object(let object): return object
        case .string(let text):
            let trimmed = text.trimmed
            if AbsentValue.matches(trimmed) { return JSONObject() }
            return (try? JSON.parse(Array(trimmed.utf8)))?.object
        default: return nil
        }
    }

    /// RFC 3339, the same with a blank instead of `T`, or seconds or milliseconds since 1970.
    static func time(_ text: String) -> Timestamp? {
        if let time = Timestamp(rfc3339: text) { return time }
        if let number = Int64(text), number > 0 {
            if number < 100_000_000_000 { return Timestamp(microseconds: number * 1_000_000) }
            return number < 100_000_000_000_000 ? Timestamp(microseconds: number * 1000) : nil
        }
        guard text.utf8.count >= 19 else { return nil }
        var bytes = Array(text.utf8)
        if bytes[10] == UInt8(ascii: " ") { bytes[10] = UInt8(ascii: "T") }
        let joined = String(decoding: bytes, as: UTF8.self)
        return Timestamp(rfc3339: joined) ?? Timestamp(rfc3339: joined + "Z")
    }

    private static func fits(_ value: JSON, depth: Int) -> Bool {
        switch value {
        case .object(let object): depth > 0 && object.members.allSatisfy { fits($0.value, depth: depth - 1) }
        case .array(let elements): depth > 0 && elements.allSatisfy { fits($0, depth: depth - 1) }
        default: true
        }
    }
}

/// The keys of an event and their aliases, canonical first, all in lower case.
enum EventKeys {
    static let externalReferenceID = [
        "external_reference_id", "external_id", "contact_id", "customer_id", "id", "uid",
    ]
    static let email = ["email", "email_address", "e_mail"]
    static let phone = ["phone", "phone_number", "mobile", "mobile_phone", "mobile_number"]
    static let name = ["event_name", "event"]
    static let time = ["event_time", "timestamp"]
    static let data = ["event_data", "custom_data", "data"]
    static let deduplicationID = ["deduplication_id"]
}
