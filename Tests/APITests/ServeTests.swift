import EventLoop
import Foundation
import HTTP
import JSON
import Persistence
import TestSupport
import Testing

/// `serve` itself: how it starts, what it says when it cannot, and what it does while the world around it changes.
@Suite("serve")
struct ServeTests {
    @Test("an address that cannot be taken is named together with its setting")
    func taken() async throws {
        let other = try CaptureServer.start()
        defer { other.stop() }
        let database = try TestDatabase()
        // Started by itself, so that what is at fault is the address alone.
        let address = String(other.baseURL.dropFirst("http://".count))
        for setting in ["CHARLES_LISTEN", "CHARLES_MANAGEMENT_LISTEN"] {
            let free = try RunningProduct.freePort()
            var settings = [
                "DATABASE_URL": database.serviceURL, "CHARLES_BASE_DOMAINS": "localhost",
                "CHARLES_MASTER_KEYS": "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
                "CHARLES_LISTEN": "127.0.0.1:\(free)", "CHARLES_MANAGEMENT_LISTEN": "127.0.0.1:0",
            ]
            settings[setting] = address
            let failure = #expect(throws: CommandFailure.self) {
                try runCommand(
                    ["env", "-i"] + settings.map { "\($0.key)=\($0.value)" } + [RunningProduct.program(), "serve"])
            }
            #expect(failure?.status == 1)
            let lines = (failure?.output ?? "").split(separator: "\n").compactMap { try? JSON.parse(String($0)) }
            let line = try #require(lines.first { $0["event"] == "start_failed" })
            #expect(line["setting"]?.string == setting)
            #expect(line["object"]?.string == address)
            #expect(line["error"]?.string?.contains("Address already in use") == true)
        }
    }

    @Test("SIGHUP reads the certificate again: the old one serves until then, a broken one changes nothing")
    func certificate() async throws {
        let folder = NSTemporaryDirectory() + "/charles-tls-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func make(_ name: String) throws {
            try runCommand([
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                "2",
                "-subj", "/CN=\(name)", "-keyout", "\(folder)/key.pem", "-out", "\(folder)/chain.pem",
            ])
        }
        try make("first.example")
        let product = try await RunningProduct.start([
            "CHARLES_TLS_CERTIFICATE": "\(folder)/chain.pem", "CHARLES_TLS_KEY": "\(folder)/key.pem",
        ])
        func served() throws -> String {
            try runCommand([
                "sh", "-c",
                "echo | openssl s_client -connect 127.0.0.1:\(product.port) 2>/dev/null | openssl x509 -noout -subject",
            ])
        }
        #expect(try served().contains("first.example"))
        try make("second.example")
        #expect(try served().contains("first.example"))
        product.signal(SIGHUP)
        try await eventually { product.logText.contains("tls_reloaded") }
        #expect(try served().contains("second.example"))
        try Data("no certificate".utf8).write(to: URL(fileURLWithPath: "\(folder)/chain.pem"))
        product.signal(SIGHUP)
        try await eventually { product.logText.contains("tls_reload_failed") }
        #expect(try served().contains("second.example"))
        #expect(product.stop() == 0)
    }

    @Test("while the database is away it lives, is not ready, and asks webhooks to come again; then all is well again")
    func databaseAway() async throws {
        let sandbox = try SandboxProcess.start(contacts: 0)
        let product = try await RunningProduct.start()
        let key = try await product.makeInstance("acme")
        try await sandbox.sendWebhook(to: product, key: key, eventName: "before")
        let cluster = try PlainConnection(TestPostgres.shared.superuser + " dbname=postgres")
        let name = product.database.name
        try cluster.execute("ALTER DATABASE \(name) ALLOW_CONNECTIONS false")
        _ = try cluster.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [name])
        try await eventually { try await product.manage("/readyz").status == .serviceUnavailable }
        #expect(try await product.manage("/healthz").status == .ok)
        #expect(try await product.manage("/metrics").status == .ok)
        let refused = try await product.call(.get, host: "acme", "/api/v0/contacts", headers: ["X-API-Key": key])
        #expect(refused.status == .serviceUnavailable)
        #expect(refused.json["code"] == "database_unavailable")
        try cluster.execute("ALTER DATABASE \(name) ALLOW_CONNECTIONS true")
        try await eventually { try await product.manage("/readyz").status == .ok }
        // Each pool finds its way back by itself; until then webhooks are asked to come again, as Emarsys does.
        try await eventually { (try? await sandbox.sendWebhook(to: product, key: key, eventName: "after")) != nil }
        #expect(product.stop() == 0)
    }

    private func eventually(_ check: () async throws -> Bool) async throws {
        for _ in 0..<600 {
            if try await check() { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("it did not come")
    }
}
