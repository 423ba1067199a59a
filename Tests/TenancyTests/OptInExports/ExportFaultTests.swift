import Emarsys
import EventLoop
import FoundationEssentials
import HTTP
import Persistence
import Sandbox
import TestSupport
import Testing

@testable import Tenancy

@Suite("Opt-ins and an Emarsys that fails")
struct ExportFaultTests {
    @Test(
        "passing failures are tried again later",
        arguments: [SandboxFault.Kind.overloaded503, .error500, .plain500, .html502, .drop, .garbage])
    func passing(kind: SandboxFault.Kind) async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            try await stage.world.decide(.withdrawn, contact, at: 1)
            stage.account.inject(SandboxFault(kind))
            try await stage.drain()
            #expect(try stage.fault(contact)[0] == "queued")
            #expect(try stage.fault(contact)[1] != nil)
            try await stage.drain()
            #expect(stage.held(0) == nil)
            stage.world.time.advance(by: .seconds(6))
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
            #expect(try stage.fault(contact) == ["confirmed", nil])
        }
    }

    @Test("a Retry-After holds the whole lane")
    func retryAfter() async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            try await stage.world.decide(.granted, contact, at: 1)
            stage.account.inject(SandboxFault(.plain429))
            try await stage.drain()
            let held = try stage.world.files.administer(
                "SELECT extract(epoch FROM not_before)::bigint FROM app.lanes WHERE queue = 'exports'")
            #expect(held == [[String(stage.world.time.now().seconds + 1)]])
            #expect(try stage.fault(contact) == ["queued", "emarsys_rate_limited"])
        }
    }

    @Test("a refused credential or permission fails with its reason; after the repair a re-drive gets through")
    func stopped() async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            try await stage.world.decide(.granted, contact, at: 1)
            stage.account.setPermissions(revoke: ["contact.update"])
            try await stage.drain()
            #expect(try stage.fault(contact) == ["failed", "emarsys_permission_missing"])
            let failed = try await stage.world.exports.exports(
                tenant: stage.tenant, state: .failed, contact: nil, page: PageRequest())
            #expect(failed.items.map(\.contactID) == [contact])
            stage.account.setPermissions(grant: ["contact.update"])
            let id = try #require(failed.items.first?.id)
            stage.account.inject(SandboxFault(.unauthorized401, count: 2))
            #expect(try await stage.world.exports.retry(id, tenant: stage.tenant).state == .queued)
            try await stage.drain()
            #expect(try stage.fault(contact) == ["failed", "emarsys_credentials_invalid"])
            _ = try await stage.world.exports.retry(id, tenant: stage.tenant)
            try await stage.drain()
            #expect(try stage.fault(contact) == ["confirmed", nil])
            let again = await #expect(throws: Problem.self) {
                try await stage.world.exports.retry(id, tenant: stage.tenant)
            }
            #expect(again?.code == "export_not_failed")
        }
    }

    @Test("an opt-in field that was deleted in Emarsys is named")
    func fieldGone() async throws {
        try await ExportStage.run { stage in
            try stage.world.files.administer("UPDATE app.opt_in_fields SET field_id = '9999'")
            let contact = try stage.linked(0)
            try await stage.world.decide(.granted, contact, at: 1)
            try await stage.drain()
            #expect(try stage.fault(contact) == ["failed", "opt_in_field_not_found"])
            #expect(try await stage.world.exports.retryFailed(tenant: stage.tenant, code: "other") == 0)
            try stage.world.files.administer("UPDATE app.opt_in_fields SET field_id = '501'")
            stage.world.time.advance(by: .seconds(1))
            #expect(
                try await stage.world.exports.retryFailed(tenant: stage.tenant, code: "opt_in_field_not_found") == 1)
            try await stage.drain()
            #expect(stage.held(0) == "granted")
        }
    }

    @Test("a crash between the call and its confirmation is repaired by sending again")
    func crash() async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            let changed = try stage.linked(1)
            for one in [contact, changed] { try await stage.world.decide(.granted, one, at: 1) }
            // The process took the batch and died.
            _ = try await stage.world.inTenant(
                OptInExportStore.take(tenant: stage.tenant, batch: UUID(), limit: 10, now: stage.world.time.now()))
            try await stage.world.decide(.withdrawn, changed, at: 2)
            #expect(try stage.world.told(changed) == ["granted sent", "withdrawn queued"])
            try await stage.drain()
            #expect(stage.held(0) == "granted")
            #expect(stage.held(1) == "withdrawn")
            #expect(try stage.world.told(changed) == ["withdrawn confirmed"])
        }
    }

    @Test("a later decision is not sent while an earlier one of the person is under way")
    func order() async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            try await stage.world.decide(.granted, contact, at: 1)
            let take = OptInExportStore.take(
                tenant: stage.tenant, batch: UUID(), limit: 10, now: stage.world.time.now())
            #expect(try await stage.world.inTenant(take).count == 1)
            try await stage.world.decide(.withdrawn, contact, at: 2)
            #expect(try await stage.world.inTenant(take).isEmpty)
        }
    }

    @Test(
        "pause, disconnect and a switched-off feature stop before the next call, and nothing is lost",
        arguments: [
            "UPDATE app.connections SET paused = true", "UPDATE app.connections SET status = 'disconnected'",
            "UPDATE app.features SET enabled = false", "UPDATE app.lanes SET paused = true WHERE queue = 'exports'",
            "UPDATE app.tenants SET status = 'suspended'",
        ])
    func stops(by sql: String) async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            try await stage.world.decide(.withdrawn, contact, at: 1)
            try stage.world.files.administer(sql)
            try await stage.drain()
            #expect(stage.writes == 0)
            #expect(try stage.world.told(contact) == ["withdrawn queued"])
        }
    }

    @Test("without a usable connection the rows stay queued, unspent")
    func noClient() async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            try await stage.world.decide(.withdrawn, contact, at: 1)
            let exporter = OptInExporter(
                database: stage.world.database, clients: { _ in throw Problem.conflict("not_connected") },
                time: stage.world.time)
            try await exporter.drain(tenantID: stage.tenant)
            let row = try stage.world.files.administer("SELECT state, attempts FROM app.opt_in_exports")
            #expect(row == [["queued", "0"]])
        }
    }
}

@Suite("When opt-ins are sent again")
struct OptInRetryPlanTests {
    let start = Timestamp(seconds: 1_000_000)

    @Test("waits double up to a quarter of an hour and are spread")
    func doubling() {
        let plan = OptInRetryPlan()
        func wait(_ attempts: Int, _ jitter: Double) -> Duration? {
            guard case .again(let at) = plan.verdict(attempts: attempts, createdAt: start, now: start, jitter: jitter)
            else {
                return nil
            }
            return at - start
        }
        #expect(wait(1, 1) == .seconds(5))
        #expect(wait(1, 0) == .milliseconds(2500))
        #expect(wait(4, 1) == .seconds(40))
        #expect(wait(40, 1) == .seconds(900))
    }

    @Test("after three days a change is given up, with its reason")
    func givingUp() {
        let plan = OptInRetryPlan()
        let late = start + .seconds(72 * 3600 - 1)
        #expect(plan.verdict(attempts: 9, createdAt: start, now: late, jitter: 1) == .giveUp)
        #expect(
            plan.verdict(attempts: 1, createdAt: start, now: start, retryAfter: .seconds(60), jitter: 0)
                == .again(at: start + .seconds(60)))
    }

    @Test("an unusable key field condemns the row, a race with another writer does not")
    func rows() {
        let verdicts = OptInVerdicts(plan: OptInRetryPlan(), now: start, jitter: 1)
        let row = TakenOptIn(
            id: UUID(), contactID: UUID(), optIn: .granted, consentAt: start, emarsysIDs: ["1"], attempts: 1,
            createdAt: start, email: nil, phone: nil, isKnown: false)
        #expect(
            verdicts.outcome(of: row, .failed(code: 2004, text: ""), emarsysID: "1")
                == .failed(OptInFault.refused(2004)))
        #expect(
            verdicts.outcome(of: row, .failed(code: 2009, text: ""), emarsysID: "1")
                == .again(at: start + .seconds(5), OptInFault.refused(2009)))
        #expect(
            verdicts.outcome(of: row, .failed(code: 2005, text: ""), emarsysID: "1")
                == .failed(OptInFault.refused(2005)))
    }
}
