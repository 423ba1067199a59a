import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Sandbox
import TestSupport
import Testing

@testable import Tenancy

@Suite("Imports", .serialized)
struct ImportTests {
    @Test("a segment becomes contacts; the next run finds nothing to do")
    func firstAndSecond() async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "Some", first: 2300)
            try world.select("9001")
            let first = try await world.imported()
            #expect(first.state == .succeededWithRejections || first.state == .succeeded)
            #expect(first.total == 2300)
            #expect(first.counts.read == 2300)
            let sum = first.counts.created + first.counts.updated + first.counts.merged + first.counts.rejected
            #expect(sum + first.counts.unchanged == 2300)
            #expect(first.counts.created > 2000)
            #expect(first.apiCalls >= 4)
            #expect(first.progress == 1)
            let members = try world.value("SELECT count(*)::text FROM app.segment_members WHERE left_at IS NULL")
            #expect(members == String(first.counts.created + first.counts.merged + first.counts.updated))
            let written = try world.value("SELECT max(updated_at)::text FROM app.contacts")
            world.time.advance(by: .seconds(60))
            let second = try await world.imported()
            #expect(second.counts.unchanged + second.counts.rejected + second.counts.updated == 2300)
            #expect(second.counts.created == 0)
            #expect(second.counts.unchanged >= first.counts.created)
            #expect(try world.value("SELECT max(updated_at)::text FROM app.contacts") == written)
        }
    }

    @Test("only a mapped field makes a contact updated; labels, types and names arrive")
    func changes() async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "Some", first: 50)
            try world.select("9001")
            _ = try await world.imported()
            let id = SandboxAccount.contactID(at: 3)
            world.account.setValue(.text("Renamed"), field: 1, of: id)
            world.account.setValue(.text("x"), field: 505, of: SandboxAccount.contactID(at: 4))
            let run = try await world.imported()
            #expect(run.counts.updated == 1)
            let name = try world.value("SELECT first_name FROM app.contacts WHERE external_reference_id = '\(id)'")
            #expect(name == "Renamed")
        }
    }

    @Test(
        "21: somebody in two segments is one row of a run and a member of both; people enter and leave, nobody is deleted"
    )
    func memberships() async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 40)
            world.account.addSegment(9002, name: "B", first: 60)
            try world.select("9001", "9002")
            let run = try await world.imported()
            #expect(run.total == 60)
            #expect(run.counts.read == 60)
            let members =
                "SELECT count(*)::text FROM app.segment_members WHERE contact_id = (SELECT id FROM app.contacts "
            let twice =
                members + "WHERE external_reference_id = '\(SandboxAccount.contactID(at: 0))') AND left_at IS NULL"
            #expect(try world.value(twice) == "2")
            let people = try world.contacts().count
            let both = "SELECT count(*)::text FROM app.segment_members WHERE segment_id = '9001' AND left_at IS NULL"
            let before = try world.value(both)
            world.account.addSegment(9001, name: "A", first: 20)
            world.account.addSegment(9002, name: "B", first: 70)
            _ = try await world.imported()
            #expect(try world.value(both) != before)
            let left = try world.value("SELECT count(*)::text FROM app.segment_members WHERE left_at IS NOT NULL")
            #expect(Int(left ?? "") ?? 0 > 10)
            #expect(try world.contacts().count >= people)
        }
    }

    @Test("a segment that is too large fails before anything is written")
    func tooLarge() async throws {
        try await ImportWorld.run({ $0.contacts = 500_001 }) { world in
            world.account.addSegment(9001, name: "All", first: 500_001)
            try world.select("9001")
            let run = try await world.imported()
            #expect(run.state == .failed)
            #expect(run.failure?.code == "segment_too_large")
            #expect(try world.value("SELECT count(*)::text FROM app.contacts") == "0")
            #expect(try world.value("SELECT count(*)::text FROM app.import_batches") == "0")
        }
    }

    @Test("a run that is running keeps a second one out, and can be cancelled")
    func oneAtATime() async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 40)
            try world.select("9001")
            let tenant = try await world.tenant()
            let run = try await world.service.start(tenant, segment: nil, mode: .incremental, dryRun: false, actor: "t")
            await #expect {
                try await world.service.start(tenant, segment: nil, mode: .incremental, dryRun: false, actor: "t")
            } throws: { ($0 as? Problem)?.code == "import_running" }
            #expect(try await world.service.cancel(tenant, run.id).state == .cancelled)
            try await world.work()
            #expect(try await world.service.find(world.tenantID, run.id).state == .cancelled)
            #expect(try world.value("SELECT count(*)::text FROM app.contacts") == "0")
        }
    }

    @Test("the next slot is an interval after the end of the run, and imports again")
    func schedule() async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 40)
            try world.select("9001")
            let run = try await world.imported()
            let finished = try #require(run.finishedAt)
            world.time.advance(by: .seconds(12 * 3600 - 1))
            #expect(try await world.step() == nil)
            world.time.advance(by: .seconds(400))
            try await world.work()
            let runs = try await world.service.list(world.tenantID, PageRequest())
            #expect(runs.items.count == 2)
            #expect(runs.items.first?.trigger == .schedule)
            #expect(runs.items.first?.state.isFinal == true)
            #expect(try #require(runs.items.first?.startedAt) >= finished + .seconds(12 * 3600))
        }
    }

    @Test("wrong credentials fail the run with advice and the connection with it")
    func credentials() async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 40)
            try world.select("9001")
            world.account.inject(SandboxFault(.unauthorized401, count: 100))
            let run = try await world.imported()
            #expect(run.state == .failed)
            #expect(run.failure?.code == "emarsys_credentials_invalid")
            #expect(run.failure?.advice.isEmpty == false)
            #expect(try world.value("SELECT status FROM app.connections") == "failing")
        }
    }

    @Test("a segment that vanished fails the run")
    func vanished() async throws {
        try await ImportWorld.run { world in
            try world.select("424242")
            let run = try await world.imported()
            #expect(run.failure?.code == "segment_not_found")
        }
    }
}
