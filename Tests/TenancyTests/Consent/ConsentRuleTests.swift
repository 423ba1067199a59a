import EventLoop
import FoundationEssentials
import HTTP
import Persistence
import TestSupport
import Testing

@testable import Tenancy

@Suite("What the consent ledger adds up to")
struct ConsentRuleTests {
    let world: ConsentWorld
    let contact: UUID

    init() throws {
        world = try ConsentWorld()
        contact = try world.contact(phone: "+4915111111111", emarsysID: "77")
    }

    @Test("the later dated decision wins, in whatever order they arrive")
    func laterWins() async throws {
        try await world.decide(.granted, contact, at: 100)
        let early = try await world.decide(.withdrawn, contact, at: 50)
        #expect(!early.entry.isCurrent)
        #expect(try world.optIn(of: contact) == "granted")
        try await world.decide(.withdrawn, contact, at: 101)
        #expect(try world.optIn(of: contact) == "withdrawn")
    }

    @Test("of decisions at the same time the restrictive one wins")
    func tie() async throws {
        try await world.decide(.withdrawn, contact, at: 100)
        try await world.decide(.granted, contact, at: 100)
        #expect(try world.optIn(of: contact) == "withdrawn")
        try await world.decide(.denied, contact, at: 200)
        try await world.decide(.granted, contact, at: 200)
        #expect(try world.optIn(of: contact) == "denied")
    }

    @Test("a pending double opt-in decides nothing and is told to nobody")
    func pending() async throws {
        let first = try await world.decide(.pending, contact, at: 1)
        #expect(first.optIn == .pending)
        #expect(first.export == nil)
        try await world.decide(.granted, contact, at: 2)
        try await world.decide(.pending, contact, at: 3)
        #expect(try world.optIn(of: contact) == "granted")
        #expect(try world.told(contact) == ["granted queued"])
    }

    @Test("a decision without a date counts as made now")
    func undated() async throws {
        try await world.decide(.withdrawn, contact, at: 10)
        let now = try await world.decide(.granted, contact)
        #expect(now.entry.occurredAt == world.time.now())
        #expect(now.optIn == .granted)
    }

    @Test("an entry of unknown time: a withdrawal counts from its arrival, a grant loses to anything dated")
    func unknownTime() async throws {
        try await world.decide(.granted, contact, at: 10)
        let insert: StaticString = """
            INSERT INTO app.consent_entries (tenant_id, contact_id, phone, status, occurred_at, received_at, source, actor)
            VALUES ($1, $2, '+4915111111111', $3, '-infinity', $4, 'import', 'test')
            """
        func enter(_ status: String) async throws {
            try await world.inTenant(
                Query(insert, [.uuid(world.tenant.id), .uuid(contact), .text(status), .timestamp(world.time.now())]))
            try await world.inTenant(
                Query("SELECT app.recompute_consents($1, $2)", [.uuid(world.tenant.id), .uuidArray([contact])]))
        }
        try await enter("withdrawn")
        #expect(try world.optIn(of: contact) == "withdrawn")
        try await enter("granted")
        #expect(try world.optIn(of: contact) == "withdrawn")
    }

    @Test("the ledger is never rewritten: neither a status nor a row can be changed by the service")
    func appendOnly() async throws {
        try await world.decide(.granted, contact, at: 1)
        await #expect(throws: DatabaseError.self) {
            try await world.inTenant(
                Query(
                    "UPDATE app.consent_entries SET status = 'withdrawn' WHERE tenant_id = $1", [.uuid(world.tenant.id)]
                ))
        }
    }

    @Test("consent for one phone does not cover another of the same person")
    func perPhone() async throws {
        try world.files.administer(
            """
            INSERT INTO app.contact_identifiers (tenant_id, contact_id, kind, value, source, is_primary)
            VALUES ($1::uuid, $2::uuid, 'phone', '+4915222222222', 'test', false)
            """, [world.tenant.id.uuidString, contact.uuidString])
        let other = try await world.decide(.granted, contact, at: 1, phone: "+49 152 22222222")
        #expect(other.entry.phone == "+4915222222222")
        #expect(other.optIn == nil)
        #expect(try world.told(contact).isEmpty)
        try await world.decide(.withdrawn, contact, at: 2)
        #expect(try world.told(contact) == ["withdrawn queued"])
    }

    @Test("one granted subscription type grants; the setting can ask for all of them")
    func types() async throws {
        try await world.decide(.granted, contact, at: 1, type: "news")
        try await world.decide(.withdrawn, contact, at: 2, type: "offers")
        #expect(try world.optIn(of: contact) == "granted")
        try world.files.administer("UPDATE app.tenants SET settings = '{\"consent_rule\": \"all\"}'")
        try await world.decide(.withdrawn, contact, at: 3, type: "offers")
        #expect(try world.optIn(of: contact) == "withdrawn")
        try world.files.administer("UPDATE app.tenants SET settings = '{\"consent_types\": [\"news\"]}'")
        try await world.decide(.pending, contact, at: 4, type: "other")
        #expect(try world.optIn(of: contact) == "granted")
    }

    @Test("two decisions at once leave the later one standing, never the one that came last", .timeLimit(.minutes(1)))
    func concurrency() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for second in 1...40 {
                group.addTask {
                    try await world.decide(second == 40 ? .withdrawn : .granted, contact, at: second)
                }
            }
            try await group.waitForAll()
        }
        #expect(try world.optIn(of: contact) == "withdrawn")
        #expect(try world.told(contact) == ["withdrawn queued"])
    }

    @Test("an unknown phone creates its contact, an unknown id does not")
    func unknown() async throws {
        let new = try await world.service.record(
            ConsentDecision(contact: ContactReference(phone: "00491701234567"), status: .granted),
            tenant: world.tenant, actor: "test", requestID: nil)
        #expect(new.entry.phone == "+491701234567")
        let again = try await world.service.record(
            ConsentDecision(contact: ContactReference(phone: "+49 170 1234567"), status: .withdrawn),
            tenant: world.tenant, actor: "test", requestID: nil)
        #expect(again.entry.contactID == new.entry.contactID)
        let missing = await #expect(throws: Problem.self) { try await world.decide(.granted, UUID()) }
        #expect(missing?.code == "contact_not_found")
    }

    @Test("an erased contact is gone, a merged one leads to its survivor")
    func tombstones() async throws {
        let loser = try world.contact(phone: "+4915333333333")
        try world.files.administer(
            "UPDATE app.contacts SET merged_into = $1::uuid WHERE id = $2::uuid",
            [contact.uuidString, loser.uuidString])
        let recorded = try await world.decide(.granted, loser, at: 1)
        #expect(recorded.entry.contactID == contact)
        try world.files.administer(
            "UPDATE app.contacts SET erased_at = now() WHERE id = $1::uuid", [contact.uuidString])
        let gone = await #expect(throws: Problem.self) { try await world.decide(.granted, contact) }
        #expect(gone?.code == "contact_erased")
    }

    @Test("a decision in the future is refused: it would beat every later one")
    func future() async throws {
        let problem = await #expect(throws: Problem.self) {
            try await world.decide(.granted, contact, at: 86_400 + 301)
        }
        #expect(problem?.errors.first?.field == "occurred_at")
        try await world.decide(.granted, contact, at: 86_400 + 299)
    }

    @Test("the ledger of a contact reads latest first, with its evidence, page by page")
    func reading() async throws {
        for second in 1...5 { try await world.decide(second % 2 == 0 ? .withdrawn : .granted, contact, at: second) }
        let first = try await world.service.entries(
            of: ContactReference(externalReferenceID: "77"), tenant: world.tenant, page: PageRequest(limit: 3))
        #expect(first.items.count == 3)
        #expect(first.items[0].isCurrent)
        let rest = try await world.service.entries(
            of: ContactReference(phone: "+4915111111111"), tenant: world.tenant,
            page: PageRequest(limit: 3, after: first.next))
        #expect(rest.items.count == 2)
        #expect(rest.next == nil)
        #expect(Set((first.items + rest.items).map(\.id)).count == 5)
    }
}
