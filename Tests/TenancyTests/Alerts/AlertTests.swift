import EventLoop
import FoundationEssentials
import JSON
import TestSupport
import Testing

@testable import Tenancy

@Suite("Alerts")
struct AlertTests {
    let world: ConsentWorld
    let refusals: RefusedWebhooks
    let watch: AlertWatch

    init() throws {
        world = try ConsentWorld()
        refusals = RefusedWebhooks(time: world.time)
        watch = AlertWatch(database: world.database, refusals: refusals, time: world.time)
        try world.files.administer(
            "INSERT INTO app.delivery_endpoints (tenant_id, url, secret) VALUES ($1::uuid, 'https://example.com', 'x')",
            [world.tenant.id.uuidString])
    }

    private func raised() async throws -> [String] {
        try await watch.look()
        return try await watch.alerts(tenant: world.tenant.id).filter { $0.state == "raised" }.map(\.kind).sorted()
    }

    private func deliveries() throws -> [String] {
        try world.files.administer(
            "SELECT type || ' ' || (body #>> '{data,kind}') FROM app.deliveries WHERE type LIKE 'alert.%' ORDER BY sequence"
        ).compactMap { $0[0] }
    }

    private func finishImport(_ state: String, read: Int = 100, rejected: Int = 0, total: Int = 100) throws {
        let now = world.time.now().rfc3339
        try world.files.administer(
            """
            INSERT INTO app.imports (tenant_id, trigger, mode, segment_ids, state, read, rejected, total, queued_at, finished_at)
            VALUES ($1::uuid, 'schedule', 'full', '{1}', $2, $3::int, $4::int, $5::int, $6::timestamptz, $6::timestamptz)
            """, [world.tenant.id.uuidString, state, String(read), String(rejected), String(total), now])
    }

    @Test("one message when it begins, one when it is over, however often it is looked at")
    func once() async throws {
        #expect(try await raised().isEmpty)
        try finishImport("failed")
        #expect(try await raised() == ["import_failed"])
        #expect(try await raised() == ["import_failed"])
        world.time.advance(by: .seconds(60))
        try finishImport("succeeded")
        #expect(try await raised().isEmpty)
        #expect(try await raised().isEmpty)
        #expect(try deliveries() == ["alert.raised import_failed", "alert.recovered import_failed"])
    }

    @Test("two replicas that look at the same moment say it once")
    func replicas() async throws {
        try finishImport("failed")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 { group.addTask { try await watch.look() } }
            try await group.waitForAll()
        }
        #expect(try deliveries() == ["alert.raised import_failed"])
    }

    private func select(size: Int? = nil, hours: Int? = nil) throws {
        try world.files.administer(
            """
            INSERT INTO app.selected_segments (tenant_id, segment_id, size, interval_hours, selected_at)
            VALUES ($1::uuid, '1', $2::int, $3::int, $4::timestamptz)
            """,
            [world.tenant.id.uuidString, size.map(String.init), hours.map(String.init), world.time.now().rfc3339])
    }

    @Test("a withdrawal that is not passed on for a quarter of an hour, a backlog of an hour")
    func backlog() async throws {
        let contact = try world.contact(phone: "+4915111111111", emarsysID: "1")
        try await world.decide(.withdrawn, contact, at: 1)
        world.time.advance(by: .seconds(15 * 60))
        #expect(try await raised().isEmpty)
        world.time.advance(by: .seconds(1))
        #expect(try await raised() == ["withdrawal_unsent"])
        world.time.advance(by: .seconds(3600))
        #expect(try await raised() == ["export_backlog", "withdrawal_unsent"])
        // Given up is not passed on either, however recently it was tried.
        try world.files.administer(
            "UPDATE app.opt_in_exports SET state = 'failed', created_at = $1::timestamptz", [world.time.now().rfc3339])
        #expect(try await raised() == ["exports_failed", "withdrawal_unsent"])
        try world.files.administer("UPDATE app.opt_in_exports SET state = 'confirmed'")
        #expect(try await raised().isEmpty)
        #expect(
            try deliveries().sorted() == [
                "alert.raised export_backlog", "alert.raised exports_failed", "alert.raised withdrawal_unsent",
                "alert.recovered export_backlog", "alert.recovered exports_failed", "alert.recovered withdrawal_unsent",
            ])
    }

    @Test("a pause silences the backlog it causes, and no withdrawal")
    func paused() async throws {
        let contact = try world.contact(phone: "+4915111111111", emarsysID: "1")
        try await world.decide(.withdrawn, contact, at: 1)
        try world.files.administer("UPDATE app.connections SET paused = true")
        world.time.advance(by: .seconds(7200))
        #expect(try await raised() == ["withdrawal_unsent"])
    }

    @Test("a grant that waits is no withdrawal")
    func grant() async throws {
        let contact = try world.contact(phone: "+4915111111111", emarsysID: "1")
        try await world.decide(.granted, contact, at: 1)
        world.time.advance(by: .seconds(1800))
        #expect(try await raised().isEmpty)
    }

    @Test("a tenth of the rows rejected is too many, one row is none")
    func rejections() async throws {
        try finishImport("succeeded_with_rejections", read: 100, rejected: 10)
        #expect(try await raised().isEmpty)
        world.time.advance(by: .seconds(60))
        try finishImport("succeeded_with_rejections", read: 100, rejected: 11)
        #expect(try await raised() == ["import_rejections"])
        world.time.advance(by: .seconds(60))
        try finishImport("succeeded", read: 5, rejected: 1)
        #expect(try await raised().isEmpty)
        #expect(try deliveries() == ["alert.raised import_rejections", "alert.recovered import_rejections"])
    }

    @Test("stale: two intervals and two hours without a success, also for a tenant that has never imported")
    func stale() async throws {
        try select()
        world.time.advance(by: .seconds(26 * 3600))
        #expect(try await raised().isEmpty)
        world.time.advance(by: .seconds(1))
        #expect(try await raised() == ["import_stale"])
        try finishImport("succeeded")
        #expect(try await raised().isEmpty)
        // A run that fails is no success, and the alert of the failure is another one.
        world.time.advance(by: .seconds(26 * 3600))
        try finishImport("failed")
        world.time.advance(by: .seconds(1))
        #expect(try await raised() == ["import_failed", "import_stale"])
        #expect(
            try deliveries().filter { $0.hasSuffix("stale") } == [
                "alert.raised import_stale", "alert.recovered import_stale", "alert.raised import_stale",
            ])
    }

    @Test("stale goes by the segment's own interval, and not while the integration is paused or nothing is selected")
    func staleIntervals() async throws {
        world.time.advance(by: .seconds(40 * 3600))
        #expect(try await raised().isEmpty)
        try select(hours: 48)
        world.time.advance(by: .seconds(97 * 3600))
        #expect(try await raised().isEmpty)
        world.time.advance(by: .seconds(3600 + 1))
        #expect(try await raised() == ["import_stale"])
        try world.files.administer("UPDATE app.connections SET paused = true")
        #expect(try await raised().isEmpty)
        try world.files.administer("UPDATE app.connections SET paused = false")
        try world.files.administer("UPDATE app.selected_segments SET deselected_at = now()")
        #expect(try await raised().isEmpty)
    }

    @Test("a segment near half a million people")
    func nearLimit() async throws {
        try select(size: 450_000)
        #expect(try await raised().isEmpty)
        try world.files.administer("UPDATE app.selected_segments SET size = 450001")
        #expect(try await raised() == ["near_segment_limit"])
        try world.files.administer("UPDATE app.selected_segments SET size = 400000")
        #expect(try await raised().isEmpty)
        #expect(try deliveries() == ["alert.raised near_segment_limit", "alert.recovered near_segment_limit"])
    }

    @Test("a connection that fails is said once by the call that failed, and once when it works again")
    func connection() async throws {
        let now = world.time.now()
        for _ in 0..<2 {
            _ = try await world.inTenant(
                ConnectionStore.failed(
                    world.tenant.id, error: ["code": "emarsys_credentials_invalid", "advice": "Check."], now: now))
            #expect(try await raised() == ["connection_failing"])
        }
        _ = try await world.inTenant(ConnectionStore.succeeded(world.tenant.id, .byExport, now: now))
        #expect(try await raised().isEmpty)
        // However it came about, the watch says it.
        try world.files.administer("UPDATE app.connections SET status = 'failing'")
        #expect(try await raised() == ["connection_failing"])
        try world.files.administer("UPDATE app.connections SET status = 'connected'")
        #expect(try await raised().isEmpty)
        let said = try world.files.administer(
            "SELECT type, body #>> '{data,detail,code}' FROM app.deliveries ORDER BY sequence")
        #expect(
            said == [
                ["connection.failing", "emarsys_credentials_invalid"], ["connection.recovered", nil],
                ["connection.failing", nil], ["connection.recovered", nil],
            ])
        let late = UUID()
        _ = try await world.inTenant(
            ConnectionStore.failed(world.tenant.id, connection: late, error: ["code": "x"], now: now))
        #expect(try await raised().isEmpty)
    }

    @Test("the end of WSSE is said ninety days ahead, until the connection has changed")
    func sunset() async throws {
        let sunset = try #require(Timestamp(rfc3339: "2026-12-31T00:00:00Z"))
        world.time.advance(by: sunset - .seconds(90 * 86_400) - world.time.now())
        #expect(try await raised().isEmpty)
        world.time.advance(by: .seconds(1))
        #expect(try await raised() == ["wsse_sunset"])
        try world.files.administer("UPDATE app.connections SET auth = 'oauth2'")
        #expect(try await raised().isEmpty)
        #expect(try deliveries() == ["alert.raised wsse_sunset", "alert.recovered wsse_sunset"])
    }

    @Test("what is raised of a tenant is over when it disconnects")
    func disconnected() async throws {
        try finishImport("failed")
        #expect(try await raised() == ["import_failed"])
        try world.files.administer("UPDATE app.connections SET status = 'disconnected'")
        #expect(try await raised().isEmpty)
    }

    @Test("operators see what is raised on the page of the tenant")
    func operators() async throws {
        try finishImport("failed")
        #expect(try await raised() == ["import_failed"])
        let masters = try MasterKeys(parsing: "k:" + Base64Text.key)
        let administration = TenantAdministration(
            database: world.database,
            secrets: SecretBox(database: world.database, masterKeys: masters, time: world.time), time: world.time)
        #expect(try await administration.show("acme").alerts.map(\.kind) == ["import_failed"])
        try finishImport("succeeded")
        world.time.advance(by: .seconds(1))
        try finishImport("succeeded")
        #expect(try await raised().isEmpty)
        #expect(try await administration.show("acme").alerts.isEmpty)
    }

    @Test("twenty wrong tokens within ten minutes are a burst; it is over half an hour later")
    func burst() async throws {
        for _ in 0..<19 { refusals.note(world.tenant.id) }
        #expect(try await raised().isEmpty)
        refusals.note(world.tenant.id)
        #expect(try await raised() == ["webhooks_unauthorized"])
        world.time.advance(by: .seconds(900))
        #expect(try await raised() == ["webhooks_unauthorized"])
        world.time.advance(by: .seconds(901))
        #expect(try await raised().isEmpty)
    }
}
