import EventLoop
import Foundation
import HTTP
import JSON
import Synchronization
import TestSupport
import Testing

@Suite("Taking an instance from one database to another")
struct ArchiveTests {
    @Test("an archive taken in elsewhere answers the same, with the same ids, and is refused where the instance is")
    func archive() async throws {
        let world = try await ArchiveWorld()
        let file = NSTemporaryDirectory() + "/archive-\(UUID().uuidString).jsonl"
        defer { unlink(file) }
        let source = world.source
        let written = try JSON.parse(
            try world.command(source, ["tenant", "export", "acme", "--output", file, "--json"]).lastLine)
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        // The manifest tells what sha256sum would.
        let sum = try runCommand(["sh", "-c", "head -n -1 \(file) | sha256sum"]).prefix(64)
        #expect(written["sha256"]?.string == String(sum))
        #expect(try Self.carried(source.database) == Set(written["tables"]?.object?.map(\.key) ?? []))
        // Sealed secrets stay sealed, keys are hashes.
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(!text.contains(world.key) && !text.contains(world.sandbox.secret))
        #expect(try world.command(source, ["tenant", "import", file], expecting: 1).contains("there is the instance"))

        let other = try await RunningProduct.start()
        let damaged = file + ".damaged"
        defer { unlink(damaged) }
        try text.replacing("+4915112345678", with: "+4915112345679").write(
            toFile: damaged, atomically: true, encoding: .utf8)
        #expect(try world.command(other, ["tenant", "import", damaged], expecting: 1).contains("damaged"))
        try text.split(separator: "\n").dropLast().joined(separator: "\n").write(
            toFile: damaged, atomically: true, encoding: .utf8)
        #expect(try world.command(other, ["tenant", "import", damaged], expecting: 1).contains("not complete"))
        let foreign = try world.command(
            other, ["tenant", "import", file], expecting: 1,
            ["CHARLES_MASTER_KEYS": "k9:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU="])
        #expect(foreign.contains("master key k1"))
        #expect(try other.database.administer("SELECT count(*) FROM app.tenants") == [["0"]])

        let taken = try JSON.parse(try world.command(other, ["tenant", "import", file, "--json"]).lastLine)
        #expect(taken["rows"] == written["rows"])
        for path in ArchiveWorld.paths {
            let (here, there) = (try await world.ask(source, .get, path), try await world.ask(other, .get, path))
            #expect(here.status == .ok && here.json == there.json, "\(path): \(there.json)")
        }
        // It works there: a webhook comes in and its contact is the known one.
        try await world.sandbox.send(
            ["phone": "+4915112345678", "event_name": "welcome", "deduplication_id": "there"], to: other, key: world.key
        )
        try await world.eventually {
            try await world.ask(other, .get, "/api/v0/flow_runs").json["count"]?.int64 ?? 0 > 1
        }
        let people = "SELECT count(*) FROM app.contacts WHERE phone = '+4915112345678'"
        #expect(try other.database.administer(people) == [["1"]])
        #expect(other.stop() == 0)
    }

    /// The tables with rows that an archive holds, straight from the catalogue.
    private static func carried(_ database: TestDatabase) throws -> Set<String> {
        var names: Set<String> = []
        let local: Set = ["lanes", "directory_changes", "reporting_logins", "tenant_moves"]
        let tables = try database.administer(
            """
            SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
             WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            """)
        for name in tables.compactMap({ $0[0] }) where !local.contains(name) {
            if try database.administer("SELECT count(*) FROM app.\(name)") != [["0"]] { names.insert(name) }
        }
        return names
    }

    @Test("a move under fire: writers wait a moment, no webhook is lost or doubled, and both databases hold the same")
    func move() async throws {
        let world = try await ArchiveWorld()
        let source = world.source
        try source.database.administer(
            """
            INSERT INTO app.contacts (tenant_id, first_name, phone)
            SELECT (SELECT tenant_id FROM app.tenants), 'n' || n, '+49170' || n FROM generate_series(1000000, 1020000) n
            """)
        let target = try await RunningProduct.start()
        // Emarsys: sends on and on, again after a 503, to wherever the proxy points.
        let toTarget = Atomic<Bool>(false)
        let stopped = Atomic<Bool>(false)
        let refusals = Atomic<Int>(0)
        let accepted = Atomic<Int>(0)
        let token = try await world.token(source)
        let sending = Task { () -> Int in
            var number = 0
            while !stopped.load(ordering: .relaxed) {
                number += 1
                while true {
                    let product = toTarget.load(ordering: .relaxed) ? target : source
                    let answer = try await product.call(
                        .post, host: "acme", "/api/v0/webhooks/incoming/emarsys/custom_external_event",
                        [
                            "phone": .string("+4917\(1_000_000 + number)"), "event_name": "welcome",
                            "deduplication_id": .string("n\(number)"),
                        ],
                        headers: ["Authorization": "Bearer \(token)"])
                    if answer.status == .accepted || answer.status == .ok {
                        accepted.add(1, ordering: .relaxed)
                        break
                    }
                    #expect(
                        answer.status == .serviceUnavailable && answer.json["code"] == "instance_moving", "\(answer)")
                    refusals.add(1, ordering: .relaxed)
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
            return number
        }
        try await world.eventually { accepted.load(ordering: .relaxed) > 10 }
        let ended = try await BlockingRun.run {
            try world.command(
                source, ["tenant", "move", "acme", "--json"],
                ["CHARLES_TARGET_DATABASE_URL": target.database.serviceURL])
        }
        let report = try JSON.parse(ended.lastLine)
        // The old service asks whoever still comes to come again, readers too.
        #expect(try await world.ask(source, .get, "/api/v0/contacts").status == .serviceUnavailable)
        let refused = refusals.load(ordering: .relaxed)
        try await world.eventually { refusals.load(ordering: .relaxed) > refused }
        let before = accepted.load(ordering: .relaxed)
        toTarget.store(true, ordering: .relaxed)
        try await world.eventually { accepted.load(ordering: .relaxed) > before + 10 }
        stopped.store(true, ordering: .relaxed)
        let sent = try await sending.value
        let pause = report["pause_ms"]?.int64 ?? .max
        print(
            "move: \(report["rows"]?.int64 ?? 0) rows, pause \(pause) ms, \(sent) webhooks, \(refusals.load(ordering: .relaxed)) refusals"
        )
        #expect(pause < 60_000)
        #expect(refusals.load(ordering: .relaxed) > 0)
        let counted =
            "SELECT count(*), count(DISTINCT body ->> 'deduplication_id') FROM app.events WHERE body ->> 'deduplication_id' LIKE 'n%'"
        #expect(try target.database.administer(counted) == [["\(sent)", "\(sent)"]])
        // What waited goes on there: every event is processed.
        try await world.eventually {
            try target.database.administer("SELECT count(*) FROM app.events WHERE status = 'accepted'") == [["0"]]
        }
        #expect(
            try world.command(
                source, ["tenant", "move", "acme"], expecting: 1,
                ["CHARLES_TARGET_DATABASE_URL": target.database.serviceURL]
            )
            .contains("already"))
        let removed = try world.command(source, ["tenant", "delete", "acme", "--confirm", "acme", "--json"])
        #expect(!removed.isEmpty)
        #expect(try source.database.administer("SELECT count(*) FROM app.contacts") == [["0"]])
        #expect(source.stop() == 0)
        #expect(target.stop() == 0)
    }

    @Test(
        "a move that is killed leaves the instance served, and goes on when it is started again; given up, it leaves nothing"
    )
    func killed() async throws {
        let world = try await ArchiveWorld()
        let source = world.source
        let target = try await RunningProduct.start()
        let settings = ["CHARLES_TARGET_DATABASE_URL": target.database.serviceURL]
        for delay in [150, 400, 700, 1100, 1500] {
            let process = try spawn(
                ["env"] + source.settings + settings.map { "\($0.key)=\($0.value)" }
                    + [try RunningProduct.program(), "tenant", "move", "acme"], input: nil, output: nil)
            try await Task.sleep(for: .milliseconds(delay))
            Foundation.kill(process, SIGKILL)
            var status: Int32 = 0
            waitpid(process, &status, 0)
            // While it is on its way, nobody works on it: neither here nor there.
            for product in [source, target] {
                let working = try product.database.administer(
                    "SELECT count(*) FROM app.lanes l JOIN app.tenant_moves m USING (tenant_id) WHERE NOT l.paused")
                #expect(working == [["0"]])
            }
            let state = try source.database.administer("SELECT state FROM app.tenant_moves")
            if state == [["moved"]] { break }
            #expect(try await world.ask(source, .get, "/api/v0/contacts").status == .ok)
        }
        if try source.database.administer("SELECT state FROM app.tenant_moves") != [["moved"]] {
            _ = try world.command(source, ["tenant", "move", "acme", "--abandon"], settings)
            #expect(try target.database.administer("SELECT count(*) FROM app.tenants") == [["0"]])
            #expect(try source.database.administer("SELECT count(*) FROM app.tenant_moves") == [["0"]])
            // Every replica learns of it within a second.
            try await world.eventually {
                let body: JSON = ["name": "x", "type": "string"]
                return try await world.ask(source, .post, "/api/v0/custom_properties", body).status == .created
            }
        }
        let ended = try world.command(source, ["tenant", "move", "acme", "--json"], settings)
        #expect(try JSON.parse(ended.lastLine)["rows"]?.int64 ?? 0 > 0)
        #expect(try await world.ask(target, .get, "/api/v0/contacts").json["count"]?.int64 ?? 0 > 0)
    }
}

/// An instance with something in most of its tables.
private final class ArchiveWorld: Sendable {
    static let paths = [
        "/api/v0/contacts", "/api/v0/flows", "/api/v0/flow_runs", "/api/v0/events", "/api/v0/orders", "/api/v0/imports",
        "/api/v0/deliveries", "/api/v0/audiences", "/api/v0/delivery_endpoint", "/api/v0/custom_properties",
        "/api/v0/integrations/emarsys/connection", "/api/v0/integrations/emarsys/webhook",
        "/api/v0/integrations/emarsys/mappings", "/api/v0/integrations/emarsys/segments/selected",
        "/api/v0/opt_ins/exports",
    ]

    let sandbox: SandboxProcess
    let source: RunningProduct
    let key: String

    init() async throws {
        sandbox = try SandboxProcess.start(contacts: 200)
        source = try await RunningProduct.start()
        key = try await source.makeInstance("acme")
        let connected = try await ask(
            source, .put, "/api/v0/integrations/emarsys/connection",
            [
                "name": "main", "auth": "wsse", "username": .string(sandbox.username),
                "secret": .string(sandbox.secret), "base_url": .string(sandbox.baseURL),
            ])
        #expect(connected.status == .ok, "\(connected.json)")
        let segments = try await ask(source, .get, "/api/v0/integrations/emarsys/segments")
        let segment = segments.json["data"]?[0]?["id"]?.string ?? ""
        _ = try await ask(
            source, .put, "/api/v0/integrations/emarsys/segments/selected", [["segment_id": .string(segment)]])
        _ = try await ask(
            source, .put, "/api/v0/delivery_endpoint", ["url": "http://127.0.0.1:9/hook", "enabled": true])
        _ = try await ask(
            source, .post, "/api/v0/flows",
            [
                "name": "w", "trigger": "emarsys_event", "event_name": "welcome", "payload": ["code": "X"],
                "enabled": true,
            ])
        _ = try await ask(source, .post, "/api/v0/audiences", ["name": "all", "rules": ["and": []]])
        try await sandbox.sendWebhook(to: source, key: key, eventName: "welcome")
        _ = try await ask(
            source, .post, "/api/v0/opt_ins", ["contact": ["phone": "+4915112345678"], "status": "granted"])
        try await eventually {
            let imports = try await self.ask(self.source, .get, "/api/v0/imports").json["data"]?.array ?? []
            let runs = try await self.ask(self.source, .get, "/api/v0/flow_runs").json["count"]?.int64 ?? 0
            return imports.contains { $0["state"]?.string?.hasPrefix("succeeded") == true } && runs == 1
        }
        // The endpoint is not there, so that what is to be delivered waits; the paused lanes keep all else as it is.
        try await eventually {
            try self.source.database.administer("SELECT count(*) FROM app.jobs WHERE state IN (0, 1)") == [["0"]]
        }
    }

    func ask(_ product: RunningProduct, _ method: HTTPMethod, _ path: String, _ body: JSON? = nil) async throws
        -> (status: HTTPStatus, json: JSON)
    {
        try await product.call(method, host: "acme", path, body, headers: ["X-API-Key": key])
    }

    /// A webhook's token.
    func token(_ product: RunningProduct) async throws -> String {
        let webhook = try await ask(product, .get, "/api/v0/integrations/emarsys/webhook")
        return SandboxProcess.token(secret: webhook.json["data"]?[0]?["secret"]?.string ?? "")
    }

    /// Runs the command line beside a product.
    func command(
        _ product: RunningProduct, _ words: [String], expecting status: Int32 = 0, _ settings: [String: String] = [:]
    )
        throws -> String
    {
        let kept = product.settings.filter { line in !settings.keys.contains { line.hasPrefix($0 + "=") } }
        do {
            let output = try runCommand(
                ["env"] + kept + settings.map { "\($0.key)=\($0.value)" } + [try RunningProduct.program()] + words)
            #expect(status == 0)
            return output
        } catch let failure as CommandFailure where failure.status == status {
            return failure.output
        }
    }

    func command(_ product: RunningProduct, _ words: [String], _ settings: [String: String]) throws -> String {
        try command(product, words, expecting: 0, settings)
    }

    func eventually(_ check: () async throws -> Bool) async throws {
        for _ in 0..<1200 {
            if try await check() { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("it did not come")
    }
}

/// Runs what blocks away from the tests' threads.
private enum BlockingRun {
    static func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await BlockingExecutor.shared.run(body)
    }
}

extension String {
    fileprivate var lastLine: String { split(separator: "\n").last.map(String.init) ?? "" }
}
