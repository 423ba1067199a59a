import Emarsys
import EventLoop
import FoundationEssentials
import Sandbox
import TestSupport
import Testing

@testable import Tenancy

@Suite("Back-fill and reconciliation of opt-ins")
struct SweeperTests {
    @Test("choosing the field tells Emarsys all known decisions, and nothing of people who never decided")
    func backfill() async throws {
        try await ExportStage.run { stage in
            try stage.world.files.administer("DELETE FROM app.opt_in_fields")
            let granted = try stage.linked(0)
            let silent = try stage.linked(1)
            let withdrawn = try stage.linked(2)
            try await stage.world.decide(.granted, granted, at: 1)
            try await stage.world.decide(.denied, withdrawn, at: 1)
            #expect(try stage.world.told(granted).isEmpty)
            try stage.world.files.administer(
                "INSERT INTO app.opt_in_fields (tenant_id, field_id) VALUES ($1::uuid, '501')",
                [stage.tenant.uuidString])
            #expect(try await stage.sweeper.run(.backfill, tenantID: stage.tenant, after: nil))
            #expect(try stage.world.told(silent).isEmpty)
            try await stage.drain()
            #expect(stage.held(0) == "granted")
            #expect(stage.held(2) == "withdrawn")
            #expect(stage.held(1) == nil)
        }
    }

    @Test("a reconciliation repairs what was changed in Emarsys and believes what is right already")
    func reconcile() async throws {
        try await ExportStage.run { stage in
            let drifted = try stage.linked(0)
            let fine = try stage.linked(1)
            let never = try stage.linked(2)
            try await stage.world.decide(.withdrawn, drifted, at: 1)
            try await stage.drain()
            stage.account.setValue(.text("granted"), field: ExportStage.field, of: SandboxAccount.contactID(at: 0))
            try stage.world.files.administer("DELETE FROM app.opt_in_fields")
            try await stage.world.decide(.granted, fine, at: 1)
            try await stage.world.decide(.granted, never, at: 1)
            try stage.world.files.administer(
                "INSERT INTO app.opt_in_fields (tenant_id, field_id) VALUES ($1::uuid, '501')",
                [stage.tenant.uuidString])
            stage.account.setValue(.text("granted"), field: ExportStage.field, of: SandboxAccount.contactID(at: 1))
            stage.world.time.advance(by: .seconds(1))
            #expect(try await stage.sweeper.run(.reconcile, tenantID: stage.tenant, after: nil))
            #expect(try stage.world.told(fine).isEmpty)
            #expect(try stage.world.told(never) == ["granted queued"])
            #expect(try stage.world.told(drifted) == ["withdrawn confirmed", "withdrawn queued"])
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
            #expect(stage.held(2) == "granted")
            let next = try stage.world.files.administer(
                "SELECT state FROM app.jobs WHERE kind = 'reconcile_opt_ins' AND run_at > now() - interval '100 years'")
            #expect(next == [["4"]])
        }
    }

    @Test("a back-fill writes nothing that Emarsys has already, by its own word")
    func alreadyThere() async throws {
        try await ExportStage.run { stage in
            try stage.world.files.administer("DELETE FROM app.opt_in_fields")
            let there = try stage.linked(0)
            let wrong = try stage.linked(1)
            let unlinked = try stage.world.contact(phone: "+4915177777777")
            for contact in [there, wrong, unlinked] { try await stage.world.decide(.withdrawn, contact, at: 1) }
            for (index, value) in [(0, "withdrawn"), (1, "granted")] {
                stage.account.setValue(
                    .text(value), field: ExportStage.field, of: SandboxAccount.contactID(at: index))
            }
            try stage.world.files.administer(
                "INSERT INTO app.opt_in_fields (tenant_id, field_id) VALUES ($1::uuid, '501')",
                [stage.tenant.uuidString])
            #expect(try await stage.sweeper.run(.backfill, tenantID: stage.tenant, after: nil))
            #expect(try stage.world.told(there).isEmpty)
            #expect(try stage.world.told(unlinked) == ["withdrawn queued"])
            try await stage.drain()
            #expect(stage.held(1) == "withdrawn")
            #expect(stage.writes == 1)
        }
    }

    @Test("a back-fill goes on without reading where the API user may not read, and says that it fails")
    func withoutReading() async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            try await stage.world.decide(.withdrawn, contact, at: 1)
            try stage.world.files.administer("DELETE FROM app.opt_in_exports")
            stage.account.setPermissions(revoke: ["contact.getdata"])
            #expect(try await stage.sweeper.run(.backfill, tenantID: stage.tenant, after: nil))
            #expect(try stage.world.told(contact) == ["withdrawn queued"])
            let row = try stage.world.files.administer(
                "SELECT status, last_error ->> 'permission' FROM app.connections")
            #expect(row == [["failing", "contact.getdata"]])
            // Writing works, and says nothing about reading.
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
            #expect(try stage.world.files.administer("SELECT status FROM app.connections") == [["failing"]])
        }
    }

    @Test("a long back-fill goes on in pieces where it stopped")
    func pieces() async throws {
        try await ExportStage.run { stage in
            for index in 0..<5 { try await stage.world.decide(.granted, try stage.linked(index), at: 1) }
            try stage.world.files.administer("DELETE FROM app.opt_in_exports")
            var limits = OptInSweeper.Limits()
            limits.page = 2
            limits.time = .seconds(-1)
            let sweeper = OptInSweeper(
                database: stage.world.database, clients: { _ in throw EmarsysError(.network, text: "away") },
                time: stage.world.time,
                limits: limits)
            var place: UUID?
            var pieces = 0
            while try await !sweeper.run(.backfill, tenantID: stage.tenant, after: place) {
                pieces += 1
                let args = try stage.world.files.administer(
                    "SELECT args ->> 'after' FROM app.jobs WHERE kind = 'backfill_opt_ins'")
                place = args.first?.first.flatMap { $0 }.flatMap { UUID(uuidString: $0) }
                try stage.world.files.administer("DELETE FROM app.jobs WHERE kind = 'backfill_opt_ins'")
            }
            #expect(pieces == 3)
            #expect(
                try stage.world.files.administer("SELECT count(*) FROM app.opt_in_exports WHERE reason = 'backfill'")
                    == [["5"]])
        }
    }
}
