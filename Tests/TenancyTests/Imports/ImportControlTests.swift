import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence
import Sandbox
import TestSupport
import Testing

@testable import Tenancy

/// What people do to imports while they run, and what others are told of them.
@Suite("Control of imports", .serialized)
struct ImportControlTests {
    /// Takes a run to the middle of its rows: a passing failure interrupts it.
    private func interrupted(_ world: ImportWorld, _ body: @escaping @Sendable () async throws -> Void) async throws
        -> ImportRun
    {
        world.account.addSegment(9001, name: "A", first: 2300)
        try world.select("9001")
        world.account.inject(SandboxFault(.error500, path: "getdata", count: 1, after: 1))
        world.hurried.atNextWait(body)
        return try await world.started()
    }

    @Test("a paused run stops calling Emarsys at once, waits, and goes on where it was")
    func pause() async throws {
        try await ImportWorld.run { world in
            let run = try await interrupted(world) { [world] in
                _ = try await world.connections.pause(try await world.tenant(), actor: "test")
                world.directory.forget(instance: "acme")
            }
            #expect(try await world.step() == "again: paused")
            #expect(try await world.service.find(world.tenantID, run.id).state == .waiting)
            world.account.resetCalls()
            world.time.advance(by: .seconds(86_400))
            #expect(try await world.step() == nil)
            #expect(world.account.calls().isEmpty)
            _ = try await world.connections.resume(try await world.tenant(), actor: "test")
            world.directory.forget(instance: "acme")
            let end = try await world.ended(run.id)
            #expect(end.counts.read == 2300)
            #expect(end.counts.created > 2000)
        }
    }

    @Test("a run of an instance whose feature goes off waits until it is on again")
    func featureOff() async throws {
        try await ImportWorld.run { world in
            @Sendable func set(_ enabled: Bool) throws {
                try world.files.administer(
                    "UPDATE app.features SET enabled = $1::boolean", [enabled ? "true" : "false"])
                try world.files.administer("SELECT app.set_lane_pauses($1::uuid)", [world.tenantID.uuidString])
            }
            let run = try await interrupted(world) { [world] in
                try set(false)
                world.directory.forget(instance: "acme")
            }
            #expect(try await world.step() == "again: paused")
            #expect(try await world.service.find(world.tenantID, run.id).state == .waiting)
            world.time.advance(by: .seconds(600))
            #expect(try await world.step() == nil)
            try set(true)
            world.directory.forget(instance: "acme")
            #expect(try await world.ended(run.id).counts.read == 2300)
        }
    }

    @Test("a connection that is removed ends the run; connected anew, the selected segments are imported again")
    func disconnected() async throws {
        try await ImportWorld.run { world in
            let run = try await interrupted(world) { [world] in
                try await world.connections.delete(try await world.tenant(), actor: "test")
                world.directory.forget(instance: "acme")
            }
            try await world.work()
            let end = try await world.service.find(world.tenantID, run.id)
            #expect(end.state == .cancelled)
            #expect(try world.value("SELECT count(*)::text FROM app.jobs WHERE queue = 'imports'") == "0")
            world.time.advance(by: .seconds(60))
            _ = try await world.connections.put(
                ConnectionInput(
                    name: "again", auth: .wsse, principal: world.server.info.username,
                    secret: world.server.info.secret, tokenURL: nil, baseURL: world.server.info.baseURL),
                for: try await world.tenant(), actor: "test")
            world.directory.forget(instance: "acme")
            try await world.work()
            let latest = try await world.service.list(world.tenantID, PageRequest()).items.first
            #expect(latest?.trigger == .schedule)
            #expect(latest?.counts.read == 2300)
        }
    }

    @Test("cancelling ends a run between batches; what is in stays, and the next slot stands")
    func cancelRunning() async throws {
        try await ImportWorld.run({ $0.contacts = 12_000 }) { world in
            world.account.addSegment(9001, name: "A", first: 12_000)
            try world.select("9001")
            world.account.inject(SandboxFault(.error500, path: "getdata", count: 1, after: 2))
            let run = try await world.started()
            world.hurried.atNextWait { [world] in
                let now = try await world.service.cancel(try await world.tenant(), run.id)
                // Somebody works on it: it is asked to end.
                #expect(now.state == .running && now.isCancelRequested)
            }
            try await world.work()
            let end = try await world.service.find(world.tenantID, run.id)
            #expect(end.state == .cancelled)
            #expect(end.counts.read == 10_000)
            #expect(try world.contacts().count > 9000)
            #expect(try world.value("SELECT count(*)::text FROM app.import_batches") == "0")
            #expect(try world.value("SELECT count(*)::text FROM app.jobs WHERE kind = 'import_due'") == "1")
        }
    }

    @Test(
        "a run that waits is cancelled at once, also while everything is paused; its next slot stands and it is told of"
    )
    func cancelWaiting() async throws {
        try await ImportWorld.run { world in
            try world.files.administer(
                "INSERT INTO app.delivery_endpoints (tenant_id, url, secret) VALUES ($1::uuid, 'https://x', '\\x00')",
                [world.tenantID.uuidString])
            let run = try await interrupted(world) { [world] in
                _ = try await world.connections.pause(try await world.tenant(), actor: "test")
                world.directory.forget(instance: "acme")
            }
            #expect(try await world.step() == "again: paused")
            #expect(try await world.service.cancel(try await world.tenant(), run.id).state == .cancelled)
            #expect(try world.value("SELECT count(*)::text FROM app.jobs WHERE kind = 'import_run'") == "0")
            #expect(try world.value("SELECT count(*)::text FROM app.jobs WHERE kind = 'import_due'") == "1")
            #expect(try world.value("SELECT next_import_at IS NOT NULL FROM app.selected_segments") == "t")
            let told = try world.value("SELECT body -> 'data' -> 'import' ->> 'state' FROM app.deliveries")
            #expect(told == "cancelled")
            await #expect {
                _ = try await world.service.cancel(try await world.tenant(), run.id)
            } throws: { ($0 as? Problem)?.code == "import_finished" }
        }
    }

    @Test("a run whose job was given up can be cancelled, and the next one starts")
    func cancelAbandoned() async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 40)
            try world.select("9001")
            let run = try await world.started()
            try world.files.administer("UPDATE app.jobs SET state = 3 WHERE kind = 'import_run'")
            #expect(try await world.service.cancel(try await world.tenant(), run.id).state == .cancelled)
            #expect(try await world.imported().counts.read == 40)
        }
    }

    @Test("the charles instance is told of a finished import with its counts")
    func told() async throws {
        try await ImportWorld.run { world in
            try world.files.administer(
                "INSERT INTO app.delivery_endpoints (tenant_id, url, secret) VALUES ($1::uuid, 'https://x', '\\x00')",
                [world.tenantID.uuidString])
            world.account.addSegment(9001, name: "A", first: 40)
            try world.select("9001")
            let run = try await world.imported()
            let body = try world.value("SELECT body::text FROM app.deliveries WHERE type = 'import.finished'")
            let told = try JSON.parse(Array((body ?? "").utf8))["data"]?["import"]
            #expect(told?["id"]?.string == run.id.uuidString.lowercased())
            #expect(told?["state"]?.string == run.state.rawValue)
            #expect(told?["counts"]?["created"]?.int == run.counts.created)
            let created = try world.value("SELECT count(*)::text FROM app.deliveries WHERE type = 'contact.created'")
            #expect(created == String(run.counts.created))
        }
    }

    @Test("progress and the time that is left are those of the work on rows")
    func progress() async throws {
        try await ImportWorld.run({ $0.contacts = 25_000 }) { world in
            world.account.addSegment(9001, name: "A", first: 25_000)
            try world.select("9001")
            world.account.inject(SandboxFault(.error500, path: "getdata", count: 1000, after: 13))
            let run = try await world.started()
            #expect(run.progress == 0)
            #expect(run.etaSeconds(now: world.time.now()) == nil)
            #expect(try await world.step()?.hasPrefix("again") == true)
            world.account.clearFaults()
            let middle = try await world.service.find(world.tenantID, run.id)
            #expect(middle.progress == 0.4)
            #expect(middle.total == 25_000)
            // 10,000 rows in 20 seconds.
            let fetched = try #require(middle.fetchedAt)
            #expect(middle.etaSeconds(now: fetched + .seconds(20)) == 30)
            let end = try await world.ended(run.id)
            #expect(end.progress == 1)
            #expect(end.etaSeconds(now: world.time.now()) == 0)
        }
    }

    @Test("a shorter interval brings the next import forward")
    func interval() async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 40)
            let segments = SegmentSelectionService(
                database: world.database, catalogue: AccountCatalogue(connections: world.connections), time: world.time)
            let tenant = try await world.tenant()
            _ = try await segments.replace(tenant, [.init(segmentID: "9001", intervalHours: nil)], actor: "test")
            try await world.work()
            #expect(try await world.service.list(world.tenantID, PageRequest()).items.first?.trigger == .initial)
            _ = try await segments.replace(tenant, [.init(segmentID: "9001", intervalHours: 2)], actor: "test")
            world.time.advance(by: .seconds(2 * 3600 + 1))
            try await world.work()
            #expect(try await world.service.list(world.tenantID, PageRequest()).items.count == 2)
            let pause = try world.value(
                "SELECT extract(epoch FROM next_import_at - last_imported_at)::int::text FROM app.selected_segments")
            let seconds = try #require(Int(pause ?? ""))
            #expect(seconds >= 7200 && seconds <= 7272)
        }
    }
}
