import Crypto
import Foundation
import HTTP
import JSON
import TestSupport
import Testing

/// nginx with TLS in front, two replicas, PgBouncer behind them: as deploy/README.md says.
@Suite(
    "Two replicas behind nginx, PgBouncer behind them",
    .enabled(if: Deploy.has("nginx") && Deploy.has("pgbouncer") && Deploy.has("wrk")), .serialized)
struct RollingRestartTests {
    @Test(
        "a rolling restart under load loses no request, and every webhook that was accepted is there",
        .timeLimit(.minutes(3)))
    func rollingRestart() async throws {
        let first = try await Self.behindPooler()
        let second = try await first.product.replica(first.settings)
        let replicas = [first.product, second]
        let key = try await first.product.makeInstance("acme")
        let door = try FrontDoor(replicas: replicas.map(\.port))
        try await Self.waitForDoor(door, key)

        let script = try Self.script(key: key, token: try await Self.token(first.product, key))
        defer { unlink(script) }
        let address = "https://127.0.0.1:\(door.port)/"
        let load = Task {
            try runCommand([
                "wrk", "-t", "2", "-c", "16", "-d", "14s", "--timeout", "10s", "-s", script,
                address,
            ])
        }
        for replica in replicas {
            try await Task.sleep(for: .seconds(2))
            #expect(replica.stop() == 0)
            try await replica.launch()
            // nginx takes a replica back two seconds after a failure.
            try await Task.sleep(for: .seconds(3))
        }
        let output = try await load.value
        let counts = try Self.counts(output)
        #expect(counts.failed == 0, "\(output)\(door.errors)")
        #expect(counts.answered > 100)
        let stored = Int(try first.product.database.administer("SELECT count(*) FROM app.events")[0][0] ?? "") ?? 0
        #expect(stored >= counts.accepted)
        #expect(counts.accepted > 10)
    }

    @Test("the wildcard certificate is good for each instance, and the instance comes from the host")
    func tls() async throws {
        let product = try await RunningProduct.start(["CHARLES_BASE_DOMAINS": "hello-charles.com"])
        let key = try await product.makeInstance("acme")
        let door = try FrontDoor(replicas: [product.port, product.port])
        try await Self.waitForDoor(door, key)
        #expect(try door.call("acme", "/api/v0/contacts", ["X-API-Key: \(key)"]).hasSuffix("200"))
        #expect(try door.call("acme", "/api/v0/contacts", ["X-API-Key: wrong"]).hasSuffix("401"))
        let unknown = try door.call("nobody", "/api/v0/contacts")
        #expect(unknown.contains("unknown_instance") && unknown.hasSuffix("404"))
        // A forged header from outside does not choose another instance.
        let forged = try door.call(
            "nobody", "/api/v0/contacts", ["X-API-Key: \(key)", "X-Forwarded-Host: acme.hello-charles.com"])
        #expect(forged.hasSuffix("404"))
    }

    // MARK: What it takes

    private static func behindPooler() async throws -> (
        product: RunningProduct, settings: [String: String], pooler: Pooler
    ) {
        let database = try TestDatabase()
        let pooler = try Pooler(for: database)
        let settings = [
            "DATABASE_URL": pooler.url, "CHARLES_BASE_DOMAINS": "hello-charles.com",
            "CHARLES_PREPARED_STATEMENTS": Pooler.keepsPreparedStatements ? "on" : "off",
        ]
        return (try await RunningProduct.start(settings, on: database), settings, pooler)
    }

    private static func waitForDoor(_ door: FrontDoor, _ key: String) async throws {
        for _ in 0..<100 {
            if (try? door.call("acme", "/api/v0/contacts", ["X-API-Key: \(key)"]))?.hasSuffix("200") == true { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw CommandFailure(command: "nginx", status: -1, output: door.errors)
    }

    private static func token(_ product: RunningProduct, _ key: String) async throws -> String {
        let webhook = try await product.call(
            .get, host: "acme", "/api/v0/integrations/emarsys/webhook", headers: ["X-API-Key": key])
        let secret = webhook.json["data"]?[0]?["secret"]?.string ?? ""
        let signed =
            Base64URL.encode(Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8)) + "." + Base64URL.encode(Array("{}".utf8))
        return signed + "." + Base64URL.encode(HMACKey(Array(secret.utf8)).authenticate(Array(signed.utf8)))
    }

    /// One read, one webhook with a body of its own, in turn; prints how many of each were answered with success.
    private static func script(key: String, token: String) throws -> String {
        let path = "/tmp/" + TestPostgres.shared.uniqueName("charles-load") + ".lua"
        let text = """
            local threads = {}
            local n = 0
            function setup(thread) thread:set("id", #threads); table.insert(threads, thread) end
            function init() accepted = 0; answered = 0; bad = 0 end
            function request()
                n = n + 1
                local headers = { Host = "acme.hello-charles.com", ["X-API-Key"] = "\(key)" }
                if n % 2 == 0 then return wrk.format("GET", "/api/v0/contacts?limit=1", headers) end
                headers = { Host = "acme.hello-charles.com", Authorization = "Bearer \(token)", ["Content-Type"] = "application/json" }
                local body = '{"phone":"+4915112345678","event_name":"roll","event_data":{"n":"' .. id .. "-" .. n .. '"}}'
                return wrk.format("POST", "/api/v0/webhooks/incoming/emarsys/custom_external_event", headers, body)
            end
            function response(status)
                answered = answered + 1
                if status == 202 then accepted = accepted + 1 elseif status ~= 200 then bad = bad + 1; last = status end
            end
            function done(summary, latency)
                local a, b, c = 0, 0, 0
                for _, thread in ipairs(threads) do
                    a = a + thread:get("answered"); b = b + thread:get("accepted"); c = c + thread:get("bad")
                    if thread:get("last") then io.write("status " .. thread:get("last") .. "\\n") end
                end
                local e = summary.errors
                io.write("answered=" .. a .. " accepted=" .. b .. " failed=" .. (c + e.connect + e.read + e.write + e.timeout) .. "\\n")
            end
            """
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        return path
    }

    private static func counts(_ output: String) throws -> (answered: Int, accepted: Int, failed: Int) {
        func number(_ name: String) throws -> Int {
            let found = output.split(separator: "\(name)=").dropFirst().first?.prefix { $0.isNumber }
            return try #require(Int(found ?? ""), "\(output)")
        }
        return (try number("answered"), try number("accepted"), try number("failed"))
    }
}
