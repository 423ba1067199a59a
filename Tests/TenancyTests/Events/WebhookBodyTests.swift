import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Testing

@testable import Tenancy

@Suite("A webhook's body")
struct WebhookBodyTests {
    private let tenant = UUID()
    private let now = Timestamp(seconds: 1_795_421_760)

    private func read(
        _ text: String, source: EventSource = .custom, tokenID: String? = nil, key: String? = nil
    ) throws -> [WebhookBody.Element] {
        try WebhookBody(
            Array(text.utf8),
            arrival: WebhookArrival(
                tenantID: tenant, source: source, at: now, tokenID: tokenID, idempotencyKey: key),
            policy: WebhookPolicy()
        ) { content in
            content.keys.isEmpty ? [EventFault("contact", "contact_key_missing", "none")] : []
        }.elements
    }

    private func event(_ text: String) throws -> ReceivedEvent {
        guard case .event(let event) = try #require(try read(text).first) else {
            throw JSONError(.unexpectedKind, at: 0)
        }
        return event
    }

    private func code(_ text: String) -> String? {
        do { _ = try read(text) } catch {
            return "\((error as? Problem)?.status.code ?? 0) \((error as? Problem)?.code ?? "")"
        }
        return nil
    }

    @Test("the text is kept as it came")
    func verbatim() throws {
        let text = #" { "phone" : "+4915112345678", "event_name":"cart", "event_data": {"b":1.50,"a":"ä"} } "#
        #expect(try String(decoding: event(text).body, as: UTF8.self) == text)
    }

    @Test("what is no JSON, or cannot be stored, is refused with 400")
    func invalidJSON() {
        #expect(code("{") == "400 invalid_json")
        #expect(code("") == "400 invalid_json")
        #expect(code(#"{"event_name":"x","a":"\u0000"}"#) == "400 invalid_json")
        #expect(code(#"{"event_name":"x","phone":"+49151","a":"\\u0000"}"#) == nil)
        #expect(code(#"{"event_name":"x","a":"\ud800"}"#) == "400 invalid_json")
        var bytes = Array(#"{"event_name":"x","a":"?"}"#.utf8)
        bytes[23] = 0xFF
        #expect(throws: Problem.self) {
            try WebhookBody(
                bytes, arrival: WebhookArrival(tenantID: tenant, source: .custom, at: now), policy: WebhookPolicy()
            ) { _ in [] }
        }
    }

    @Test("shapes that are no event are refused with 422, too much with 413")
    func shapes() {
        #expect(code("7") == "422 invalid_body")
        #expect(code("[]") == "422 invalid_body")
        #expect(code("[1]") == "422 invalid_body")
        #expect(code(#"{"phone":"+49151"}"#) == "422 invalid_event_name")
        #expect(code(#"[{"phone":"+49151"}]"#) == "422 invalid_event_name")
        #expect(code(#"{"event_name":"x","event_data":7}"#) == "422 invalid_event_data")
        let long = String(repeating: "x", count: 65_536)
        #expect(code(#"{"event_name":"x","event_data":{"a":""# + long + #""}}"#) == "413 event_data_too_large")
        #expect(code(#"{"event_name":"x","a":""# + long + long + long + long + #""}"#) == "413 body_too_large")
        #expect(code(String(repeating: "[", count: 100) + String(repeating: "]", count: 100)) == "422 too_deep")
    }

    @Test("each element of an array is judged for itself")
    func arrays() throws {
        let elements = try read(
            #"[{"phone":"+49151","event_name":"x"},{"event_name":"bad name"},{"event_name":"x"},3]"#)
        try #require(elements.count == 4)
        guard case .event(let first) = elements[0], case .refused(let second) = elements[1],
            case .event(let third) = elements[2], case .refused(let fourth) = elements[3]
        else {
            Issue.record("not judged one by one")
            return
        }
        #expect(first.faults.isEmpty)
        #expect(second.code == "invalid_event_name")
        #expect(third.faults.map(\.code) == ["contact_key_missing"])
        #expect(fourth.code == "invalid_body")
    }

    @Test("copies share a key; the order of members and white space do not matter")
    func copies() throws {
        let first = try event(#"{"phone":"+49151","event_name":"x","event_data":{"a":1,"b":{"d":2,"c":3}}}"#)
        let copy = try event(#"{"event_name":"x","event_data":{"b":{"c":3,"d":2}, "a":1},"phone":"+49151"}"#)
        #expect(first.dedupKey == copy.dedupKey)
        #expect(first.id != copy.id)
    }

    @Test(
        "another contact, name, time or content is another event",
        arguments: [
            #"{"phone":"+49152","event_name":"x","event_time":"t","event_data":{"a":1}}"#,
            #"{"phone":"+49151","event_name":"y","event_time":"t","event_data":{"a":1}}"#,
            #"{"phone":"+49151","event_name":"x","event_time":"u","event_data":{"a":1}}"#,
            #"{"phone":"+49151","event_name":"x","event_time":"t","event_data":{"a":2}}"#,
        ])
    func different(text: String) throws {
        let first = try event(#"{"phone":"+49151","event_name":"x","event_time":"t","event_data":{"a":1}}"#)
        #expect(try event(text).dedupKey != first.dedupKey)
    }

    @Test("the sender's deduplication id decides alone")
    func deduplicationID() throws {
        let first = try event(#"{"phone":"+49151","event_name":"x","deduplication_id":"d1","event_data":{"a":1}}"#)
        let second = try event(#"{"phone":"+49151","event_name":"x","deduplication_id":"d1","event_data":{"a":2}}"#)
        let third = try event(#"{"phone":"+49151","event_name":"x","deduplication_id":"d2","event_data":{"a":1}}"#)
        #expect(first.dedupKey == second.dedupKey)
        #expect(first.dedupKey != third.dedupKey)
    }

    @Test(
        "the quick reading says what the long one says",
        arguments: [
            #"{"external_reference_id":"8123456789","email":"a@b.de","phone":"+49151","event_name":"cart","event_time":"2026-11-23T08:16:00Z","event_data":{"b":[1,{"c":null}],"a":1.50}}"#,
            #" {"ID":7, "Event":"x", "DATA":{"event_time":"2026-11-23T08:16:00Z"}, "scenario":{"deep":[1]} } "#,
            #"{"phone":"\u002b49151","event_name":"x","deduplication_id":"d","event_data":null}"#,
            #"{"mobile":"null","e_mail":"-","event_name":"x","timestamp":1795421760}"#,
            #"{"contact_id":"0","custom_data":{},"event_name":"x"}"#,
        ])
    func quickReading(text: String) throws {
        let bytes = Array(text.utf8)
        let scanned = EventScan(bytes.span.bytes, policy: WebhookPolicy())
        let scan = try #require(scanned)
        let content = EventContent(try #require(try JSON.parse(bytes).object), policy: WebhookPolicy())
        #expect(scan.keys == content.keys)
        #expect(scan.name == content.name)
        #expect(scan.timeText == content.timeText)
        #expect(scan.occurredAt == content.occurredAt)
        #expect(scan.deduplicationID == content.deduplicationID)
        let arrival = WebhookArrival(tenantID: tenant, source: .custom, at: now)
        let quick = DedupKey.derive(scan, bytes.span.bytes, arrival)
        #expect(quick == DedupKey.derive(content, arrival))
    }

    @Test(
        "what is unusual goes the long way",
        arguments: [
            #"{"id":"1","external_id":"2","event_name":"x"}"#, #"{"event_name":"x","event_name":"y"}"#,
            #"{"\u0069d":"1","event_name":"x"}"#, #"{"event_name":"a b"}"#, #"{"phone":"1"}"#, "[]", "{",
            #"{"event_name":"x","event_data":"{}"}"#, #"{"event_name":"x","a":"\u0000"}"#,
            #"{"event_name":"x","event_data":[[[[[[[[[1]]]]]]]]]}"#,
        ])
    func longWay(text: String) {
        let bytes = Array(text.utf8)
        let isScanned = EventScan(bytes.span.bytes, policy: WebhookPolicy()) != nil
        #expect(!isScanned)
    }
}
