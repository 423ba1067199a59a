import Crypto
import EventLoop
import FoundationEssentials
import HTTP
import JSON

/// Reads a webhook's body: one object or an array of them.
public struct WebhookBody: Sendable {
    /// What became of one element.
    public enum Element: Sendable {
        /// Goes into the inbox, usable or not.
        case event(ReceivedEvent)
        /// Cannot even be kept.
        case refused(EventFault)
    }

    /// The elements, in the order of the body.
    public let elements: [Element]

    /// - Parameters:
    ///   - bytes: The body as received.
    ///   - arrival: Where and when it came.
    ///   - policy: The tenant's rules for reading.
    ///   - check: Finds what makes a readable event unusable, e.g. contact keys that identify nobody.
    ///   - checkKeys: The same where only the keys matter; nil where more does, as with orders.
    /// - Throws: 400 `invalid_json`, 413 `body_too_large` or `event_data_too_large`, 422 for a shape that cannot be taken.
    public init(
        _ bytes: [UInt8], arrival: WebhookArrival, policy: WebhookPolicy,
        check: (EventContent) -> [EventFault], checkKeys: ((ContactKeys) -> [EventFault])? = nil
    ) throws(Problem) {
        guard bytes.count <= WebhookLimits.body else { throw .bodyTooLarge }
        if let checkKeys, let scan = EventScan(bytes.span.bytes, policy: policy) {
            elements = [
                .event(
                    ReceivedEvent(
                        id: ReceivedEvent.makeID(at: arrival.at), name: scan.name.text,
                        occurredAt: scan.occurredAt ?? arrival.at, body: bytes,
                        dedupKey: DedupKey.derive(scan, bytes.span.bytes, arrival), faults: checkKeys(scan.keys)))
            ]
            return
        }
        let document: JSON
        do {
            document = try JSON.parse(bytes, maxDepth: 64)
        } catch {
            guard error.reason == .tooDeep else { throw .invalidJSON(error) }
            throw Self.problem(EventFault("event_data", "too_deep", "The body is nested too deeply."))
        }
        guard !Self.holdsNUL(bytes) else { throw .unstorableText }
        switch document {
        case .object(let object):
            let element = Self.read(object, text: bytes, arrival: arrival, policy: policy, check: check)
            if case .refused(let fault) = element { throw Self.problem(fault) }
            elements = [element]
        case .array(let documents):
            guard !documents.isEmpty else {
                throw Self.problem(EventFault("", "invalid_body", "The array holds no event."))
            }
            guard documents.count <= WebhookLimits.events else {
                throw Self.problem(EventFault("", "too_many_events", "At most 1000 events in one array."))
            }
            let each = WebhookArrival(
                tenantID: arrival.tenantID, source: arrival.source, at: arrival.at, tokenID: arrival.tokenID)
            elements = documents.map { document in
                guard case .object(let object) = document else {
                    return .refused(EventFault("", "invalid_body", "An event must be an object."))
                }
                return Self.read(object, text: document.encoded(), arrival: each, policy: policy, check: check)
            }
            if let first = elements.first, case .refused(let fault) = first, elements.allSatisfy(\.isRefused) {
                throw Self.problem(fault)
            }
        default:
            throw Self.problem(EventFault("", "invalid_body", "The body must be an object or an array of objects."))
        }
    }

    private static func read(
        _ object: JSONObject, text: [UInt8], arrival: WebhookArrival, policy: WebhookPolicy,
        check: (EventContent) -> [EventFault]
    ) -> Element {
        let content = EventContent(object, policy: policy)
        if let refusal = content.refusal { return .refused(refusal) }
        if text.count > WebhookLimits.eventData, JSON.object(content.data).encoded().count > WebhookLimits.eventData {
            return .refused(EventFault("event_data", "event_data_too_large", "event_data is larger than 64 KiB."))
        }
        return .event(
            ReceivedEvent(
                id: ReceivedEvent.makeID(at: arrival.at), name: content.name?.text,
                occurredAt: content.occurredAt ?? arrival.at,
                body: text, dedupKey: DedupKey.derive(content, arrival), faults: check(content)))
    }

    /// Whether the escape `\u0000` occurs, which the database cannot keep. Checked after the grammar.
    private static func holdsNUL(_ bytes: [UInt8]) -> Bool {
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "\\") else {
                index += 1
                continue
            }
            if index + 5 < bytes.count, bytes[index + 1] == UInt8(ascii: "u"),
                bytes[(index + 2)...(index + 5)].allSatisfy({ $0 == UInt8(ascii: "0") })
            {
                return true
            }
            index += 2
        }
        return false
    }

    private static func problem(_ fault: EventFault) -> Problem {
        Problem(
            fault.code == "event_data_too_large" ? .contentTooLarge : .unprocessableContent, fault.code,
            detail: fault.message,
            errors: fault.field.isEmpty
                ? [] : [FieldError(field: fault.field, code: fault.code, message: fault.message)])
    }
}

extension WebhookBody.Element {
    /// Whether it is not kept.
    var isRefused: Bool { if case .refused = self { true } else { false } }
}

extension Problem {
    /// 413
    static var bodyTooLarge: Problem {
        Problem(.contentTooLarge, "body_too_large", detail: "The body is larger than 256 KiB.")
    }

    /// 400
    static func invalidJSON(_ error: JSONError) -> Problem {
        Problem(.badRequest, "invalid_json", detail: "The body is not JSON: \(error).")
    }

    /// 400
    static var unstorableText: Problem {
        Problem(.badRequest, "invalid_json", detail: "The body holds the character U+0000.")
    }
}
