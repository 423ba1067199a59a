import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Tenancy
import TestSupport
import Testing

@Suite("Opt-ins over HTTP")
struct OptInTests {
    private let stage: APIStage
    private static let path = "/api/v0/opt_ins"

    init() throws { stage = try APIStage() }

    private func post(_ body: JSON, _ key: String, idempotencyKey: String? = nil) async throws -> APIStage.Answer {
        var headers: HTTPHeaders = ["X-API-Key": key]
        if let idempotencyKey { headers.set("Idempotency-Key", idempotencyKey) }
        return try await stage.call(.post, Self.path, headers: headers, body: body)
    }

    private func get(_ path: String, _ key: String) async throws -> APIStage.Answer {
        try await stage.call(.get, path, headers: ["X-API-Key": key])
    }

    /// The opt-in field, as if it had been chosen.
    private func chooseField() throws {
        try stage.test.administer(
            "INSERT INTO app.opt_in_fields (tenant_id, field_id) SELECT tenant_id, '501' FROM app.tenants")
    }

    @Test("every status is recorded and answered with its ledger entry, state and export")
    func recording() async throws {
        let key = try await stage.instance().key
        try chooseField()
        let contact: JSON = ["phone": "+49 151 1234-5678"]
        let pending = try await post(["contact": contact, "status": "pending"], key)
        #expect(pending.status == 202)
        #expect(pending.json["count"] == 1)
        #expect(pending.first["opt_in"] == "pending")
        #expect(pending.first["export"] == .null)
        let id = try #require(pending.first["contact_id"]?.string)
        let granted = try await post(
            [
                "contact": contact, "status": "granted", "occurred_at": "2026-01-02T03:04:05Z", "source": "form",
                "by_user": true, "evidence": ["text": "v3", "message_id": "wamid.1"],
            ], key)
        #expect(granted.status == 202)
        #expect(granted.first["contact_id"]?.string == id)
        #expect(granted.first["phone"] == "+4915112345678")
        #expect(granted.first["occurred_at"] == "2026-01-02T03:04:05Z")
        #expect(granted.first["evidence"]?["message_id"] == "wamid.1")
        #expect(granted.first["export"]?["state"] == "queued")
        #expect(granted.first["opt_in"] == "granted")
        for status in ["denied", "withdrawn"] {
            let answer = try await post(["contact": ["id": .string(id)], "status": .string(status)], key)
            #expect(answer.status == 202)
            #expect(answer.first["opt_in"]?.string == status)
        }
        let older = try await post(
            ["contact": contact, "status": "granted", "occurred_at": "2026-01-02T03:04:06Z"], key)
        #expect(older.first["is_current"] == false)
        #expect(older.first["opt_in"] == "withdrawn")
        #expect(try await get("/api/v0/contacts/\(id)", key).first["opt_in"] == "withdrawn")

        let ledger = try await get("\(Self.path)?phone=%2B4915112345678", key)
        #expect(ledger.list.count == 5)
        #expect(ledger.list.map { $0["status"]?.string } == ["withdrawn", "denied", "pending", "granted", "granted"])
        #expect(ledger.list.filter { $0["is_current"] == true }.count == 1)
        #expect(ledger.list[4]["source"] == "form")
        #expect(ledger.list[4]["by_user"] == true)
        #expect(try await get("\(Self.path)?phone=%2B4915100000000", key).code == "contact_not_found")
        let page = try await get("\(Self.path)?limit=2", key)
        #expect(page.list.count == 2)
        let next = try #require(page.json["next"]?.string)
        #expect(try await get("\(Self.path)?limit=200&after=\(next)", key).list.count == 3)
    }

    @Test(
        "what is wrong with a decision is told, field by field, and nothing is recorded",
        arguments: [
            (#"{"status": "granted"}"#, 422, "contact"), (#"{"contact": {}, "status": "granted"}"#, 422, "contact"),
            (#"{"contact": {"phone": "+4915112345678"}}"#, 422, "status"),
            (#"{"contact": {"phone": "+4915112345678"}, "status": "maybe"}"#, 422, "status"),
            (
                #"{"contact": {"phone": "+4915112345678"}, "status": "granted", "occurred_at": "yesterday"}"#, 422,
                "occurred_at"
            ),
            (
                #"{"contact": {"phone": "+4915112345678"}, "status": "granted", "occurred_at": "2999-01-01T00:00:00Z"}"#,
                422, "occurred_at"
            ),
            (#"{"contact": {"phone": "12"}, "status": "granted"}"#, 422, "contact.phone"),
            (#"{"contact": {"email": "nix"}, "status": "granted"}"#, 422, "contact.email"),
            (#"{"contact": {"id": "7"}, "status": "granted"}"#, 422, "contact.id"),
            (#"{"contact": {"phone": 5}, "status": "granted"}"#, 422, "contact.phone"),
            (#"{"contact": {"phone": "+4915112345678"}, "status": "granted", "source": ""}"#, 422, "source"),
            (#"{"contact": {"phone": "+4915112345678"}, "status": "granted", "evidence": 5}"#, 422, "evidence"),
            (#"{"contact": {"id": "6a0f7a52-9f0e-4f7c-8a3c-6f1d5d0b7b11"}, "status": "granted"}"#, 404, nil),
            (#"{"contact": {"external_reference_id": "77"}, "status": "granted"}"#, 404, nil),
            ("{", 400, nil), ("[]", 422, nil),
        ])
    func faults(body: String, status: Int, field: String?) async throws {
        let key = try await stage.instance().key
        let answer = try await stage.call(.post, Self.path, headers: ["X-API-Key": key], raw: body)
        #expect(answer.status == status)
        #expect(answer.response.headers["Content-Type"]?.hasPrefix("application/problem+json") == true)
        #expect(answer.code?.isEmpty == false)
        if let field { #expect(answer.json["errors"]?.array?.contains { $0["field"]?.string == field } == true) }
        #expect(try stage.test.administer("SELECT count(*) FROM app.consent_entries") == [["0"]])
        #expect(try stage.test.administer("SELECT count(*) FROM app.contacts") == [["0"]])
    }

    @Test("recording needs the permission consent, reading needs read, and another tenant's key is none")
    func permissions() async throws {
        _ = try await stage.instance()
        let reader = try await stage.key(of: "acme", permissions: ["read", "write"]).key
        let recorder = try await stage.key(of: "acme", permissions: ["consent"]).key
        let foreign = try await stage.instance("other").key
        let body: JSON = ["contact": ["phone": "+4915112345678"], "status": "granted"]
        #expect(try await post(body, reader).code == "permission_denied")
        #expect(try await post(body, reader).status == 403)
        #expect(try await post(body, recorder).status == 202)
        #expect(try await get(Self.path, recorder).status == 403)
        #expect(try await get("\(Self.path)/exports", reader).status == 200)
        #expect(try await post(body, foreign).status == 401)
        #expect(try await stage.call(.post, Self.path, body: body).status == 401)
    }

    @Test("a decision sent twice under one key is recorded once")
    func idempotent() async throws {
        let key = try await stage.instance().key
        let body: JSON = ["contact": ["phone": "+4915112345678"], "status": "granted"]
        let first = try await post(body, key, idempotencyKey: "a")
        let second = try await post(body, key, idempotencyKey: "a")
        #expect(first.first["id"] == second.first["id"])
        #expect(try stage.test.administer("SELECT count(*) FROM app.consent_entries") == [["1"]])
        let other: JSON = ["contact": ["phone": "+4915112345678"], "status": "withdrawn"]
        #expect(try await post(other, key, idempotencyKey: "a").status == 422)
    }

    @Test("exports are listed by state with attempts, last error and age, and are driven again")
    func exports() async throws {
        let key = try await stage.instance().key
        try chooseField()
        for (index, state) in ["queued", "sent", "confirmed", "failed", "not_in_emarsys"].enumerated() {
            let recorded = try await post(
                ["contact": ["phone": .string("+491511234567\(index)")], "status": "withdrawn"], key)
            let id = try #require(recorded.first["export"]?["id"]?.string)
            try stage.test.administer(
                """
                UPDATE app.opt_in_exports
                   SET state = $2, attempts = 3, last_error = '{"code": "emarsys_permission_missing", "detail": "x"}',
                       emarsys_contact_id = '5,7', waiting_since = now() - interval '90 seconds' WHERE id = $1::uuid
                """, [id, state])
        }
        for state in ["queued", "sent", "confirmed", "failed", "not_in_emarsys"] {
            let answer = try await get("\(Self.path)/exports?state=\(state)", key)
            #expect(answer.list.count == 1)
            #expect(answer.first["state"]?.string == state)
            #expect(answer.first["attempts"] == 3)
            #expect(answer.first["last_error"]?["code"] == "emarsys_permission_missing")
            #expect((answer.first["age_seconds"]?.int64 ?? 0) >= 90)
            #expect(answer.first["status"] == "withdrawn")
            #expect(answer.first["external_reference_id"] == "5")
            #expect(answer.first["external_reference_ids"] == ["5", "7"])
        }
        #expect(try await get("\(Self.path)/exports", key).list.count == 5)
        #expect(try await get("\(Self.path)/exports?state=nix", key).status == 422)
        let failed = try await get("\(Self.path)/exports?state=failed", key).first
        let id = try #require(failed["id"]?.string)
        let contact = try #require(failed["contact_id"]?.string)
        #expect(try await get("\(Self.path)/exports?contact_id=\(contact)", key).list.count == 1)
        #expect(try await get("\(Self.path)/exports/\(id)", key).first == failed)
        #expect(try await get("\(Self.path)/exports/\(contact)", key).code == "export_not_found")
        #expect(try await get("\(Self.path)/exports/nix", key).code == "export_not_found")
        let again = try await stage.call(.post, "\(Self.path)/exports/\(id)/retry", headers: ["X-API-Key": key])
        #expect(again.status == 202)
        #expect(again.first["state"] == "queued")
        let twice = try await stage.call(.post, "\(Self.path)/exports/\(id)/retry", headers: ["X-API-Key": key])
        #expect(twice.status == 409)
        #expect(twice.code == "export_not_failed")
        let all = try await stage.call(.post, "\(Self.path)/exports/retry", headers: ["X-API-Key": key])
        #expect(all.status == 202)
        #expect(all.first["queued"] == 0)
    }

    @Test("an erased person cannot decide until a later dated grant; erasing is counted, and read with its proof")
    func erased() async throws {
        let key = try await stage.instance().key
        let contact: JSON = ["phone": "+4915112345678"]
        let id = try #require(
            try await post(["contact": contact, "status": "granted"], key).first["contact_id"]?.string)
        let weak = try await stage.key(of: "acme", permissions: ["read", "write", "consent"]).key
        let path = "/api/v0/contacts/\(id)"
        #expect(try await stage.call(.post, path + "/erase", headers: ["X-API-Key": weak]).status == 403)
        let erasure = try await stage.call(.post, path + "/erase", headers: ["X-API-Key": key])
        #expect(erasure.status == 202)
        #expect(erasure.first["state"] == "received")
        #expect(try await get(path, key).status == 410)
        #expect(try await get(path, key).code == "contact_erased")
        #expect(try await get(path + "/export", key).status == 410)
        #expect(try await stage.call(.post, path + "/erase", headers: ["X-API-Key": key]).status == 410)
        #expect(try await post(["contact": contact, "status": "granted"], key).code == "contact_erased")
        #expect(try await post(["contact": ["id": .string(id)], "status": "withdrawn"], key).status == 410)
        let listed = try await get("/api/v0/erasures", key)
        #expect(listed.list.count == 1)
        let one = try await get("/api/v0/erasures/\(erasure.first["id"]?.string ?? "")", key)
        #expect(one.first["proof"]?["identifiers_hashed"] == 1)
        #expect(try await get("/api/v0/erasures/\(id)", key).code == "erasure_not_found")
        try await Task.sleep(for: .milliseconds(5))
        let now = Timestamp(seconds: Int64(Date().timeIntervalSince1970) + 1)
        let back = try await post(
            ["contact": contact, "status": "granted", "occurred_at": .string(now.rfc3339)], key)
        #expect(back.status == 202)
        #expect(back.first["contact_id"]?.string != id)
    }
}

@Suite("What counts as an opt-in")
struct OptInRuleTests {
    @Test("a changed rule is applied to everybody: all are computed anew and told where they differ")
    func settings() async throws {
        let stage = try APIStage()
        let key = try await stage.instance().key
        func jobs() throws -> [[String?]] {
            try stage.test.administer("SELECT kind FROM app.jobs WHERE queue = 'exports'")
        }
        _ = try await stage.operate(.patch, "/api/v0/tenants/acme", ["settings": ["auto_merge": "never"]])
        #expect(try jobs().isEmpty)
        let changed = try await stage.operate(
            .patch, "/api/v0/tenants/acme", ["settings": ["consent_types": ["news"]]])
        #expect(changed.status == 200)
        #expect(try jobs() == [["backfill_opt_ins"]])
        let other = try await stage.call(
            .post, "/api/v0/opt_ins", headers: ["X-API-Key": key],
            body: ["contact": ["phone": "+4915112345678"], "status": "granted", "subscription_type": "offers"])
        #expect(other.first["opt_in"] == .null)
        #expect(other.first["export"] == .null)
    }
}

@Suite("Alerts over HTTP")
struct AlertRouteTests {
    @Test("raised ones come first, with when and why; who may not read sees none")
    func alerts() async throws {
        let stage = try APIStage()
        let key = try await stage.instance().key
        let empty = try await stage.call(.get, "/api/v0/alerts", headers: ["X-API-Key": key])
        #expect(empty.status == 200)
        #expect(empty.json["count"] == 0)
        try stage.test.administer(
            """
            INSERT INTO app.connections (tenant_id, name, auth, status, last_error)
            SELECT tenant_id, 'c', 'oauth2', 'failing', '{"code": "emarsys_credentials_invalid", "advice": "Check."}' FROM app.tenants
            """)
        try await stage.watch.look()
        let raised = try await stage.call(.get, "/api/v0/alerts", headers: ["X-API-Key": key])
        #expect(raised.first["kind"] == "connection_failing")
        #expect(raised.first["state"] == "raised")
        #expect(raised.first["detail"]?["code"] == "emarsys_credentials_invalid")
        #expect(raised.first["recovered_at"] == .null)
        #expect(try await stage.operate(.get, "/api/v0/tenants/acme").first["alerts"] == ["connection_failing"])
        #expect(try await stage.operate(.get, "/api/v0/tenants/acme").first["health"] == "failing")
        try stage.test.administer("UPDATE app.connections SET status = 'connected'")
        try await stage.watch.look()
        let over = try await stage.call(.get, "/api/v0/alerts", headers: ["X-API-Key": key])
        #expect(over.first["state"] == "recovered")
        #expect(over.first["recovered_at"]?.string != nil)
        #expect(try await stage.operate(.get, "/api/v0/tenants/acme").first["alerts"] == [])
        // What is announced is no failure.
        try stage.test.administer("UPDATE app.connections SET auth = 'wsse'")
        try await stage.watch.look()
        let announced = try await stage.operate(.get, "/api/v0/tenants/acme").first
        #expect(announced["alerts"] == ["wsse_sunset"])
        #expect(announced["health"] == "ok")
        let blind = try await stage.key(of: "acme", permissions: ["consent"]).key
        #expect(try await stage.call(.get, "/api/v0/alerts", headers: ["X-API-Key": blind]).status == 403)
        #expect(try await stage.call(.get, "/api/v0/alerts").status == 401)
    }
}
