import FoundationEssentials
import HTTP
import JSON
import Sandbox
import TestSupport
import Testing

@Suite("The connection to Emarsys")
struct ConnectionTests {
    private let stage: APIStage
    private let sandbox: SandboxInfo
    private static let base = "/api/v0/integrations/emarsys"

    init() throws {
        stage = try APIStage()
        var options = SandboxOptions()
        options.contacts = 50
        sandbox = try SandboxServer.start(options, group: stage.test.group)
    }

    private func call(_ method: HTTPMethod, _ path: String, _ key: String, _ body: JSON? = nil) async throws
        -> APIStage.Answer
    {
        try await stage.call(method, Self.base + path, headers: ["X-API-Key": key], body: body)
    }

    private func wsse(secret: String? = nil) -> JSON {
        [
            "name": "Mine", "auth": "wsse", "username": .string(sandbox.username),
            "secret": .string(secret ?? sandbox.secret), "base_url": .string(sandbox.baseURL),
        ]
    }

    private var oauth: JSON {
        [
            "name": "Mine", "auth": "oauth2", "client_id": .string(sandbox.clientID),
            "client_secret": .string(sandbox.clientSecret), "token_url": .string(sandbox.tokenURL),
            "base_url": .string(sandbox.baseURL),
        ]
    }

    @Test("both kinds of credentials connect; no answer shows a secret")
    func connects() async throws {
        let key = try await stage.instance().key
        #expect(try await call(.get, "/connection", key).code == "not_connected")
        let first = try await call(.put, "/connection", key, wsse())
        #expect(first.status == 200)
        #expect(first.first["sunset"] == "2026-12-31")
        #expect(first.first["permissions"]?.array?.count == 18)
        let second = try await call(.put, "/connection", key, oauth)
        #expect(second.first["status"] == "connected")
        let shown = try await call(.get, "/connection", key)
        #expect(shown.first["auth"] == "oauth2")
        #expect(shown.first["sunset"] == nil)
        for answer in [first, second, shown] {
            let text = String(decoding: answer.response.bodyBytes, as: UTF8.self)
            #expect(!text.contains(sandbox.secret))
            #expect(!text.contains(sandbox.clientSecret))
        }
        let test = try await call(.post, "/connection/test", key)
        #expect(test.first["ok"] == true)
        #expect(test.first["permissions"]?.array?.count == 18)
        let stored = try stage.test.administer("SELECT encode(secret, 'escape') FROM app.connections")
        #expect(stored[0][0]?.contains(sandbox.clientSecret) == false)
        let audit = try await stage.operate(.get, "/api/v0/tenants/acme/audit")
        #expect(!String(decoding: audit.response.bodyBytes, as: UTF8.self).contains(sandbox.clientSecret))
    }

    @Test("a connection that fails its test is not stored, and one before it stays")
    func failed() async throws {
        let key = try await stage.instance().key
        let failed = try await call(.put, "/connection", key, wsse(secret: "wrong"))
        #expect(failed.status == 422)
        #expect(failed.code == "connection_failed")
        #expect(failed.json["reason"] == "emarsys_credentials_invalid")
        #expect(try await call(.get, "/connection", key).status == 404)
        _ = try await call(.put, "/connection", key, wsse())
        #expect(try await call(.put, "/connection", key, wsse(secret: "wrong")).status == 422)
        #expect(try await call(.get, "/connection", key).first["status"] == "connected")
        #expect(try await call(.get, "/fields", key).status == 200)
    }

    @Test(
        "addresses that are not Emarsys' are refused before anything is called",
        arguments: [
            "http://169.254.169.254", "https://127.0.0.2", "https://evil.example", "http://api.emarsys.net", "ftp://x",
            "https://user:pw@api.emarsys.net", "https://api.emarsys.net.evil.example", "https://0x7f000001",
        ])
    func addresses(address: String) async throws {
        let key = try await stage.instance().key
        var body = wsse()
        body["base_url"] = .string(address)
        let answer = try await call(.put, "/connection", key, body)
        #expect(answer.status == 422)
        #expect(answer.code == "base_url_not_permitted")
        #expect(answer.json["errors"]?[0]?["field"] == "base_url")
    }

    @Test("fields come with choices, and disconnecting ends calls and erases the secret")
    func disconnect() async throws {
        let key = try await stage.instance().key
        _ = try await call(.put, "/connection", key, wsse())
        let fields = try await call(.get, "/fields", key)
        #expect(fields.list.contains { $0["type"] == "singlechoice" && $0["choices"]?.array?.isEmpty == false })
        #expect(try await call(.get, "/segments", key).list.first?["id"]?.string != nil)
        #expect(try await call(.delete, "/connection", key).status == 204)
        #expect(try await call(.get, "/connection", key).first["status"] == "disconnected")
        #expect(try await call(.get, "/fields", key).code == "not_connected")
        #expect(try stage.test.administer("SELECT secret FROM app.connections")[0][0] == nil)
        #expect(try await call(.delete, "/connection", key).status == 204)
    }

    @Test("pausing lets lanes wait, resuming lets them go and has held events looked for")
    func pause() async throws {
        let key = try await stage.instance().key
        #expect(try await call(.post, "/pause", key).code == "not_connected")
        _ = try await call(.put, "/connection", key, wsse())
        #expect(try await call(.post, "/pause", key).first["paused"] == true)
        let waiting = "SELECT count(*) FROM app.lanes WHERE paused"
        #expect(try stage.test.administer(waiting)[0][0] == "4")
        #expect(try await call(.post, "/pause", key).status == 200)
        #expect(try await call(.post, "/resume", key).first["paused"] == false)
        #expect(try stage.test.administer(waiting)[0][0] == "0")
        let jobs = try stage.test.administer("SELECT kind FROM app.jobs WHERE queue = 'events'")
        #expect(jobs.allSatisfy { $0[0] == "process_events" } && !jobs.isEmpty)
    }

    @Test("the webhook secret needs admin to be seen, and rotates with an overlap")
    func webhook() async throws {
        let key = try await stage.instance().key
        let reader = try await stage.key(of: "acme", permissions: ["read"]).key
        let shown = try await call(.get, "/webhook", key)
        let secret = try #require(shown.first["secret"]?.string)
        #expect(secret.utf8.count >= 32)
        #expect(
            shown.first["custom_event_url"]
                == "http://acme.localhost/api/v0/webhooks/incoming/emarsys/custom_external_event")
        #expect(shown.first["previous_secret_valid_until"]?.isNull == true)
        #expect(try await stage.within { try await call(.get, "/webhook", reader).status == 200 })
        #expect(try await call(.get, "/webhook", reader).first["secret"]?.isNull == true)
        #expect(try await call(.get, "/webhook?reveal=false", key).first["secret"]?.isNull == true)
        #expect(try await call(.post, "/webhook/rotate", reader).code == "permission_denied")
        let rotated = try await call(.post, "/webhook/rotate", key, ["overlap_hours": 2])
        #expect(rotated.first["secret"]?.string != secret)
        #expect(rotated.first["previous_secret_valid_until"]?.string != nil)
        #expect(try await call(.post, "/webhook/rotate", key, ["overlap_hours": 1000]).status == 422)
    }

    @Test("the draft of the five steps keeps everything but secrets")
    func draft() async throws {
        let key = try await stage.instance().key
        #expect(try await call(.get, "/draft", key).list.isEmpty)
        let draft: JSON = ["name": "Mine", "auth": ["client_secret": "x", "client_id": "y"], "secret": "x"]
        #expect(try await call(.put, "/draft", key, ["step": 2, "draft": draft]).status == 200)
        let kept = try await call(.get, "/draft", key)
        #expect(kept.first["draft"]?["name"] == "Mine")
        #expect(kept.first["draft"]?["auth"] == ["client_id": "y"])
        #expect(kept.first["draft"]?["secret"] == nil)
        #expect(try await call(.put, "/draft", key, ["step": 6, "draft": [:]]).status == 422)
        #expect(try await call(.delete, "/draft", key).status == 204)
    }

    @Test("mappings start with the guide's four and are judged as a whole")
    func mappings() async throws {
        let key = try await stage.instance().key
        let defaults = try await call(.get, "/mappings", key)
        #expect(defaults.list.map { $0["destination"] } == ["first_name", "last_name", "phone", "email"])
        #expect(defaults.list[2]["source"] == "37")
        #expect(defaults.list[2]["fallback_source"] == "15")
        #expect(defaults.list[0]["overwrite"] == "always")
        #expect(defaults.list[0]["on_empty"] == "clear")
        let unknown: JSON = [["source": "4", "destination": "custom_properties.birthday"]]
        #expect(try await call(.put, "/mappings", key, unknown).code == "unknown_custom_property")
        for number in 0...20 {
            _ = try await stage.call(
                .post, "/api/v0/custom_properties", headers: ["X-API-Key": key],
                body: ["name": .string("p\(number)"), "type": "string"])
        }
        let many = JSON.array(
            (0...20).map {
                ["source": .string(String(100 + $0)), "destination": .string("custom_properties.p\($0)")]
            })
        #expect(try await call(.put, "/mappings", key, many).code == "too_many_custom_fields")
        let twenty = JSON.array(Array((many.array ?? []).prefix(20)))
        let stored = try await call(.put, "/mappings", key, twenty)
        #expect(stored.list.count == 20)
        #expect(try await call(.put, "/mappings", key, .array(stored.list)).list == stored.list)
        let twice: JSON = [["source": "1", "destination": "email"], ["source": "2", "destination": "email"]]
        #expect(try await call(.put, "/mappings", key, twice).code == "duplicate_destination")
        #expect(try await call(.put, "/mappings", key, [["source": "x", "destination": "email"]]).status == 422)
        #expect(try await call(.put, "/mappings", key, []).code == "mapping_required")
        #expect(try await call(.get, "/mappings", key).list.count == 20)
    }

    @Test("the opt-in field is a text field that the mapping does not import, and the other way round")
    func optIn() async throws {
        let key = try await stage.instance().key
        _ = try await call(.put, "/connection", key, wsse())
        #expect(try await call(.get, "/opt_in", key).list.isEmpty)
        #expect(try await call(.put, "/opt_in", key, ["field_id": "5"]).code == "opt_in_field_not_text")
        #expect(try await call(.put, "/opt_in", key, ["field_id": "1"]).code == "opt_in_field_mapped")
        #expect(try await call(.put, "/opt_in", key, ["field_id": "999999"]).code == "unknown_field")
        let chosen = try await call(.put, "/opt_in", key, ["field_id": "501"])
        #expect(chosen.status == 200)
        #expect(chosen.first["granted_value"] == "granted")
        #expect(chosen.first["withdrawn_value"] == "withdrawn")
        let mapped: JSON = [["source": "501", "destination": "first_name"]]
        #expect(try await call(.put, "/mappings", key, mapped).code == "opt_in_field_mapped")
        let jobs = try stage.test.administer("SELECT kind FROM app.jobs WHERE queue = 'exports'")
        #expect(jobs == [["backfill_opt_ins"]])
    }

    @Test("selected segments are imported at once, each one time, and no more once they are left out")
    func segments() async throws {
        let key = try await stage.instance().key
        #expect(try await call(.put, "/segments/selected", key, []).code == "not_connected")
        _ = try await call(.put, "/connection", key, wsse())
        let ids = try await call(.get, "/segments", key).list.compactMap { $0["id"]?.string }
        let chosen: JSON = [
            ["segment_id": .string(ids[0])], ["segment_id": .string(ids[1]), "interval_hours": 6],
        ]
        let selected = try await call(.put, "/segments/selected", key, chosen)
        #expect(selected.list.map { $0["interval_hours"] } == [12, 6])
        _ = try await call(.put, "/segments/selected", key, chosen)
        let due = "SELECT args ->> 'segment_id' FROM app.jobs WHERE kind = 'import_due' ORDER BY id"
        #expect(try stage.test.administer(due).map { $0[0] } == [ids[0], ids[1]])
        _ = try await call(.put, "/segments/selected", key, [["segment_id": .string(ids[1])]])
        #expect(try stage.test.administer(due).map { $0[0] } == [ids[1]])
        let unknown = try await call(.put, "/segments/selected", key, [["segment_id": "424242"]])
        #expect(unknown.code == "unknown_segment")
        #expect(try await call(.get, "/segments/selected", key).list.count == 1)
    }
}
