import EventLoop
import FoundationEssentials
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

    @Test("a withdrawal that waits for a quarter of an hour, a backlog of an hour")
    func backlog() async throws {
        let contact = try world.contact(phone: "+4915111111111", emarsysID: "1")
        try await world.decide(.withdrawn, contact, at: 1)
        world.time.advance(by: .seconds(14 * 60))
        #expect(try await raised().isEmpty)
        world.time.advance(by: .seconds(2 * 60))
        #expect(try await raised() == ["withdrawal_unsent"])
        world.time.advance(by: .seconds(3600))
        #expect(try await raised() == ["export_backlog", "withdrawal_unsent"])
        try world.files.administer(
            "UPDATE app.opt_in_exports SET state = 'failed', created_at = $1::timestamptz", [world.time.now().rfc3339])
        #expect(try await raised() == ["exports_failed"])
    }

    @Test("many rejected rows, a stale import, a segment near its limit, a failing connection, the end of WSSE")
    func others() async throws {
        try finishImport("succeeded_with_rejections", read: 100, rejected: 11, total: 460_000)
        #expect(try await raised() == ["import_rejections", "near_segment_limit"])
        world.time.advance(by: .seconds(27 * 3600))
        #expect(try await raised().contains("import_stale"))
        try world.files.administer("UPDATE app.connections SET status = 'failing'")
        #expect(try await raised().contains("connection_failing"))
        world.time.advance(by: .seconds(340 * 86_400))
        #expect(try await raised().contains("wsse_sunset"))
        try world.files.administer("UPDATE app.connections SET status = 'disconnected'")
        #expect(try await raised().isEmpty)
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
