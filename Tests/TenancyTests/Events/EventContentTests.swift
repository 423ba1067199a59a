import EventLoop
import JSON
import Testing

@testable import Tenancy

@Suite("What an event says")
struct EventContentTests {
    private func content(_ json: JSON, _ policy: WebhookPolicy = WebhookPolicy()) throws -> EventContent {
        EventContent(try #require(json.object), policy: policy)
    }

    @Test("every alias is understood, whatever its case")
    func aliases() throws {
        for key in ["external_reference_id", "external_id", "contact_id", "Customer_ID", "ID", "uid"] {
            #expect(try content([key: 812_345_678, "event": "x"]).keys.externalReferenceID == "812345678", "\(key)")
        }
        for key in ["email", "email_address", "E_Mail", "EMAIL"] {
            #expect(try content([key: " a@b.de ", "event": "x"]).keys.email == "a@b.de", "\(key)")
        }
        for key in ["phone", "phone_number", "Mobile", "mobile_phone", "mobile_number"] {
            #expect(try content([key: "+4915112345678", "event_name": "x"]).keys.phone == "+4915112345678", "\(key)")
        }
        for key in ["event_data", "custom_data", "data"] {
            #expect(try content([key: ["a": 1], "event_name": "x"]).data == ["a": 1], "\(key)")
        }
    }

    @Test("a canonical key with a value wins over an alias, an absent one does not")
    func canonicalFirst() throws {
        #expect(try content(["id": "2", "external_reference_id": "1"]).keys.externalReferenceID == "1")
        #expect(try content(["id": "2", "external_reference_id": "null"]).keys.externalReferenceID == "2")
    }

    @Test(
        "what stands for no value counts as not sent",
        arguments: ["", "  ", "null", "NULL", "0", "000", "-", "---", "-1", "anonymous", "undefined"])
    func absent(text: String) throws {
        #expect(try content(["external_id": .string(text), "email": .string(text), "phone": nil]).keys.isEmpty)
    }

    @Test("the rest of the top level is kept as additional data")
    func additional() throws {
        let read = try content(["phone": "+49151", "event_name": "x", "scenario": "winter", "ems_program_id": 7])
        #expect(read.additional == ["scenario": "winter", "ems_program_id": 7])
    }

    @Test("event_data may be written as a JSON string")
    func dataAsText() throws {
        #expect(try content(["event_data": "{\"a\":{\"b\":2}}", "event_name": "x"]).data == ["a": ["b": 2]])
        #expect(try content(["event_data": "[1]", "event_name": "x"]).refusal?.code == "invalid_event_data")
    }

    @Test("event_time is read from the top, from inside, with a blank, and as seconds")
    func times() throws {
        let expected = Timestamp(rfc3339: "2026-11-23T08:16:00Z")
        #expect(try content(["event_time": "2026-11-23T08:16:00Z"]).occurredAt == expected)
        #expect(try content(["timestamp": "2026-11-23 08:16:00"]).occurredAt == expected)
        #expect(try content(["event_data": ["event_time": "2026-11-23T09:16:00+01:00"]]).occurredAt == expected)
        #expect(try content(["event_time": 1_795_421_760]).occurredAt == expected)
        let odd = try content(["event_time": "yesterday"])
        #expect(odd.occurredAt == nil)
        #expect(odd.notes == ["event_time_unreadable"])
    }

    @Test(
        "names that no flow could have are refused",
        arguments: ["", "two words", "tab\t", "ü", "a/b", String(repeating: "x", count: 129)])
    func badNames(name: String) throws {
        #expect(try content(["event_name": .string(name)]).refusal?.code == "invalid_event_name")
    }

    @Test("blanks become underscores where the tenant wants it")
    func blanks() throws {
        let read = try content(["event_name": "two words"], WebhookPolicy(blanksToUnderscore: true))
        #expect(read.name?.text == "two_words")
    }

    @Test("event_data may be eight levels deep and no more")
    func depth() throws {
        func nested(_ levels: Int) -> JSON { levels == 1 ? ["x": 1] : ["x": nested(levels - 1)] }
        #expect(try content(["event_name": "x", "event_data": nested(8)]).refusal == nil)
        #expect(try content(["event_name": "x", "event_data": nested(9)]).refusal?.code == "too_deep")
    }
}
