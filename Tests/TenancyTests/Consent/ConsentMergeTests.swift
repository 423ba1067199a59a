import EventLoop
import FoundationEssentials
import Persistence
import TestSupport
import Testing

@testable import Tenancy

@Suite("Consents at a merge, and when it is undone")
struct ConsentMergeTests {
    let world: ConsentWorld
    let survivor: UUID
    let loser: UUID

    init() throws {
        world = try ConsentWorld()
        survivor = try world.contact(phone: "+4915111111111", emarsysID: "1")
        loser = try world.contact(phone: "+4915222222222")
    }

    private func merge() async throws {
        try world.files.administer(
            "UPDATE app.contacts SET merged_into = $1::uuid WHERE id = $2::uuid",
            [survivor.uuidString, loser.uuidString])
        try await world.inTenant(
            Query(
                "SELECT app.merge_consents($1, $2, $3, $4)",
                [.uuid(world.tenant.id), .uuid(survivor), .uuid(loser), .timestamp(world.time.now())]))
        try await queue([survivor], "merge")
    }

    private func queue(_ contacts: [UUID], _ reason: String) async throws {
        try await world.inTenant(
            Query(
                "SELECT app.queue_opt_in_exports($1, $2, $3, $4)",
                [.uuid(world.tenant.id), .uuidArray(contacts), .text(reason), .timestamp(world.time.now())]))
    }

    private func consents(_ contact: UUID) throws -> [String] {
        try world.files.administer(
            "SELECT phone || ' ' || status FROM app.consents WHERE contact_id = $1::uuid ORDER BY 1",
            [contact.uuidString]
        ).compactMap { $0[0] }
    }

    @Test("a grant for the other phone moves along and covers only that phone")
    func otherPhone() async throws {
        try await world.decide(.granted, loser, at: 1)
        try await merge()
        #expect(try consents(survivor) == ["+4915222222222 granted"])
        #expect(try world.optIn(of: survivor) == nil)
        #expect(try world.told(survivor).isEmpty)
        #expect(try consents(loser).isEmpty)
    }

    @Test("same phone: the later decision stands, and a merge revives no grant")
    func samePhone() async throws {
        try await world.decide(.withdrawn, survivor, at: 5)
        try await world.inTenant(
            Query(
                "SELECT app.record_consent($1, $2, '+4915111111111', 'whatsapp', 'granted', $3, 'test', NULL, NULL, 't', NULL, $3)",
                [.uuid(world.tenant.id), .uuid(loser), .timestamp(Timestamp(seconds: 1_767_225_600 - 86_400 + 4))]))
        try await merge()
        #expect(try world.optIn(of: survivor) == "withdrawn")
        #expect(try world.told(survivor) == ["withdrawn queued"])
    }

    @Test("what waited for the loser is told for the survivor, once")
    func oneExport() async throws {
        let linked = try world.contact(phone: "+4915444444444", emarsysID: "9")
        try await world.decide(.granted, linked, at: 1)
        try await world.decide(.withdrawn, survivor, at: 2)
        try world.files.administer(
            "UPDATE app.contacts SET merged_into = $1::uuid WHERE id = $2::uuid",
            [survivor.uuidString, linked.uuidString])
        try await world.inTenant(
            Query(
                "SELECT app.merge_consents($1, $2, $3, $4)",
                [.uuid(world.tenant.id), .uuid(survivor), .uuid(linked), .timestamp(world.time.now())]))
        try await queue([survivor, linked], "merge")
        #expect(try world.told(survivor) == ["withdrawn queued"])
        #expect(try world.told(linked).isEmpty)
    }

    @Test("an undone merge gives the consents back by phone, and those without a phone to whom they were recorded for")
    func undo() async throws {
        try await world.decide(.granted, survivor, at: 1)
        try await world.decide(.granted, loser, at: 2)
        let bare = try world.contact(phone: nil, email: "a@example.com")
        try await world.decide(.denied, bare, at: 3)
        try await merge()
        try await world.inTenant(
            Query(
                "SELECT app.merge_consents($1, $2, $3, $4)",
                [.uuid(world.tenant.id), .uuid(survivor), .uuid(bare), .timestamp(world.time.now())]))
        #expect(try consents(survivor).count == 3)
        for (restored, phones) in [(loser, ["+4915222222222"]), (bare, [])] {
            try await world.inTenant(
                Query(
                    "SELECT app.split_consents($1, $2, $3, $4, $5)",
                    [
                        .uuid(world.tenant.id), .uuid(survivor), .uuid(restored), .textArray(phones),
                        .timestamp(world.time.now()),
                    ]))
        }
        #expect(try consents(survivor) == ["+4915111111111 granted"])
        #expect(try consents(loser) == ["+4915222222222 granted"])
        #expect(try consents(bare) == [" denied"])
    }
}
