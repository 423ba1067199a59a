import FoundationEssentials
import HTTP
import JSON
import TestSupport
import Testing

/// Identity as clients see it, by the program itself.
@Suite("Identity by the program", .serialized)
struct IdentityProcessTests {
    @Test("rules are read, tried, changed and audited; conflicts and duplicates are read; a deleted contact is gone")
    func everything() async throws {
        let product = try await RunningProduct.start()
        let emarsys = try SandboxProcess.start(contacts: 10)
        let key = try await product.makeInstance("acme")
        func call(_ method: HTTPMethod, _ path: String, _ body: JSON? = nil) async throws -> (status: Int, json: JSON) {
            let answer = try await product.call(
                method, host: "acme", "/api/v0/\(path)", body, headers: ["X-API-Key": key])
            return (answer.status.code, answer.json)
        }
        for (phone, email) in [("+4915112340001", "ab@example.com"), ("+4915112340002", "ab+news@example.com")] {
            try await emarsys.send(
                .object(["phone": .string(phone), "email": .string(email), "event_name": "signed_up"]), to: product,
                key: key)
        }
        let end = ContinuousClock.now + .seconds(20)
        while try await call(.get, "contacts").json["count"]?.int != 2, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(50))
        }

        var rules = try await call(.get, "identity_rules").json["data"]?[0]
        #expect(rules?["auto_merge"]?.string == "safe")
        #expect(rules?["default_country"]?.string == "DE")
        let preview = try await call(
            .post, "identity_rules/preview", ["auto_merge": "never", "blocked_phones": ["+4915112340001"]])
        #expect(preview.status == 200)
        #expect(preview.json["data"]?[0]?["blocked"]?["phones_in_use"]?.int == 1)
        let wrong = try await call(.patch, "identity_rules", ["auto_merge": "maybe", "nonsense": 1])
        #expect(wrong.status == 422)
        #expect(wrong.json["errors"]?.array?.count == 2)
        #expect(
            try await call(.patch, "identity_rules", ["recreate_deleted": true, "default_country": .null]).status == 200
        )
        rules = try await call(.get, "identity_rules").json["data"]?[0]
        #expect(rules?["recreate_deleted"]?.bool == true)
        #expect(rules?["default_country"] == .null)
        let audit = try await product.callOperator(.get, "/api/v0/tenants/acme/audit?limit=1")
        #expect(audit["action"]?.string == "tenant.changed")

        let duplicates = try await call(.get, "possible_duplicates").json
        #expect(duplicates["data"]?[0]?["emails"]?.array?.count == 2)
        #expect(duplicates["next"] == .null)
        #expect(
            try await call(.get, "identity_conflicts/00000000-0000-4000-8000-000000000000").json["code"]?.string
                == "conflict_not_found")

        let chat = try await call(.post, "whatsapp_identities", ["wa_bsuid": "DE.77", "phone": "+49 151 12340001"])
        #expect(chat.status == 200)
        let contact = chat.json["data"]?[0]?["id"]?.string ?? ""
        #expect(chat.json["data"]?[0]?["email"]?.string == "ab@example.com")
        #expect(
            try await call(.post, "whatsapp_identities", ["wa_bsuid": "nobody"]).json["code"]?.string
                == "invalid_wa_bsuid")
        // One id, two phones of two people: parked, and readable.
        _ = try await call(.post, "whatsapp_identities", ["wa_bsuid": "DE.78", "phone": "+4915112340002"])
        _ = try await call(.post, "whatsapp_identities", ["wa_bsuid": "DE.78", "phone": "+4915112340001"])
        let conflict = try await call(.get, "identity_conflicts").json["data"]?[0]
        #expect(conflict?["code"]?.string == "whatsapp_id_mismatch")
        let one = try await call(.get, "identity_conflicts/\(conflict?["id"]?.string ?? "")")
        #expect(one.json["data"]?[0] == conflict)

        #expect(try await call(.delete, "contacts/\(contact)").status == 202)
        #expect(try await call(.get, "contacts/\(contact)").status == 410)
        #expect(try await call(.delete, "contacts/\(contact)").json["code"]?.string == "contact_erased")
        #expect(try await call(.get, "contacts").json["count"]?.int == 1)
        product.stop()
    }
}
