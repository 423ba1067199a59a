import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Sandbox
import TestSupport
import Testing

/// Imports by the program itself: several replicas, killed, stopped and cut off in the middle.
@Suite("Imports by the program", .serialized)
struct ImportProcessTests {
    private static let people = 45_000

    private struct Stage {
        let first: RunningProduct
        let emarsys: SandboxProcess
        let key: String

        init(_ settings: [String: String] = [:], people: Int = ImportProcessTests.people, latency: Int = 150)
            async throws
        {
            var options = SandboxOptions()
            options.contacts = people
            options.callsPerMinute = 100_000
            options.quirks.evaluationCalls = 0
            options.quirks.latencyMilliseconds = latency
            emarsys = try SandboxProcess.start(options)
            first = try await RunningProduct.start(settings)
            key = try await first.makeInstance("acme")
        }

        /// Connects an instance and selects a segment, which imports it.
        func connect(_ instance: String, _ key: String, on product: RunningProduct, segments: [String] = ["1001"])
            async throws
        {
            let base = "/api/v0/integrations/emarsys"
            let connection: JSON = [
                "name": "Emarsys", "auth": "oauth2", "client_id": .string(emarsys.clientID),
                "client_secret": .string(emarsys.clientSecret), "token_url": .string(emarsys.tokenURL),
                "base_url": .string(emarsys.baseURL),
            ]
            let headers: HTTPHeaders = ["X-API-Key": key]
            let made = try await product.call(.put, host: instance, "\(base)/connection", connection, headers: headers)
            try #require(made.status.code < 300, "\(made.json)")
            let chosen = try await product.call(
                .put, host: instance, "\(base)/segments/selected",
                .array(segments.map { ["segment_id": .string($0)] }), headers: headers)
            try #require(chosen.status.code < 300, "\(chosen.json)")
        }

        func latest(_ instance: String = "acme", _ key: String? = nil, on product: RunningProduct) async throws -> JSON
        {
            try await product.call(
                .get, host: instance, "/api/v0/imports?limit=1", headers: ["X-API-Key": key ?? self.key]
            ).json["data"]?[0] ?? .null
        }

        /// Asks for the latest run until it fits; answers it and the seconds that took.
        func until(
            _ instance: String = "acme", _ key: String? = nil, on product: RunningProduct, seconds: Int = 120,
            _ fits: (JSON) -> Bool
        ) async throws -> (run: JSON, seconds: Double) {
            let begin = MonotonicTime.now
            var run = JSON.null
            while MonotonicTime.now - begin < .seconds(seconds) {
                run = (try? await latest(instance, key, on: product)) ?? .null
                if fits(run) { return (run, (MonotonicTime.now - begin) / .seconds(1)) }
                try await Task.sleep(for: .milliseconds(50))
            }
            throw CommandFailure(command: "until", status: -1, output: "\(run)\n\(product.logText.suffix(4000))")
        }

        /// What an instance's contacts are, whatever their ids.
        func contacts(_ instance: String) throws -> [String?] {
            try first.database.administer(
                """
                SELECT count(*) || ' ' || sum(hashtextextended(concat_ws('|', c.external_reference_id, c.first_name,
                       c.last_name, c.phone, c.email, c.custom_properties::text,
                       (SELECT string_agg(i.kind || i.value || i.status, ',' ORDER BY i.kind, i.value)
                          FROM app.contact_identifiers i WHERE i.tenant_id = c.tenant_id AND i.contact_id = c.id),
                       (SELECT string_agg(m.segment_id, ',' ORDER BY m.segment_id) FROM app.segment_members m
                         WHERE m.tenant_id = c.tenant_id AND m.contact_id = c.id)), 0)::numeric)::text
                  FROM app.contacts c JOIN app.tenants t USING (tenant_id)
                 WHERE t.instance_name = $1 AND c.merged_into IS NULL
                """, [instance]
            ).first ?? []
        }
    }

    private static func isDone(_ run: JSON) -> Bool { run["state"]?.string?.hasPrefix("succeeded") == true }

    private static func isInTheMiddle(_ run: JSON) -> Bool {
        let read = run["counts"]?["read"]?.int ?? 0
        return read >= 10_000 && read < people
    }

    @Test("killed in the middle, a run goes on elsewhere within a minute and ends like an undisturbed one")
    func killed() async throws {
        let stage = try await Stage()
        try await stage.connect("acme", stage.key, on: stage.first)
        _ = try await stage.until(on: stage.first) { ($0["counts"]?["read"]?.int ?? 0) >= 10_000 }
        let second = try await stage.first.replica()
        let before = try await stage.latest(on: second)
        try #require(Self.isInTheMiddle(before), "\(before)")
        stage.first.kill()
        let read = before["counts"]?["read"]?.int ?? 0
        let goesOn = try await stage.until(on: second) { ($0["counts"]?["read"]?.int ?? 0) > read }
        print("A killed replica's import went on elsewhere after \(goesOn.seconds) s")
        #expect(goesOn.seconds < 60)
        let end = try await stage.until(on: second, Self.isDone).run
        #expect(end["counts"]?["read"]?.int == Self.people)
        #expect(stage.emarsys.account.calls()["POST /contact/getdata"] ?? 0 <= 45 + 20, "done twice")

        // The same account by an instance that nothing happened to.
        let key = try await second.makeInstance("globex")
        try await stage.connect("globex", key, on: second)
        let undisturbed = try await stage.until("globex", key, on: second, Self.isDone).run
        #expect(undisturbed["counts"] == end["counts"])
        #expect(try stage.contacts("globex") == stage.contacts("acme"))
        #expect(try stage.first.database.administer("SELECT count(*)::text FROM app.imports").first?[0] == "2")
        second.stop()
    }

    @Test("stopped in the middle, a run goes on elsewhere at once; cut off from the database, it goes on by itself")
    func stopped() async throws {
        let stage = try await Stage()
        try await stage.connect("acme", stage.key, on: stage.first)
        _ = try await stage.until(on: stage.first) { ($0["counts"]?["read"]?.int ?? 0) >= 10_000 }
        let second = try await stage.first.replica()
        let before = try await stage.latest(on: second)
        try #require(Self.isInTheMiddle(before), "\(before)")
        #expect(stage.first.stop() == 0)
        let read = before["counts"]?["read"]?.int ?? 0
        let goesOn = try await stage.until(on: second) { ($0["counts"]?["read"]?.int ?? 0) > read }
        print("A stopped replica's import went on elsewhere after \(goesOn.seconds) s")
        #expect(goesOn.seconds < 15)
        try stage.first.database.administer(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()
            """)
        let end = try await stage.until(on: second, seconds: 60, Self.isDone).run
        #expect(end["counts"]?["read"]?.int == Self.people)
        second.stop()
    }

    @Test("two replicas never run an import twice, whoever asks and however often its time comes")
    func never() async throws {
        let stage = try await Stage(["CHARLES_SYNC_INTERVAL": "2s"], people: 1500, latency: 20)
        let second = try await stage.first.replica(["CHARLES_SYNC_INTERVAL": "2s"])
        try await stage.connect("acme", stage.key, on: stage.first, segments: ["1001", "1002", "1003"])
        let end = MonotonicTime.now + .seconds(15)
        var accepted = 0
        while MonotonicTime.now < end {
            let headers: HTTPHeaders = ["X-API-Key": stage.key]
            async let one = stage.first.call(.post, host: "acme", "/api/v0/imports", ["mode": "full"], headers: headers)
            async let two = second.call(.post, host: "acme", "/api/v0/imports", ["mode": "full"], headers: headers)
            let answers = try await [one, two]
            #expect(answers.allSatisfy { $0.status.code == 202 || $0.json["code"]?.string == "import_running" })
            #expect(answers.count { $0.status.code == 202 } < 2)
            accepted += answers.count { $0.status.code == 202 }
            try await Task.sleep(for: .milliseconds(700))
        }
        #expect(accepted > 0)
        _ = try await stage.until(on: second) { $0["finished_at"]?.string != nil }
        let database = stage.first.database
        let runs = try database.administer("SELECT count(*)::text, count(DISTINCT trigger)::text FROM app.imports")
            .first
        #expect(Int(runs?[0] ?? "") ?? 0 > 3)
        let overlaps = try database.administer(
            """
            SELECT count(*)::text FROM app.imports a JOIN app.imports b ON a.tenant_id = b.tenant_id AND a.id < b.id
             WHERE a.started_at < b.finished_at AND b.started_at < a.finished_at
            """)
        #expect(overlaps.first?[0] == "0")
        let wrong = try database.administer(
            "SELECT count(*)::text FROM app.imports WHERE finished_at IS NOT NULL AND read + skipped <> total")
        #expect(wrong.first?[0] == "0")
        stage.first.stop()
        second.stop()
    }
}
