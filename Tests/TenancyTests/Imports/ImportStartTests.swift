import EventLoop
import FoundationEssentials
import HTTP
import Persistence
import Sandbox
import Testing

@testable import Tenancy

/// What an import may be started with.
@Suite("Starting an import")
struct ImportStartTests {
    @Test("a segment of the account can be looked at before it is selected; an unknown one is refused")
    func unselected() async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 40)
            let service = ImportService(
                database: world.database, catalogue: AccountCatalogue(connections: world.connections), time: world.time)
            let tenant = try await world.tenant()
            await #expect {
                _ = try await service.start(tenant, segment: "4711", mode: .full, dryRun: true, actor: "t")
            } throws: {
                ($0 as? Problem)?.code == "unknown_segment"
            }
            let run = try await service.start(tenant, segment: "9001", mode: .full, dryRun: true, actor: "t")
            #expect(run.segmentIDs == ["9001"])
            try await world.work()
            let ended = try await service.find(world.tenantID, run.id)
            #expect(ended.state.isFinal && ended.state != .failed)
            #expect(try world.value("SELECT count(*)::text FROM app.contacts") == "0")
            #expect(try world.value("SELECT count(*)::text FROM app.selected_segments") == "0")
        }
    }

    @Test("the first import of a selected segment goes before whoever asks for another")
    func initialPending() async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 40)
            try world.select("9001")
            _ = try await world.database.run(
                .tenant(world.tenantID),
                ConnectionJobs.initialImport(world.tenantID, segment: "9001", now: world.time.now()))
            let tenant = try await world.tenant()
            await #expect {
                _ = try await world.service.start(tenant, segment: nil, mode: .full, dryRun: false, actor: "t")
            } throws: {
                ($0 as? Problem)?.code == "import_running"
            }
            try await world.work()
            #expect(try world.value("SELECT string_agg(trigger, ',') FROM app.imports") == "initial")
        }
    }
}
