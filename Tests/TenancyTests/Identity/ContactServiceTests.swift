import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence
import TestSupport
import Testing

@testable import Tenancy

@Suite("Contacts", .serialized)
struct ContactServiceTests {
    let world: IdentityWorld
    let contacts: ContactService
    let identities: IdentityService
    let tenant: Tenant

    init() throws {
        world = try IdentityWorld()
        contacts = ContactService(database: world.database)
        identities = IdentityService(database: world.database, time: world.time)
        tenant = Tenant(id: world.tenant, instanceName: "acme", displayName: "Acme")
    }

    private func json(_ contact: Contact) throws -> JSON {
        var writer = JSONWriter()
        contact.write(to: &writer)
        return try JSON.parse(writer.bytes)
    }

    private func found(_ change: (inout ContactService.Filter) -> Void) async throws -> [UUID] {
        var filter = ContactService.Filter()
        change(&filter)
        return try await contacts.list(tenant, filter, PageRequest()).items.map(\.id)
    }

    @Test("a contact is found by any spelling of its identifiers and by the beginning of its name")
    func finding() async throws {
        let a = try await world.row("7", phone: "+4915100000101", email: "Erika@Example.com", first: "Erika", last: "M")
        _ = try await world.row("8", phone: "+4915100000102", email: "max@example.com", first: "Max", last: "S")
        let id = try #require(a.contactID)
        #expect(try await found { $0.phone = "0049 151 00000101" } == [id])
        #expect(try await found { $0.phone = " 4915100000101" } == [id])
        #expect(try await found { $0.email = "ERIKA@example.com" } == [id])
        #expect(try await found { $0.externalReferenceID = "7" } == [id])
        #expect(try await found { $0.text = "eri" } == [id])
        #expect(try await found { $0.text = "Erika M" } == [id])
        #expect(try await found { $0.text = "0151 00000101" } == [id])
        #expect(try await found { $0.text = "%" }.isEmpty)
        #expect(try await found { _ in }.count == 2)
        #expect(try await found { $0.phone = "nonsense" }.isEmpty)
        let body = try json(try await contacts.find(world.tenant, id))
        #expect(body["phone"]?.string == "+4915100000101")
        #expect(body["phones"]?.array?.first?["primary"]?.bool == true)
        #expect(body["email"]?.string == "Erika@example.com")
        #expect(body["external_reference_id"]?.string == "7")
        #expect(body["opt_in"] == .null)
        #expect(body["orders"]?["count"]?.int64 == 0)
    }

    @Test("a page ends where the next begins")
    func paging() async throws {
        let rows = (1...7).map { IdentityWorld.row("\($0)", email: "p\($0)@example.com") }
        try await world.take(rows)
        var seen = Set<UUID>()
        var page = try await contacts.list(tenant, ContactService.Filter(), PageRequest(limit: 3))
        while true {
            for contact in page.items { #expect(seen.insert(contact.id).inserted) }
            guard let next = page.next else { break }
            page = try await contacts.list(tenant, ContactService.Filter(), PageRequest(limit: 3, after: next))
        }
        #expect(seen.count == 7)
    }

    @Test("a manual merge, its timeline, its undoing; the old id answers the survivor")
    func manualMerge() async throws {
        let a = try #require(try await world.row("7", phone: "+4915100000101").contactID)
        let b = try #require(try await world.row("8", email: "b@example.com").contactID)
        let merged = try await identities.merge(b, into: a, tenant: world.tenant, actor: "test")
        #expect(merged.id == a)
        #expect(try await contacts.find(world.tenant, b).id == a)
        #expect(try json(merged)["emails"]?.array?.count == 1)
        let types = try await contacts.timeline(world.tenant, a, PageRequest()).items.map(\.type)
        #expect(types.contains("merge") && types.contains("import"))
        let merges = try await identities.merges(world.tenant, PageRequest())
        let id = try #require(merges.items.first?.json["id"]?.string.flatMap { UUID(uuidString: $0) })
        _ = try await identities.undo(id, tenant: world.tenant, actor: "test")
        #expect(try await contacts.find(world.tenant, b).id == b)
        await #expect {
            _ = try await identities.undo(id, tenant: world.tenant, actor: "test")
        } throws: { ($0 as? Problem)?.code == "merge_already_undone" }
    }

    @Test("each change of a phone leaves a note in the timeline, which goes where the old number goes")
    func phoneChanges() async throws {
        let (first, second, third) = ("+4915100000101", "+4915100000102", "+4915100000103")
        let a = try #require(try await world.row("7", phone: first).contactID)
        func notes(_ contact: UUID) async throws -> [JSON] {
            try await contacts.timeline(world.tenant, contact, PageRequest()).items
                .filter { $0.type == "phone_changed" }.map(\.data)
        }
        func note(_ old: String, _ new: String?, _ source: String) -> JSON {
            ["old_phone": .string(old), "new_phone": .optional(new), "source": .string(source)]
        }
        #expect(try await notes(a) == [])
        for phone in [second, second, first, third] {
            world.time.advance(by: .seconds(3600))
            _ = try await world.row("7", phone: phone)
        }
        let changes = [
            note(first, third, "emarsys_import"), note(second, first, "emarsys_import"),
            note(first, second, "emarsys_import"),
        ]
        #expect(try await notes(a) == changes)
        let entries = try await contacts.timeline(world.tenant, a, PageRequest()).items
        let changed = try #require(entries.first { $0.type == "phone_changed" })
        #expect(changed.at == world.time.now())
        let rest = try await contacts.timeline(
            world.tenant, a, PageRequest(after: PageCursor(time: changed.at, id: changed.id)))
        #expect(rest.items.filter { $0.type == "phone_changed" }.count == 2)

        let b = try #require(try await world.row("8", email: "b@example.com").contactID)
        _ = try await identities.merge(a, into: b, tenant: world.tenant, actor: "test")
        #expect(try await notes(b) == changes)
        let merges = try await identities.merges(world.tenant, PageRequest())
        let id = try #require(merges.items.first?.json["id"]?.string.flatMap { UUID(uuidString: $0) })
        _ = try await identities.undo(id, tenant: world.tenant, actor: "test")
        #expect(try await notes(a) == changes)
        #expect(try await notes(b) == [])

        world.time.advance(by: .seconds(3600))
        for phone in [third, second, first] {
            _ = try await identities.releasePhone(phone, of: a, to: nil, tenant: tenant, actor: "test")
        }
        let releases = try await notes(a).filter { $0["source"] == "release" }
        #expect(
            Set(releases) == [
                note(third, second, "release"), note(second, first, "release"), note(first, nil, "release"),
            ])
    }

    @Test("after an undone merge nobody shows an e-mail that the other one holds again")
    func shownAfterUndoing() async throws {
        let a = try #require(try await world.row("7", email: "a@example.com").contactID)
        let b = try #require(try await world.row("8", email: "b@example.com").contactID)
        _ = try await identities.merge(b, into: a, tenant: world.tenant, actor: "test")
        // Meanwhile the loser's address has become the main one.
        _ = try world.value("UPDATE app.contacts SET email = 'b@example.com' WHERE id = $1::uuid", [a.uuidString])
        let id = try #require(try world.value("SELECT id::text FROM app.merges").flatMap { UUID(uuidString: $0) })
        _ = try await identities.undo(id, tenant: world.tenant, actor: "test")
        #expect(try await contacts.find(world.tenant, a).email == "a@example.com")
        #expect(try await contacts.find(world.tenant, b).email == "b@example.com")
    }

    @Test("after 30 days a merge stays")
    func tooLate() async throws {
        let a = try #require(try await world.row("7", phone: "+4915100000101").contactID)
        let b = try #require(try await world.webhook(email: "b@example.com").contactID)
        _ = try await identities.merge(b, into: a, tenant: world.tenant, actor: "test")
        let id = try #require(try world.value("SELECT id::text FROM app.merges").flatMap { UUID(uuidString: $0) })
        world.time.advance(by: .seconds(31 * 86_400))
        await #expect {
            _ = try await identities.undo(id, tenant: world.tenant, actor: "test")
        } throws: { ($0 as? Problem)?.code == "undo_too_late" }
    }

    @Test("a conflict is resolved by merging, or by a decision that is remembered", arguments: ["merge", "not_same"])
    func resolving(_ action: String) async throws {
        _ = try await world.row("5", phone: "+4915100000101", email: "a@example.com")
        _ = try await world.row("7", phone: "+4915100000101", email: "b@example.com")
        let open = try await identities.conflicts(world.tenant, status: "open", PageRequest())
        #expect(open.items.count == 1)
        #expect(open.items.first?.json["contact_ids"]?.array?.count == 2)
        let id = try #require(open.items.first?.json["id"]?.string.flatMap { UUID(uuidString: $0) })
        let resolved = try await identities.resolve(id, action: action, tenant: world.tenant, actor: "test")
        #expect(resolved.json["status"]?.string == (action == "merge" ? "merged" : "not_same"))
        #expect(try world.count() == (action == "merge" ? 1 : 2))
        _ = try await world.row("7", phone: "+4915100000101", email: "c@example.com")
        #expect(try world.conflicts().isEmpty)
        await #expect {
            _ = try await identities.resolve(id, action: action, tenant: world.tenant, actor: "test")
        } throws: { ($0 as? Problem)?.code == "conflict_resolved" }
    }

    @Test("all data of a person comes out")
    func export() async throws {
        let a = try #require(try await world.row("7", phone: "+4915100000101").contactID)
        try await world.consent(a, phone: "+4915100000101")
        let data = try JSON.parse(try await contacts.export(world.tenant, a).data)
        #expect(data["identifiers"]?.array?.count == 2)
        #expect(data["opt_ins"]?.array?.count == 1)
    }
}
