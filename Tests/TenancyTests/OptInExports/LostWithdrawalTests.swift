import Emarsys
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence
import Sandbox
import TestSupport
import Testing

@testable import Tenancy

@Suite("No withdrawal gets lost on its way to Emarsys")
struct LostWithdrawalTests {
    /// Takes what is due as an exporter would.
    private func take(_ stage: ExportStage) async throws -> (batch: UUID, rows: [TakenOptIn]) {
        let batch = UUID()
        let rows = try await stage.world.inTenant(
            OptInExportStore.take(tenant: stage.tenant, batch: batch, limit: 100, now: stage.world.time.now())
        ).map(OptInExportStore.taken)
        return (batch, rows)
    }

    /// Settles rows as confirmed, as the exporter that took them would.
    private func confirm(_ taken: (batch: UUID, rows: [TakenOptIn]), _ stage: ExportStage, connection: UUID? = nil)
        async throws
    {
        let outcomes = taken.rows.map { (row: $0, outcome: OptInOutcome.confirmed(emarsysID: $0.emarsysID ?? "")) }
        let current = try stage.world.files.administer("SELECT id::text FROM app.connections")[0][0]
        _ = try await stage.world.database.run(
            .tenant(stage.tenant),
            OptInExportStore.record(
                outcomes, batch: taken.batch, connection: connection ?? current.flatMap { UUID(uuidString: $0) },
                field: OptInField(fieldID: ExportStage.field), tenant: stage.tenant, now: stage.world.time.now()))
    }

    private func set(_ value: String, _ index: Int, _ stage: ExportStage) {
        stage.account.setValue(
            .text(value), field: ExportStage.field, of: SandboxAccount.contactID(at: index))
    }

    /// Merges by hand, as the API does.
    private func merge(_ loser: UUID, into survivor: UUID, _ stage: ExportStage) async throws {
        try await stage.world.inTenant(
            Query(
                "SELECT app.merge_contacts($1, $2, $3, 'manual', 'test', NULL, $4)",
                [.uuid(stage.tenant), .uuid(survivor), .uuid(loser), .timestamp(stage.world.time.now())]))
    }

    private func jobs(_ stage: ExportStage) throws -> [String] {
        try stage.world.files.administer("SELECT DISTINCT kind FROM app.jobs WHERE state IN (0, 4) ORDER BY 1")
            .compactMap { $0[0] }
    }

    @Test("an answer that never came leaves nobody sure: what was withdrawn before and after is written")
    func answerLost() async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            try await stage.world.decide(.withdrawn, contact, at: 1)
            try await stage.drain()
            // Granted; Emarsys took it, and the process died before it heard so. Then withdrawn again.
            try await stage.world.decide(.granted, contact, at: 2)
            _ = try await take(stage)
            set("granted", 0, stage)
            try await stage.world.decide(.withdrawn, contact, at: 3)
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
        }
    }

    @Test("the same where the answer was an error, and the change coalesces into the row that waits")
    func answerFailed() async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            try await stage.world.decide(.withdrawn, contact, at: 1)
            try await stage.drain()
            try await stage.world.decide(.granted, contact, at: 2)
            stage.account.inject(SandboxFault(.drop))
            try await stage.drain()
            set("granted", 0, stage)
            try await stage.world.decide(.withdrawn, contact, at: 3)
            stage.world.time.advance(by: .seconds(10))
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
        }
    }

    @Test("a lease lost while Emarsys answered: the late answer settles nothing, and the person is told again")
    func leaseLost() async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            try await stage.world.decide(.granted, contact, at: 1)
            let late = try await take(stage)
            // Another replica has the job now; the person withdraws and Emarsys is told.
            try await stage.world.decide(.withdrawn, contact, at: 2)
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
            // The first replica's call arrives after all, and so does its answer.
            set("granted", 0, stage)
            try await confirm(late, stage)
            #expect(try stage.world.told(contact).contains("withdrawn queued"))
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
            #expect(try stage.world.told(contact).contains("granted confirmed") == false)
        }
    }

    @Test("the same while the other replica's call is under way")
    func leaseLostMeanwhile() async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            try await stage.world.decide(.granted, contact, at: 1)
            let late = try await take(stage)
            try await stage.world.decide(.withdrawn, contact, at: 2)
            _ = try await stage.world.inTenant(
                OptInExportStore.releaseAll(tenant: stage.tenant, now: stage.world.time.now()))
            let other = try await take(stage)
            #expect(other.rows.map(\.optIn) == [.withdrawn])
            set("withdrawn", 0, stage)
            set("granted", 0, stage)
            try await confirm(late, stage)
            try await confirm(other, stage)
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
        }
    }

    @Test("a merge takes the loser's waiting withdrawal along, also where the survivor has nothing to tell")
    func mergeWhileWaiting() async throws {
        try await ExportStage.run { stage in
            let survivor = try stage.world.contact(phone: "+4915100000001")
            let loser = try stage.linked(0, phone: "+4915100000002")
            try await stage.world.decide(.withdrawn, loser, at: 1)
            try await merge(loser, into: survivor, stage)
            #expect(try stage.world.told(survivor) == ["withdrawn queued"])
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
        }
    }

    @Test("a merge while the loser's export is under way tells both Emarsys contacts of the person")
    func mergeInFlight() async throws {
        try await ExportStage.run { stage in
            let survivor = try stage.linked(1, phone: "+4915100000001")
            let loser = try stage.linked(0, phone: "+4915100000002")
            try await stage.world.decide(.granted, survivor, at: 1)
            try await stage.world.decide(.granted, loser, at: 1)
            try await stage.drain()
            try await stage.world.decide(.withdrawn, loser, at: 2)
            let under = try await take(stage)
            try await merge(loser, into: survivor, stage)
            try await stage.world.decide(.withdrawn, survivor, at: 3)
            set("withdrawn", 0, stage)
            try await confirm(under, stage)
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
            #expect(stage.held(1) == "withdrawn")
        }
    }

    @Test("a withdrawal under way for the loser's Emarsys contact does not count for the survivor's")
    func mergeInFlightElsewhere() async throws {
        try await ExportStage.run { stage in
            let survivor = try stage.linked(1, phone: "+4915100000001")
            let loser = try stage.world.contact(
                phone: nil, email: "a@example.com", emarsysID: SandboxAccount.contactID(at: 0))
            try await stage.world.decide(.granted, survivor, at: 1)
            try await stage.drain()
            try await stage.world.decide(.withdrawn, loser, at: 2)
            let under = try await take(stage)
            #expect(under.rows.count == 1)
            try await merge(loser, into: survivor, stage)
            set("withdrawn", 0, stage)
            try await confirm(under, stage)
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
            #expect(stage.held(1) == "withdrawn")
        }
    }

    @Test("a person with two Emarsys contacts is withdrawn in both; one that is gone holds nobody up")
    func twoLinks() async throws {
        try await ExportStage.run { stage in
            let survivor = try stage.linked(1, phone: "+4915100000001")
            let loser = try stage.linked(0, phone: "+4915100000002")
            try await stage.world.decide(.granted, survivor, at: 1)
            try await stage.drain()
            try await merge(loser, into: survivor, stage)
            try await stage.drain()
            #expect(stage.held(0) == "granted")
            try await stage.world.decide(.withdrawn, survivor, at: 2)
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
            #expect(stage.held(1) == "withdrawn")
            #expect(try stage.world.told(survivor).last == "withdrawn confirmed")
            stage.account.removeContact(SandboxAccount.contactID(at: 0))
            try await stage.world.decide(.granted, survivor, at: 3)
            try await stage.drain()
            #expect(stage.held(1) == "granted")
            #expect(try stage.world.told(survivor).last == "granted confirmed")
        }
    }

    @Test("an undone merge withdraws nobody who never decided, and still tells the one who did")
    func undone() async throws {
        try await ExportStage.run { stage in
            let survivor = try stage.linked(1, phone: "+4915100000001")
            let loser = try stage.linked(0, phone: "+4915100000002")
            try await stage.world.decide(.withdrawn, loser, at: 1)
            try await merge(loser, into: survivor, stage)
            let id = try stage.world.files.administer("SELECT id::text FROM app.merges")[0][0]
            let now = stage.world.time.now()
            let merge = try #require(id.flatMap { UUID(uuidString: $0) })
            try await stage.world.inTenant(
                Query(
                    "SELECT app.undo_merge($1, $2, 'test', $3)", [.uuid(stage.tenant), .uuid(merge), .timestamp(now)]))
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
            #expect(stage.held(1) == nil)
        }
    }

    @Test("who is linked later is told then, and so is a contact that Emarsys had lost and shows again")
    func linkedLater() async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            let now = stage.world.time.now()
            try await stage.world.inTenant(
                Query(
                    "SELECT app.mark_gone($1, $2)",
                    [.uuid(stage.tenant), .textArray([SandboxAccount.contactID(at: 0)])]))
            try await stage.world.decide(.withdrawn, contact, at: 1)
            try await stage.drain()
            #expect(try stage.world.told(contact) == ["withdrawn not_in_emarsys"])
            // An import finds it again; at its end it asks for the check.
            stage.world.time.advance(by: .seconds(1))
            try await stage.world.inTenant(
                Query(
                    "SELECT app.known_sources($1, $2, $3)",
                    [
                        .uuid(stage.tenant), .textArray([SandboxAccount.contactID(at: 0)]),
                        .byteaArray([[1]]),
                    ]))
            #expect(try await stage.sweeper.run(.check, tenantID: stage.tenant, after: nil))
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
            #expect(now < stage.world.time.now())
        }
    }

    @Test("a connection that was replaced while Emarsys answered: what the old one confirmed counts for nothing")
    func replaced() async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            try await stage.world.decide(.withdrawn, contact, at: 1)
            let old = try stage.world.files.administer("SELECT id::text FROM app.connections")[0][0]
            let taken = try await take(stage)
            try stage.world.files.administer("UPDATE app.connections SET id = gen_random_uuid()")
            try await confirm(taken, stage, connection: old.flatMap { UUID(uuidString: $0) })
            #expect(try stage.world.told(contact) == ["withdrawn queued"])
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
            #expect(try stage.world.told(contact) == ["withdrawn confirmed"])
        }
    }

    @Test("disconnected and connected again: what was decided meanwhile is told, and what is known is compared")
    func reconnected() async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            let drifted = try stage.linked(1)
            for one in [contact, drifted] { try await stage.world.decide(.granted, one, at: 1) }
            try await stage.world.decide(.withdrawn, drifted, at: 2)
            try await stage.drain()
            try stage.world.files.administer("UPDATE app.connections SET status = 'disconnected'")
            try await stage.world.decide(.withdrawn, contact, at: 3)
            #expect(try await stage.exporter.drain(tenantID: stage.tenant) == .done)
            try stage.world.files.administer("DELETE FROM app.jobs")
            set("granted", 1, stage)
            // Connecting stores it anew.
            try stage.world.files.administer("UPDATE app.connections SET status = 'connected', id = gen_random_uuid()")
            _ = try await stage.world.inTenant(
                ConnectionStore.stored(stage.tenant, forgets: true, now: stage.world.time.now()))
            #expect(try jobs(stage) == ["backfill_opt_ins", "check_opt_ins", "export_opt_ins"])
            try await stage.sweeper.run(.backfill, tenantID: stage.tenant, after: nil)
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
            #expect(stage.held(1) == "withdrawn")
        }
    }

    @Test(
        "switched off, paused or suspended, the job stays and goes on by itself",
        arguments: [
            ("UPDATE app.features SET enabled = false", "UPDATE app.features SET enabled = true"),
            ("UPDATE app.connections SET paused = true", "UPDATE app.connections SET paused = false"),
            ("UPDATE app.tenants SET status = 'suspended'", "UPDATE app.tenants SET status = 'active'"),
        ])
    func offAndOn(off: String, on: String) async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            try await stage.world.decide(.withdrawn, contact, at: 1)
            try stage.world.files.administer(off)
            let now = stage.world.time.now()
            #expect(try await stage.exporter.drain(tenantID: stage.tenant) == .later(now + .seconds(5)))
            try stage.world.files.administer(on)
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
        }
    }

    @Test("a replica that has not heard of the switch yet tries again instead of forgetting")
    func staleReplica() async throws {
        try await ExportStage.run { stage in
            try await stage.world.decide(.withdrawn, try stage.linked(0), at: 1)
            let exporter = OptInExporter(
                database: stage.world.database, clients: { _ in throw Problem.featureNotEnabled(.emarsys) },
                time: stage.world.time)
            let now = stage.world.time.now()
            #expect(try await exporter.drain(tenantID: stage.tenant) == .later(now + .seconds(2)))
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
        }
    }

    @Test("another field, chosen while the old one was written: the new one is told too")
    func fieldChanged() async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            try await stage.world.decide(.withdrawn, contact, at: 1)
            let taken = try await take(stage)
            try stage.world.files.administer("UPDATE app.opt_in_fields SET field_id = '502'")
            try await confirm(taken, stage)
            try await stage.sweeper.run(.backfill, tenantID: stage.tenant, after: nil)
            try await stage.drain()
            #expect(stage.held(0, field: 502) == "withdrawn")
        }
    }

    @Test("another word for withdrawn is told to those who were told the old one")
    func valueChanged() async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            try await stage.world.decide(.withdrawn, contact, at: 1)
            try await stage.drain()
            try stage.world.files.administer("UPDATE app.opt_in_fields SET withdrawn_value = 'no'")
            try await stage.sweeper.run(.backfill, tenantID: stage.tenant, after: nil)
            try await stage.drain()
            #expect(stage.held(0) == "no")
        }
    }

    @Test("whatever became of the job, a due change and one that was left under way find a new one within a minute")
    func jobGone() async throws {
        try await ExportStage.run { stage in
            try await stage.world.decide(.withdrawn, try stage.linked(0), at: 1)
            try stage.world.files.administer("UPDATE app.jobs SET state = 3")
            let watch = OptInWatch(database: stage.world.database, time: stage.world.time)
            try await watch.look()
            #expect(try jobs(stage) == ["check_opt_ins", "reconcile_opt_ins"])
            stage.world.time.advance(by: .seconds(31))
            try await watch.look()
            #expect(try jobs(stage).contains("export_opt_ins"))
            try stage.world.files.administer("DELETE FROM app.jobs")
            _ = try await take(stage)
            stage.world.time.advance(by: .seconds(31))
            try await watch.look()
            #expect(try jobs(stage).contains("export_opt_ins"))
            try await watch.look()
            let count = try stage.world.files.administer("SELECT count(*) FROM app.jobs")
            #expect(count == [["3"]])
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
        }
    }

    @Test("a withdrawal that the outbox knows nothing of is found by the check")
    func missing() async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            try await stage.world.decide(.withdrawn, contact, at: 1)
            try stage.world.files.administer("DELETE FROM app.opt_in_exports")
            try await stage.sweeper.run(.check, tenantID: stage.tenant, after: nil)
            #expect(try stage.world.told(contact) == ["withdrawn queued"])
            try await stage.drain()
            try await stage.sweeper.run(.check, tenantID: stage.tenant, after: nil)
            #expect(try stage.world.told(contact) == ["withdrawn confirmed"])
        }
    }

    @Test(
        "given up for want of a permission, a withdrawal goes by itself once it is granted, and says how long it took")
    func givenUp() async throws {
        try await ExportStage.run { stage in
            try stage.world.files.administer(
                "INSERT INTO app.delivery_endpoints (tenant_id, url, secret) VALUES ($1::uuid, 'https://example.com', 'x')",
                [stage.tenant.uuidString])
            let contact = try stage.linked(0)
            try await stage.world.decide(.withdrawn, contact, at: 1)
            stage.account.setPermissions(revoke: ["contact.update"])
            try await stage.drain()
            #expect(try stage.fault(contact) == ["failed", "emarsys_permission_missing"])
            func connection() throws -> [String?] {
                try stage.world.files.administer(
                    "SELECT status, last_error ->> 'permission' FROM app.connections")[0]
            }
            #expect(try connection() == ["failing", "contact.update"])
            #expect(try jobs(stage).contains("check_opt_ins"))
            // An import that works says nothing about writing.
            _ = try await stage.world.inTenant(
                ConnectionStore.succeeded(stage.tenant, .byImport, now: stage.world.time.now()))
            #expect(try connection()[0] == "failing")
            stage.account.setPermissions(grant: ["contact.update"])
            stage.world.time.advance(by: .seconds(900))
            try await stage.sweeper.run(.check, tenantID: stage.tenant, after: nil)
            let waiting = try await stage.world.exports.exports(
                tenant: stage.tenant, state: .queued, contact: nil, page: PageRequest())
            #expect(waiting.items.first?.age(now: stage.world.time.now()) == .seconds(900))
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
            #expect(try connection() == ["connected", nil])
            let said = try stage.world.files.administer(
                "SELECT type FROM app.deliveries WHERE type LIKE 'connection.%' ORDER BY sequence")
            #expect(said == [["connection.failing"], ["connection.recovered"]])
        }
    }

    @Test("a new primary phone takes no withdrawal back that was waiting or that Emarsys needs to know")
    func phoneChanged() async throws {
        try await ExportStage.run { stage in
            let waiting = try stage.linked(0, phone: "+4915100000001")
            let told = try stage.linked(1, phone: "+4915100000002")
            try await stage.world.decide(.granted, told, at: 1)
            try await stage.drain()
            try await stage.world.decide(.withdrawn, waiting, at: 2)
            try stage.world.files.administer(
                "UPDATE app.contacts SET phone = '+49151' || right(phone, 6) || '99' WHERE phone IS NOT NULL")
            let now = stage.world.time.now()
            try await stage.world.inTenant(
                OptInSweepStore.queue([waiting, told], reason: "stitched", tenant: stage.tenant, now: now))
            #expect(try stage.world.told(waiting) == ["withdrawn queued"])
            #expect(try stage.world.told(told) == ["granted confirmed"])
            // And by the number that was given up.
            try await stage.world.decide(.withdrawn, told, at: 3, phone: "+4915100000002")
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
            #expect(stage.held(1) == "withdrawn")
        }
    }

    @Test("a withdrawal by another spelling of the same line counts for it")
    func otherSpelling() async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0, phone: "+5511987654321")
            try await stage.world.decide(.granted, contact, at: 1)
            let withdrawn = try await stage.world.decide(.withdrawn, contact, at: 2, phone: "+55 11 8765-4321")
            #expect(withdrawn.entry.contactID == contact)
            #expect(withdrawn.entry.phone == "+5511987654321")
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
        }
    }

    @Test("the outcome of several Emarsys contacts is the worst that can still change")
    func together() {
        let fault = OptInFault.refused(2007)
        let missing = OptInOutcome.notInEmarsys(nil)
        let done = OptInOutcome.confirmed(emarsysID: "1")
        let later = OptInOutcome.again(at: Timestamp(seconds: 1), fault)
        #expect(OptInVerdicts.together([done, later], emarsysID: "1,2") == later)
        #expect(OptInVerdicts.together([done, .failed(fault)], emarsysID: "1,2") == .failed(fault))
        #expect(OptInVerdicts.together([missing, done], emarsysID: "1,2") == .confirmed(emarsysID: "1,2"))
        #expect(OptInVerdicts.together([missing, missing], emarsysID: "1,2") == missing)
    }
}
