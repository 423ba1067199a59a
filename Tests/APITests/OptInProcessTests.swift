import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Sandbox
import TestSupport
import Testing

@Suite("Opt-ins of the running product", .serialized, .timeLimit(.minutes(3)))
struct OptInProcessTests {
    private static let base = "/api/v0/integrations/emarsys"
    private static let field = 501

    private struct Stage {
        let product: RunningProduct
        let sandbox: SandboxServer
        let key: String

        var account: SandboxAccount { sandbox.account }

        func held(_ index: Int) -> String? {
            guard case .text(let text) = account.value(OptInProcessTests.field, of: SandboxAccount.contactID(at: index))
            else { return nil }
            return text
        }

        func call(_ method: HTTPMethod, _ path: String, _ body: JSON? = nil) async throws -> JSON {
            let answer = try await product.call(method, host: "acme", path, body, headers: ["X-API-Key": key])
            guard answer.status.code < 300 else {
                throw CommandFailure(command: path, status: Int32(answer.status.code), output: "\(answer.json)")
            }
            return answer.json["data"]?[0] ?? .null
        }

        func decide(_ status: String, _ index: Int) async throws {
            _ = try await call(
                .post, "/api/v0/opt_ins",
                [
                    "contact": ["external_reference_id": .string(SandboxAccount.contactID(at: index))],
                    "status": .string(status),
                ])
        }

        /// Waits until something holds.
        func until(seconds: Double, _ holds: () async throws -> Bool) async throws -> Bool {
            let end = MonotonicTime.now + .milliseconds(Int64(seconds * 1000))
            while MonotonicTime.now < end {
                if try await holds() { return true }
                try await Task.sleep(for: .milliseconds(20))
            }
            return try await holds()
        }
    }

    /// A product that is connected to a sandbox account, with so many contacts that are linked to its first ones.
    private func run(contacts: Int, _ body: (Stage) async throws -> Void) async throws {
        let product = try await RunningProduct.start()
        var options = SandboxOptions()
        options.contacts = max(contacts, 50)
        let sandbox = try SandboxServer(options, group: product.database.group)
        let serving = Task(executorPreference: product.database.group.next()) { try await sandbox.run() }
        let key = try await product.makeInstance("acme")
        let stage = Stage(product: product, sandbox: sandbox, key: key)
        _ = try await stage.call(
            .put, Self.base + "/connection",
            [
                "name": "Mine", "auth": "oauth2", "client_id": .string(sandbox.info.clientID),
                "client_secret": .string(sandbox.info.clientSecret), "token_url": .string(sandbox.info.tokenURL),
                "base_url": .string(sandbox.info.baseURL),
            ])
        _ = try await stage.call(.put, Self.base + "/opt_in", ["field_id": .string(String(Self.field))])
        for index in 0..<contacts {
            try product.database.administer(
                """
                WITH c AS (INSERT INTO app.contacts (tenant_id, phone, external_reference_id)
                           SELECT tenant_id, $1, $2 FROM app.tenants RETURNING tenant_id, id)
                INSERT INTO app.contact_identifiers (tenant_id, contact_id, kind, value, source)
                SELECT tenant_id, id, k, v, 'test' FROM c, (VALUES ('phone', $1), ('emarsys_contact_id', $2)) AS i(k, v)
                """, ["+49151\(10_000_000 + index)", SandboxAccount.contactID(at: index)])
        }
        defer { serving.cancel() }
        try await body(stage)
        product.stop()
    }

    @Test("a withdrawal is in Emarsys within two seconds, again after each change")
    func atOnce() async throws {
        try await run(contacts: 3) { stage in
            for (round, status) in ["granted", "withdrawn", "granted", "withdrawn"].enumerated() {
                let start = MonotonicTime.now
                try await stage.decide(status, 0)
                #expect(try await stage.until(seconds: 2) { stage.held(0) == status }, "round \(round)")
                #expect(MonotonicTime.now - start < .seconds(2))
            }
            #expect(
                try await stage.until(seconds: 2) {
                    try await stage.call(.get, "/api/v0/opt_ins/exports?state=confirmed")["status"] == "withdrawn"
                })
        }
    }

    @Test("kill -9 while Emarsys is being told: all of it arrives, and the latest decision is the last")
    func killed() async throws {
        try await run(contacts: 30) { stage in
            for index in 0..<30 { try await stage.decide("granted", index) }
            #expect(try await stage.until(seconds: 10) { (0..<30).allSatisfy { stage.held($0) == "granted" } })
            stage.account.setQuirks { $0.latencyMilliseconds = 3000 }
            for index in 0..<30 { try await stage.decide("withdrawn", index) }
            let database = stage.product.database
            #expect(
                try await stage.until(seconds: 5) {
                    try database.administer("SELECT 1 FROM app.opt_in_exports WHERE state = 'sent'").isEmpty == false
                })
            stage.product.kill()
            stage.account.setQuirks { $0.latencyMilliseconds = 0 }
            #expect(try database.administer("SELECT 1 FROM app.opt_in_exports WHERE state = 'sent'").isEmpty == false)
            // The lease of the killed process ends.
            try database.administer("UPDATE app.jobs SET lease_until = now() - interval '1 second' WHERE state = 1")
            try await stage.product.launch()
            try await stage.decide("granted", 7)
            #expect(
                try await stage.until(seconds: 15) {
                    (0..<30).allSatisfy { stage.held($0) == ($0 == 7 ? "granted" : "withdrawn") }
                })
            #expect(
                try await stage.until(seconds: 5) {
                    try database.administer("SELECT 1 FROM app.opt_in_exports WHERE state IN ('queued', 'sent')")
                        .isEmpty
                })
        }
    }

    @Test("disconnected, changed and connected again: nothing decided in between is forgotten")
    func reconnected() async throws {
        try await run(contacts: 2) { stage in
            try await stage.decide("granted", 0)
            #expect(try await stage.until(seconds: 3) { stage.held(0) == "granted" })
            let gone = try await stage.product.call(
                .delete, host: "acme", Self.base + "/connection", headers: ["X-API-Key": stage.key])
            #expect(gone.status.code < 300)
            try await stage.decide("withdrawn", 0)
            try await Task.sleep(for: .milliseconds(300))
            #expect(stage.held(0) == "granted")
            _ = try await stage.call(
                .put, Self.base + "/connection",
                [
                    "name": "Mine", "auth": "wsse", "username": .string(stage.sandbox.info.username),
                    "secret": .string(stage.sandbox.info.secret), "base_url": .string(stage.sandbox.info.baseURL),
                ])
            #expect(try await stage.until(seconds: 4) { stage.held(0) == "withdrawn" })
            // Paused and switched off.
            _ = try await stage.call(.post, Self.base + "/pause")
            try await stage.decide("granted", 0)
            _ = try await stage.call(.post, Self.base + "/resume")
            #expect(try await stage.until(seconds: 8) { stage.held(0) == "granted" })
            _ = try await stage.product.callOperator(
                .put, "/api/v0/tenants/acme/features/emarsys", ["enabled": false])
            try await stage.decide("withdrawn", 0)
            _ = try await stage.product.callOperator(
                .put, "/api/v0/tenants/acme/features/emarsys", ["enabled": true])
            #expect(try await stage.until(seconds: 8) { stage.held(0) == "withdrawn" })
        }
    }

    @Test("a missing permission shows, and what was given up goes by itself once the connection is tested again")
    func permission() async throws {
        try await run(contacts: 1) { stage in
            stage.account.setPermissions(revoke: ["contact.update"])
            try await stage.decide("withdrawn", 0)
            #expect(
                try await stage.until(seconds: 3) {
                    try await stage.call(.get, "/api/v0/opt_ins/exports?state=failed")["last_error"]?["code"]
                        == "emarsys_permission_missing"
                })
            let shown = try await stage.call(.get, Self.base + "/connection")
            #expect(shown["status"] == "failing")
            #expect(shown["last_error"]?["permission"] == "contact.update")
            stage.account.setPermissions(grant: ["contact.update"])
            _ = try await stage.call(.post, Self.base + "/connection/test")
            #expect(try await stage.until(seconds: 4) { stage.held(0) == "withdrawn" })
            #expect(
                try await stage.until(seconds: 2) {
                    try await stage.call(.get, Self.base + "/connection")["status"] == "connected"
                })
        }
    }
}
