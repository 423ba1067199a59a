import EventLoop
import FoundationEssentials
import Persistence
import TestSupport
import Testing

@testable import Tenancy

@Suite("Which opt-ins are queued for Emarsys")
struct ExportQueueTests {
    private func queue(_ world: ConsentWorld, _ contacts: [UUID], _ reason: String = "stitched") async throws -> Int {
        try await world.inTenant(
            Query(
                "SELECT app.queue_opt_in_exports($1, $2, $3, $4)",
                [.uuid(world.tenant.id), .uuidArray(contacts), .text(reason), .timestamp(world.time.now())])
        )[0].get(0)
    }

    private func confirm(_ world: ConsentWorld, timestampField: String? = nil) async throws {
        let id = world.tenant.id
        let now = SQLValue.timestamp(world.time.now())
        let batch = UUID()
        let taken = try await world.inTenant(
            Query("SELECT * FROM app.take_opt_in_exports($1, 1000, $2, $3)", [.uuid(id), now, .uuid(batch)]))
        let rows = try taken.map {
            (try $0.get(0, as: UUID.self), try $0.get(4, as: String?.self), try $0.get(2, as: String.self))
        }
        try await world.inTenant(
            Query(
                """
                SELECT app.confirm_opt_in_exports($1, $7, (SELECT id FROM app.connections WHERE tenant_id = $1), $2, $3, $4,
                                                  '900', $5, $6)
                """,
                [
                    .uuid(id), .uuidArray(rows.map(\.0)), .textArray(rows.map(\.1)), .textArray(rows.map(\.2)),
                    .optional(text: timestampField), now, .uuid(batch),
                ]))
    }

    @Test("nothing is queued while no field is chosen or no decision is known")
    func nothing() async throws {
        let world = try ConsentWorld(field: nil)
        let contact = try world.contact(phone: "+4915111111111", emarsysID: "1")
        #expect(try await world.decide(.granted, contact, at: 1).export == nil)
        let other = try ConsentWorld()
        let silent = try other.contact(phone: "+4915111111111", emarsysID: "1")
        #expect(try await queue(other, [silent]) == 0)
    }

    @Test("changes that wait are coalesced to the latest state")
    func coalesced() async throws {
        let world = try ConsentWorld()
        let contact = try world.contact(phone: "+4915111111111", emarsysID: "1")
        for second in 1...4 { try await world.decide(second % 2 == 1 ? .granted : .withdrawn, contact, at: second) }
        #expect(try world.told(contact) == ["withdrawn queued"])
    }

    @Test("what Emarsys confirmed is not told again; another field, value or contact there is")
    func confirmed() async throws {
        let world = try ConsentWorld()
        let contact = try world.contact(phone: "+4915111111111", emarsysID: "1")
        try await world.decide(.granted, contact, at: 1)
        try await confirm(world)
        #expect(try world.told(contact) == ["granted confirmed"])
        #expect(try await queue(world, [contact]) == 0)
        try await world.decide(.granted, contact, at: 2)
        #expect(try world.told(contact) == ["granted confirmed"])
        try world.files.administer("UPDATE app.contact_identifiers SET value = '2' WHERE kind = 'emarsys_contact_id'")
        #expect(try await queue(world, [contact]) == 1)
        try await confirm(world)
        try world.files.administer("UPDATE app.opt_in_fields SET field_id = '901'")
        #expect(try await queue(world, [contact]) == 1)
    }

    @Test("with a field for the time, a later decision of the same kind is told too")
    func timestamp() async throws {
        let world = try ConsentWorld(timestampField: "902")
        let contact = try world.contact(phone: "+4915111111111", emarsysID: "1")
        try await world.decide(.granted, contact, at: 1)
        try await confirm(world, timestampField: "902")
        #expect(try await queue(world, [contact]) == 0)
        try await world.decide(.granted, contact, at: 2)
        #expect(try world.told(contact) == ["granted confirmed", "granted queued"])
    }

    @Test("what failed waits for a re-drive or a new decision, not for the next import")
    func failed() async throws {
        let world = try ConsentWorld()
        let contact = try world.contact(phone: "+4915111111111")
        try await world.decide(.granted, contact, at: 1)
        try world.files.administer("UPDATE app.opt_in_exports SET state = 'not_in_emarsys'")
        #expect(try await queue(world, [contact]) == 0)
        world.time.advance(by: .seconds(1))
        try world.files.administer(
            """
            INSERT INTO app.contact_identifiers (tenant_id, contact_id, kind, value, source)
            VALUES ($1::uuid, $2::uuid, 'emarsys_contact_id', '5', 'test')
            """, [world.tenant.id.uuidString, contact.uuidString])
        #expect(try await queue(world, [contact]) == 1)
        #expect(try world.told(contact) == ["granted not_in_emarsys", "granted queued"])
    }

    @Test("a new primary phone without a consent leaves Emarsys alone, or withdraws where the tenant says so")
    func newPhone() async throws {
        let world = try ConsentWorld()
        let contact = try world.contact(phone: "+4915111111111", emarsysID: "1")
        try await world.decide(.granted, contact, at: 1)
        try await confirm(world)
        try world.files.administer("UPDATE app.contacts SET phone = '+4915999999999'")
        #expect(try await queue(world, [contact]) == 0)
        #expect(try world.optIn(of: contact) == nil)
        try world.files.administer(
            "UPDATE app.tenants SET settings = '{\"consent_after_phone_change\": \"withdrawn\"}'")
        world.time.advance(by: .seconds(1))
        #expect(try await queue(world, [contact]) == 1)
        #expect(try world.told(contact) == ["granted confirmed", "withdrawn queued"])
    }

    @Test("a queued change wakes the export lane, ahead of long work in it")
    func wakes() async throws {
        let world = try ConsentWorld()
        try await world.decide(.granted, try world.contact(phone: "+4915111111111"), at: 1)
        let jobs = try world.files.administer("SELECT kind, queue, priority, state FROM app.jobs")
        #expect(jobs == [["export_opt_ins", "exports", "0", "0"]])
    }
}
