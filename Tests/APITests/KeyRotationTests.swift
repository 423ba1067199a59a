import Foundation
import HTTP
import JSON
import TestSupport
import Testing

@Suite("Renewing keys")
struct KeyRotationTests {
    private static let old = "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    private static let new = "k2:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU="

    @Test(
        "killed again and again it goes on, and then everything opens without the old master key, under new data keys")
    func rotate() async throws {
        let sandbox = try SandboxProcess.start(contacts: 10)
        let product = try await RunningProduct.start()
        let key = try await product.makeInstance("acme")
        func ask(_ method: HTTPMethod, _ path: String, _ body: JSON? = nil, _ headers: HTTPHeaders = [:]) async throws
            -> (status: HTTPStatus, json: JSON)
        {
            var headers = headers
            headers.set("X-API-Key", key)
            return try await product.call(method, host: "acme", path, body, headers: headers)
        }
        // A value in each column that holds sealed ones.
        let connected = try await ask(
            .put, "/api/v0/integrations/emarsys/connection",
            [
                "name": "main", "auth": "wsse", "username": .string(sandbox.username),
                "secret": .string(sandbox.secret), "base_url": .string(sandbox.baseURL),
            ])
        #expect(connected.status == .ok, "\(connected.json)")
        _ = try await ask(.post, "/api/v0/integrations/emarsys/webhook/rotate")
        _ = try await ask(.put, "/api/v0/delivery_endpoint", ["url": "http://127.0.0.1:9/x", "enabled": true])
        _ = try await ask(.post, "/api/v0/delivery_endpoint/rotate")
        let flow: JSON = [
            "name": "f", "trigger": "emarsys_event", "event_name": "e", "payload": ["a": "b"], "enabled": true,
        ]
        let remembered = try await ask(.post, "/api/v0/flows", flow, ["Idempotency-Key": "once"])
        #expect(remembered.status == .created, "\(remembered.json)")
        try await sandbox.sendWebhook(to: product, key: key, eventName: "e")
        var contact: String?
        for _ in 0..<400 where contact == nil {
            contact = try await ask(.get, "/api/v0/contacts").json["data"]?[0]?["id"]?.string
            try await Task.sleep(for: .milliseconds(25))
        }
        _ = try await ask(.post, "/api/v0/contacts/\(contact ?? "")/erase")
        let tenant: JSON = ["instance_name": "beta", "display_name": "Beta"]
        let bearer: HTTPHeaders = ["Authorization": "Bearer \(product.operatorToken)", "Idempotency-Key": "made"]
        let made = try await product.call(.post, host: "operator", "/api/v0/tenants", tenant, headers: bearer)
        #expect(made.status == .created)
        let secrets = try await sealed(ask)

        // Every column that is said to be sealed holds something, and every column of bytes is known.
        let columns = try product.database.administer("SELECT table_name, column_name FROM app.sealed_columns()")
        for column in columns {
            let count = try product.database.administer(
                "SELECT count(\(column[1] ?? "")) FROM app.\(column[0] ?? "")")[0][0]
            #expect(count != "0", "\(column)")
        }
        let hashes = [
            "api_keys.key_hash", "sessions.token_hash", "tenant_keys.wrapped", "idempotency_keys.request_hash",
            "contact_identifiers.source_hash", "identity_conflicts.fingerprint", "suppressions.value_hash",
            "events.dedup_key",
        ]
        let bytes = try product.database.administer(
            """
            SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
             WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p') AND a.atttypid = 'bytea'::regtype
               AND NOT c.relispartition AND a.attnum > 0
               AND EXISTS (SELECT 1 FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'tenant_id')
            """
        ).compactMap { $0[0] }
        let known = Set(columns.map { "\($0[0] ?? "").\($0[1] ?? "")" } + hashes)
        #expect(Set(bytes).subtracting(known).isEmpty, "is it sealed? then its comment says so")

        // Many tenants, so that killing hits the middle.
        for number in 0..<60 {
            _ = try await product.callOperator(
                .post, "/api/v0/tenants", ["instance_name": .string("i\(number)"), "display_name": "I"])
        }
        product.stop()
        let both = ["CHARLES_MASTER_KEYS": "\(Self.new),\(Self.old)"]
        try await product.launch(changing: both)
        let before = try product.database.administer(
            "SELECT version, master_key_id FROM app.tenant_keys k JOIN app.tenants t USING (tenant_id) WHERE instance_name = 'acme'"
        )
        #expect(before == [["1", "k1"]])
        var cuts = 0
        for round in 1...12 {
            let process = try spawn(
                ["env"] + product.settings + [try RunningProduct.program()]
                    + ["secrets", "rotate", "--data-keys", "--settle", "0s"], input: nil, output: nil)
            usleep(UInt32(20_000 + 15_000 * round))
            Foundation.kill(process, SIGKILL)
            var status: Int32 = 0
            waitpid(process, &status, 0)
            let unfinished = try product.database.administer(
                "SELECT count(*) FROM app.key_rotation WHERE finished_at IS NULL")
            if unfinished == [["1"]] { cuts += 1 }
        }
        #expect(cuts > 0, "no kill hit a rotation under way")
        let ended = try runCommand(
            ["env"] + product.settings + [try RunningProduct.program()]
                + ["secrets", "rotate", "--data-keys", "--settle", "0s", "--json"])
        let report = try #require(ended.split(separator: "\n").last.flatMap { try? JSON.parse(String($0)) })
        #expect(report["finished"] == true)
        #expect(report["unreadable"] == 0)
        // One data key each, a new one, wrapped by the new master key.
        let keys = try product.database.administer(
            """
            SELECT count(*) = count(DISTINCT tenant_id), min(version) > 1, array_agg(DISTINCT master_key_id)
              FROM app.tenant_keys
            """)
        #expect(keys == [["t", "t", "{k2}"]])

        product.stop()
        try await product.launch(changing: ["CHARLES_MASTER_KEYS": Self.new])
        let after = try await sealed(ask)
        #expect(after == secrets)
        #expect(try await ask(.post, "/api/v0/integrations/emarsys/connection/test").json["data"]?[0]?["ok"] == true)
        let again = try await ask(.post, "/api/v0/flows", flow, ["Idempotency-Key": "once"])
        #expect(again.json == remembered.json)
        let madeAgain = try await product.call(.post, host: "operator", "/api/v0/tenants", tenant, headers: bearer)
        #expect(madeAgain.status == .created)
        #expect(madeAgain.json == made.json)
        // The webhook's secret verifies, and the erased person is still known by a keyed hash.
        try await sandbox.send(
            ["phone": "+4915112345678", "event_name": "e", "deduplication_id": "later"], to: product, key: key)
        #expect(product.stop() == 0)
    }

    @Test("without the master key that wraps them nothing is lost, and the command says so")
    func missing() async throws {
        let product = try await RunningProduct.start()
        _ = try await product.makeInstance("acme")
        product.stop()
        let settings = product.settings.filter { !$0.hasPrefix("CHARLES_MASTER_KEYS=") }
        let failure = #expect(throws: CommandFailure.self) {
            try runCommand(
                ["env"] + settings + ["CHARLES_MASTER_KEYS=\(Self.new)", try RunningProduct.program()]
                    + ["secrets", "rotate", "--data-keys", "--settle", "0s"])
        }
        #expect(failure?.status == 1)
        #expect(failure?.output.contains("not configured") == true)
        try await product.launch()
        #expect(product.stop() == 0)
    }

    @Test("left to the service, it is done while the service runs")
    func background() async throws {
        let product = try await RunningProduct.start()
        let key = try await product.makeInstance("acme")
        _ = try runCommand(
            ["env"] + product.settings + [try RunningProduct.program()]
                + ["secrets", "rotate", "--data-keys", "--background"])
        let expected = [["2"], ["1"]]
        for _ in 0..<600 {
            if try product.database.administer("SELECT version FROM app.tenant_keys ORDER BY version DESC") == expected
            {
                break
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        // The former key stays until no replica can still seal with it.
        #expect(
            try product.database.administer("SELECT version FROM app.tenant_keys ORDER BY version DESC") == expected)
        let webhook = try await product.call(
            .get, host: "acme", "/api/v0/integrations/emarsys/webhook", headers: ["X-API-Key": key])
        #expect(webhook.json["data"]?[0]?["secret"]?.string?.isEmpty == false)
        #expect(product.stop() == 0)
    }

    private func sealed(
        _ ask: (HTTPMethod, String, JSON?, HTTPHeaders) async throws -> (status: HTTPStatus, json: JSON)
    ) async throws -> [String] {
        let webhook = try await ask(.get, "/api/v0/integrations/emarsys/webhook", nil, [:])
        let endpoint = try await ask(.get, "/api/v0/delivery_endpoint", nil, [:])
        let values = [webhook.json["data"]?[0]?["secret"]?.string, endpoint.json["data"]?[0]?["secret"]?.string]
        #expect(values.allSatisfy { $0?.isEmpty == false })
        return values.map { $0 ?? "" }
    }
}
