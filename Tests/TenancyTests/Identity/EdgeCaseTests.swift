import EventLoop
import FoundationEssentials
import Persistence
import TestSupport
import Testing

@testable import Tenancy

/// The edge cases of identity, by their numbers in the rule book.
@Suite("Edge cases of identity", .serialized)
struct EdgeCaseTests {
    let world: IdentityWorld

    init() throws { world = try IdentityWorld() }

    private let phone = "+4915100000101"
    private let other = "+4915100000102"

    @Test("1: a row links the holder of its phone and the holder of its e-mail; the phone's holder survives")
    func case1() async throws {
        let a = try await world.webhook(phone: phone)
        let b = try await world.webhook(email: "b@example.com")
        let outcome = try await world.row("7", phone: phone, email: "b@example.com")
        #expect(outcome.action == .merged(loser: try #require(b.contactID)))
        #expect(outcome.contactID == a.contactID)
        #expect(try world.card(a.contactID) == "\(phone) b@example.com 7")
        #expect(try world.count() == 1)
    }

    @Test("2: the e-mail's holder has the row's id; the contact with chat and consent survives and takes the id")
    func case2() async throws {
        let b = try await world.row("7", email: "b@example.com")
        let a = try await world.webhook(phone: phone)
        try await world.consent(a.contactID, phone: phone)
        let outcome = try await world.row("7", phone: phone, email: "b@example.com")
        #expect(outcome.contactID == a.contactID)
        #expect(outcome.action == .merged(loser: try #require(b.contactID)))
        #expect(try world.card(a.contactID) == "\(phone) b@example.com 7")
    }

    @Test("3: two Emarsys ids are two people: no merge, the row comes in without the phone, a conflict is parked")
    func case3() async throws {
        let a = try await world.row("5", phone: phone)
        let b = try await world.row("7", email: "b@example.com")
        let outcome = try await world.row("7", phone: phone, email: "b@example.com", first: "Bea")
        #expect(outcome.contactID == b.contactID)
        #expect(try world.card(a.contactID) == "\(phone) - 5")
        #expect(try world.card(b.contactID) == "- b@example.com 7")
        #expect(try world.conflicts() == ["phone_owned_by_other"])
        #expect(outcome.conflictIDs.count == 1)
    }

    @Test("4: a couple's phone stays with the lower Emarsys id; from the third id on it is shared")
    func case4() async throws {
        let outcomes = try await world.take([
            IdentityWorld.row("1", phone: phone, email: "one@example.com"),
            IdentityWorld.row("2", phone: phone, email: "two@example.com"),
            IdentityWorld.row("3", phone: phone, email: "three@example.com"),
            IdentityWorld.row("4", phone: phone, email: "four@example.com"),
        ])
        #expect(try world.count() == 4)
        #expect(try world.card(outcomes[0].contactID) == "\(phone) one@example.com 1")
        #expect(try world.card(outcomes[1].contactID) == "- two@example.com 2")
        #expect(try world.card(outcomes[3].contactID) == "- four@example.com 4")
        #expect(outcomes[3].notes.contains("phone_shared"))
        #expect(try world.value("SELECT status FROM app.identifier_flags WHERE value = $1", [phone]) == "shared")
        // A webhook's shared phone still leads to its holder.
        let webhook = try await world.webhook(phone: phone)
        #expect(webhook.contactID == outcomes[0].contactID)
    }

    @Test("5: a family's e-mail with different phones")
    func case5() async throws {
        let outcomes = try await world.take([
            IdentityWorld.row("1", phone: "+4915100000001", email: "home@example.com"),
            IdentityWorld.row("2", phone: "+4915100000002", email: "home@example.com"),
            IdentityWorld.row("3", phone: "+4915100000003", email: "HOME@example.com"),
            IdentityWorld.row("4", phone: "+4915100000004", email: "home@example.com"),
        ])
        #expect(try world.count() == 4)
        #expect(try world.card(outcomes[0].contactID) == "+4915100000001 home@example.com 1")
        #expect(try world.card(outcomes[2].contactID) == "+4915100000003 - 3")
        #expect(outcomes[3].notes.contains("email_shared"))
    }

    @Test("6: a changed phone becomes the primary one, the old one stays for its grace, consent is not carried over")
    func case6() async throws {
        let a = try await world.row("7", phone: phone, email: "a@example.com")
        try await world.consent(a.contactID, phone: phone)
        let outcome = try await world.row("7", phone: other, email: "a@example.com")
        #expect(outcome.action == .updated)
        #expect(try world.card(a.contactID) == "\(other) a@example.com 7")
        let old = try world.value(
            "SELECT status || ' ' || is_primary || ' ' || (demoted_at IS NOT NULL) FROM app.contact_identifiers WHERE value = $1",
            [phone])
        #expect(old == "active false true")
        #expect(try world.value("SELECT phone FROM app.consents") == phone)
        #expect(try world.value("SELECT coalesce(opt_in, 'null') FROM app.contacts") != "granted")
    }

    @Test("7: a phone changed to one that somebody else holds")
    func case7() async throws {
        let a = try await world.row("7", phone: phone, email: "a@example.com")
        let b = try await world.webhook(phone: other)
        let outcome = try await world.row("7", phone: other, email: "a@example.com")
        #expect(outcome.action == .merged(loser: try #require(b.contactID)))
        #expect(outcome.contactID == a.contactID)
        #expect(try world.card(a.contactID) == "\(other) a@example.com 7")
    }

    @Test("8: a recycled number never merges two people with Emarsys ids")
    func case8() async throws {
        let old = try await world.row("7", phone: phone, email: "old@example.com")
        let new = try await world.row("8", phone: phone, email: "new@example.com")
        #expect(old.contactID != new.contactID)
        #expect(try world.card(new.contactID) == "- new@example.com 8")
        #expect(try world.conflicts() == ["external_id_mismatch"])
    }

    @Test("9: a changed e-mail replaces the old one, which is released")
    func case9() async throws {
        let a = try await world.row("7", phone: phone, email: "a@example.com")
        _ = try await world.row("7", phone: phone, email: "b@example.com")
        #expect(try world.card(a.contactID) == "\(phone) b@example.com 7")
        #expect(
            try world.value("SELECT status FROM app.contact_identifiers WHERE value = 'a@example.com'") == "released")
    }

    @Test("10: an e-mail that differs in case is the same one, spelled as it came last")
    func case10() async throws {
        let a = try await world.row("7", email: "erika@example.com")
        let again = try await world.row("7", email: "Erika@Example.com")
        #expect(again.contactID == a.contactID)
        #expect(try world.card(a.contactID) == "- Erika@example.com 7")
        #expect(try world.count() == 1)
    }

    @Test("11: plus tags and dots are other people")
    func case11() async throws {
        for (index, email) in ["ab@example.com", "a.b@example.com", "ab+x@example.com"].enumerated() {
            _ = try await world.row("\(index + 1)", email: email)
        }
        #expect(try world.count() == 3)
    }

    @Test("12: spellings of a phone are one phone")
    func case12() async throws {
        for spelling in ["+4915100000101", "4915100000101", "0049 151 00000101", "+49 (0)151 000-00101"] {
            _ = try await world.webhook(phone: spelling)
        }
        #expect(try world.count() == 1)
    }

    @Test("13: a national number without a default country is dropped with its reason")
    func case13() async throws {
        let kept = try await world.row("7", phone: "0151 00000101", email: "a@example.com")
        #expect(kept.action == .created)
        #expect(kept.notes == ["phone_missing_country_code"])
        let rejected = try await world.row("8", phone: "0151 00000101")
        #expect(rejected.action == .rejected("no_usable_identifier"))
        var policy = IdentityPolicy()
        policy.defaultCountry = "DE"
        let completed = try await world.take([IdentityWorld.row("9", phone: "0151 00000101")], policy: policy)[0]
        #expect(try world.card(completed.contactID) == "+4915100000101 - 9")
    }

    @Test("14: without e-mail and phone a known id is updated, an unknown one rejected")
    func case14() async throws {
        let a = try await world.row("7", email: "a@example.com", first: "Ann")
        let update = try await world.row("7", first: "Anna")
        #expect(update.action == .updated)
        #expect(update.contactID == a.contactID)
        #expect(try world.card(a.contactID) == "- a@example.com 7")
        #expect(try await world.row("8", first: "Nobody").action == .rejected("no_usable_identifier"))
    }

    @Test("15: a webhook came first, the import attaches id and e-mail")
    func case15() async throws {
        let a = try await world.webhook(phone: phone)
        let outcome = try await world.row("7", phone: phone, email: "a@example.com")
        #expect(outcome.contactID == a.contactID)
        #expect(outcome.linked)
        #expect(try world.card(a.contactID) == "\(phone) a@example.com 7")
        #expect(try world.count() == 1)
    }

    @Test("16: a webhook with an unknown id goes to the holder of the phone; a known id outranks the phone")
    func case16() async throws {
        let a = try await world.row("5", phone: phone)
        let outcome = try await world.webhook("99", phone: phone)
        #expect(outcome.contactID == a.contactID)
        #expect(try world.card(a.contactID) == "\(phone) - 5")
        #expect(try world.conflicts() == ["external_id_mismatch"])
        let b = try await world.row("6", email: "b@example.com")
        #expect(try await world.webhook("6", phone: phone).contactID == b.contactID)
        var policy = IdentityPolicy()
        policy.webhookIDConflict = .park
        #expect(try await world.webhook("98", phone: phone, policy: policy).action == .rejected("external_id_mismatch"))
    }

    @Test("17: a guest order's phone finds somebody where nothing stronger does, and is never attached")
    func case17() async throws {
        let a = try await world.webhook(phone: phone)
        var weak = IdentityWorld.row(phone: phone)
        weak.phoneIsWeak = true
        #expect(try await world.take([weak], webhook: true)[0].contactID == a.contactID)
        let b = try await world.webhook(email: "b@example.com")
        weak = IdentityWorld.row(phone: phone, email: "b@example.com")
        weak.phoneIsWeak = true
        #expect(try await world.take([weak], webhook: true)[0].contactID == b.contactID)
        weak = IdentityWorld.row(phone: other, email: "c@example.com")
        weak.phoneIsWeak = true
        let c = try await world.take([weak], webhook: true)[0]
        #expect(try world.card(c.contactID) == "- c@example.com -")
        #expect(try world.count() == 3)
    }

    @Test("18: an id that comes back after it had vanished is the same contact")
    func case18() async throws {
        let a = try await world.row("7", email: "a@example.com")
        try world.files.administer(
            "UPDATE app.contact_identifiers SET status = 'gone' WHERE kind = 'emarsys_contact_id'")
        let back = try await world.row("7", email: "changed@example.com")
        #expect(back.contactID == a.contactID)
        #expect(try world.value("SELECT status FROM app.contact_identifiers WHERE value = '7'") == "active")
    }

    @Test("20: an erased person stays away")
    func case20() async throws {
        let key = SuppressionKey([UInt8](repeating: 7, count: 32))
        let hash = key.hash("phone", phone)
        _ = try await world.database.run(
            .tenant(world.tenant),
            Query(
                "INSERT INTO app.suppressions (tenant_id, kind, value_hash, erasure_id) VALUES ($1, 'phone', $2, $1)",
                [.uuid(world.tenant), .bytes(hash)]))
        let outcome = try await world.take([IdentityWorld.row("7", phone: phone)], suppressions: key)[0]
        #expect(outcome.action == .skipped("suppressed"))
        #expect(try world.count() == 0)
    }

    @Test("22: a value of more than twenty ids of one run is quarantined")
    func case22() async throws {
        let rows = (1...30).map { IdentityWorld.row("\($0)", phone: phone, email: "p\($0)@example.com") }
        let outcomes = try await world.take(rows)
        #expect(outcomes.allSatisfy { $0.action == .created && $0.notes == ["phone_quarantined"] })
        #expect(try world.count() == 30)
        #expect(try world.value("SELECT status FROM app.identifier_flags WHERE value = $1", [phone]) == "quarantined")
        #expect(try world.value("SELECT count(*)::text FROM app.contact_identifiers WHERE kind = 'phone'") == "0")
    }

    @Test("23: an import and webhooks that race for a new phone make one contact")
    func case23() async throws {
        try await withThrowingTaskGroup(of: StitchOutcome.self) { group in
            for turn in 0..<12 {
                group.addTask { [world, phone] in
                    turn % 3 == 0 ? try await world.row("7", phone: phone) : try await world.webhook(phone: phone)
                }
            }
            var ids = Set<UUID>()
            for try await outcome in group { if let id = outcome.contactID { ids.insert(id) } }
            #expect(ids.count == 1)
        }
        #expect(try world.count() == 1)
    }

    @Test("24: two tenants with one phone have nothing to do with each other")
    func case24() async throws {
        let globex = UUID()
        try world.addTenant(globex, "globex")
        let a = try await world.webhook(phone: phone)
        let b = try await world.take([IdentityWorld.row(phone: phone)], webhook: true, tenant: globex)[0]
        #expect(a.contactID != b.contactID)
        #expect(b.action == .created)
    }

    @Test("26: Brazil's ninth digit: the same contact, the stored number unchanged")
    func case26() async throws {
        let a = try await world.row("7", phone: "+5511987654321")
        let b = try await world.webhook(phone: "+551187654321")
        #expect(b.contactID == a.contactID)
        #expect(try world.card(a.contactID) == "+5511987654321 - 7")
        #expect(try world.count() == 1)
    }

    @Test("27: an undone merge gives identifiers back and is not made again")
    func case27() async throws {
        let a = try await world.webhook(phone: phone)
        let b = try await world.webhook(email: "b@example.com")
        try await world.consent(a.contactID, phone: phone)
        _ = try await world.row("7", phone: phone, email: "b@example.com")
        let merge = try #require(try world.value("SELECT id::text FROM app.merges"))
        let answer = try await world.database.run(
            .tenant(world.tenant),
            Query(
                "SELECT app.undo_merge($1, $2, 'test', $3)",
                [.uuid(world.tenant), .uuid(try #require(UUID(uuidString: merge))), .timestamp(world.time.now())]))
        #expect(try answer[0].get(0, as: String.self) == "undone")
        #expect(try world.card(b.contactID) == "- b@example.com -")
        #expect(try world.card(a.contactID) == "\(phone) - 7")
        _ = try await world.row("7", phone: phone, email: "b@example.com")
        #expect(try world.count() == 2)
        #expect(try world.conflicts().isEmpty)
    }
}
