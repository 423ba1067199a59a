import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence
import TestSupport
import Testing

@testable import Tenancy

/// Edge cases of identity that need more than rows: deletion, grace, WhatsApp ids, other rules. By their numbers in the rule book.
@Suite("Edge cases of identity around rows", .serialized)
struct EdgeCasesOfRulesTests {
    let world: IdentityWorld

    init() throws { world = try IdentityWorld() }

    private let phone = "+4915100000101"
    private let other = "+4915100000102"

    private func tenant(_ settings: JSON = [:], country: String? = nil) -> Tenant {
        Tenant(
            id: world.tenant, instanceName: "acme", displayName: "Acme", defaultCountry: country,
            settings: TenantSettings(settings))
    }

    @Test(
        "6: a phone that another one replaced is released after 30 days, unless a consent hangs on it",
        arguments: [true, false])
    func case6Grace(_ hasConsent: Bool) async throws {
        let a = try await world.row("7", phone: phone, email: "a@example.com")
        if hasConsent { try await world.consent(a.contactID, phone: phone) }
        _ = try await world.row("7", phone: other, email: "a@example.com")
        func status(after days: Int64) async throws -> String? {
            _ = try await world.database.run(
                .tenant(world.tenant),
                Query(
                    "SELECT app.keep_promises($1, $2)",
                    [.uuid(world.tenant), .timestamp(world.time.now() + .seconds(days * 86_400))]))
            return try world.value("SELECT status FROM app.contact_identifiers WHERE value = $1", [phone])
        }
        #expect(try await status(after: 29) == "active")
        #expect(try await status(after: 31) == (hasConsent ? "active" : "released"))
        // Once released, the number is free for whoever shows it next.
        let b = try await world.row("8", phone: phone, email: "b@example.com")
        #expect(try world.card(b.contactID) == (hasConsent ? "- b@example.com 8" : "\(phone) b@example.com 8"))
    }

    @Test(
        "8: a person takes a recycled number from its former owner: the number moves, the old consent ends, nobody is merged"
    )
    func case8Release() async throws {
        let identities = IdentityService(database: world.database, time: world.time)
        let old = try #require(try await world.row("7", phone: phone, email: "old@example.com").contactID)
        try await world.consent(old, phone: phone)
        let new = try #require(try await world.row("8", phone: phone, email: "new@example.com").contactID)
        #expect(try world.conflicts() == ["external_id_mismatch"])
        let released = try await identities.releasePhone(
            "0049 151 00000101", of: old, to: new, tenant: tenant(), actor: "test")
        #expect(released.phone == nil)
        #expect(try world.card(new) == "\(phone) new@example.com 8")
        #expect(try world.value("SELECT status FROM app.consents WHERE phone = $1", [phone]) == "withdrawn")
        #expect(try world.value("SELECT opt_in FROM app.contacts WHERE id = $1::uuid", [new.uuidString]) == nil)
        #expect(try world.conflicts().isEmpty)
        // Emarsys still shows the number at both: it stays where it is, and nobody asks again.
        _ = try await world.row("7", phone: phone, email: "old@example.com")
        _ = try await world.row("8", phone: phone, email: "new@example.com")
        #expect(try world.card(old) == "- old@example.com 7")
        #expect(try world.card(new) == "\(phone) new@example.com 8")
        #expect(try world.conflicts().isEmpty)
        await #expect {
            _ = try await identities.releasePhone(phone, of: old, to: nil, tenant: tenant(), actor: "test")
        } throws: { ($0 as? Problem)?.code == "phone_not_held" }
    }

    @Test("9: an e-mail changed to one that somebody else holds is case 5: merged where it fits, else left out")
    func case9Owned() async throws {
        let a = try await world.row("7", phone: phone, email: "a@example.com")
        let b = try await world.webhook(email: "b@example.com")
        let merged = try await world.row("7", phone: phone, email: "b@example.com")
        #expect(merged.action == .merged(loser: try #require(b.contactID)))
        #expect(try world.card(a.contactID) == "\(phone) b@example.com 7")
        _ = try await world.row("8", email: "c@example.com")
        _ = try await world.row("7", phone: phone, email: "c@example.com")
        #expect(try world.card(a.contactID) == "\(phone) b@example.com 7")
        #expect(try world.conflicts() == ["email_owned_by_other"])
    }

    @Test(
        "11: other plus tags are suggested as duplicates, other dots at Gmail where the rule says so; nothing is merged"
    )
    func case11Suggestions() async throws {
        let rows = ["ab+x@example.com", "ab@example.com", "a.b@example.com", "e.r@gmail.com", "er@googlemail.com"]
        var ids: [String: UUID] = [:]
        for (index, email) in rows.enumerated() {
            ids[email] = try await world.row("\(index + 1)", email: email).contactID
        }
        let duplicates = PossibleDuplicates(database: world.database)
        func groups(_ tenant: Tenant) async throws -> Set<Set<String>> {
            Set(
                try await duplicates.list(tenant, PageRequest()).items.map { group in
                    Set((group.json["emails"]?.array ?? []).compactMap(\.string))
                })
        }
        #expect(try await groups(tenant()) == [["ab@example.com", "ab+x@example.com"]])
        #expect(
            try await groups(tenant(["fold_gmail": true])) == [
                ["ab@example.com", "ab+x@example.com"], ["e.r@gmail.com", "er@googlemail.com"],
            ])
        #expect(try world.count() == 5)
        // One page after the other, each group once.
        let first = try await duplicates.list(tenant(["fold_gmail": true]), PageRequest(limit: 1))
        let second = try await duplicates.list(tenant(["fold_gmail": true]), PageRequest(limit: 1, after: first.next))
        #expect(first.items.first?.json["id"] != second.items.first?.json["id"])
        #expect(second.next == nil)
        // Who was declared not to be the same is suggested no more.
        let pair = try #require(ids["ab@example.com"]).uuidString.lowercased()
        let twin = try #require(ids["ab+x@example.com"]).uuidString.lowercased()
        try world.files.administer(
            """
            INSERT INTO app.not_same (tenant_id, contact_a, contact_b, decided_by)
            VALUES ($1::uuid, least($2::uuid, $3::uuid), greatest($2::uuid, $3::uuid), 't')
            """, [world.tenant.uuidString, pair, twin])
        #expect(try await groups(tenant()).isEmpty)
    }

    @Test(
        "19: a deleted contact stays away, unless the rule lets imports bring it back; an erased one stays away anyhow")
    func case19() async throws {
        let secrets = SecretBox(
            database: world.database, masterKeys: try MasterKeys(parsing: "k:" + Base64Text.key), time: world.time)
        let keys = SuppressionKeys(database: world.database, secrets: secrets, time: world.time)
        let erasures = ErasureService(database: world.database, keys: keys, time: world.time)
        let deletion = ContactDeletion(database: world.database, erasures: erasures)
        let rows = [
            IdentityWorld.row("7", phone: phone, email: "a@example.com"),
            IdentityWorld.row("8", phone: other, email: "b@example.com"),
        ]
        let made = try await world.take(rows)
        _ = try await deletion.delete(try #require(made[0].contactID), tenant: world.tenant, actor: "test")
        _ = try await erasures.erase(try #require(made[1].contactID), tenant: world.tenant, actor: "test")
        let key = try #require(try await keys.key(of: world.tenant, creating: false))
        #expect(
            try await world.take(rows, suppressions: key).map(\.action) == [
                .skipped("suppressed"), .skipped("suppressed"),
            ])
        // A webhook does not bring anybody back either.
        #expect(
            try await world.take(
                [IdentityWorld.row(phone: phone)], webhook: true,
                policy: IdentityPolicy(
                    TenantSettings(["recreate_deleted": true]), defaultCountry: nil), suppressions: key)[0].action
                == .skipped("suppressed"))
        let policy = IdentityPolicy(TenantSettings(["recreate_deleted": true]), defaultCountry: nil)
        let again = try await world.take(rows, policy: policy, suppressions: key)
        #expect(again.map(\.action) == [.created, .skipped("suppressed")])
        #expect(again[0].contactID != made[0].contactID)
        #expect(try world.card(again[0].contactID) == "\(phone) a@example.com 7")
        // Back for good: webhooks find it again.
        #expect(
            try await world.take([IdentityWorld.row(phone: phone)], webhook: true, suppressions: key)[0].contactID
                == again[0].contactID)
    }

    @Test("22: a value that the guard took out of merging is an alert for a day")
    func case22Alert() async throws {
        try world.files.administer(
            "INSERT INTO app.connections (tenant_id, name, auth, status) VALUES ($1::uuid, 'c', 'oauth2', 'connected')",
            [world.tenant.uuidString])
        let watch = AlertWatch(database: world.database, refusals: RefusedWebhooks(time: world.time), time: world.time)
        try await watch.look()
        #expect(try await watch.alerts(tenant: world.tenant).isEmpty)
        try await world.take((1...21).map { IdentityWorld.row("\($0)", phone: phone, email: "p\($0)@example.com") })
        try await watch.look()
        let raised = try await watch.alerts(tenant: world.tenant).first
        #expect(raised?.kind == "identifiers_quarantined")
        #expect(raised?.detail["count"]?.int == 1)
        world.time.advance(by: .seconds(86_401))
        try await watch.look()
        #expect(try await watch.alerts(tenant: world.tenant).first?.state == "recovered")
    }

    @Test("25: a person who wrote without a phone shares it later: one contact where it fits, else parked")
    func case25() async throws {
        let whatsApp = WhatsAppIdentity(database: world.database, time: world.time)
        let chat = try await whatsApp.attest("DE.1349", phone: nil, tenant: tenant())
        #expect(chat.phone == nil)
        #expect(try await whatsApp.attest("DE.1349", phone: nil, tenant: tenant()).id == chat.id)
        // Nobody holds the phone: it is attached.
        let solo = try await whatsApp.attest("DE.1", phone: other, tenant: tenant())
        #expect(solo.phone == other)
        // Somebody from Emarsys holds it: they are one.
        let imported = try await world.row("7", phone: phone, email: "a@example.com")
        let merged = try await whatsApp.attest("DE.1349", phone: phone, tenant: tenant())
        #expect(try world.card(merged.id) == "\(phone) a@example.com 7")
        #expect(try world.value("SELECT count(*)::text FROM app.merges") == "1")
        #expect([chat.id, try #require(imported.contactID)].contains(merged.id))
        // Two WhatsApp ids are two people until somebody decides.
        let parked = try await whatsApp.attest("DE.1", phone: phone, tenant: tenant())
        #expect(parked.id == solo.id)
        #expect(try world.conflicts() == ["whatsapp_id_mismatch"])
        // An id of WhatsApp is never taken for one of Emarsys.
        let row = try await world.row("DE.1349", email: "z@example.com")
        #expect(row.action == .created)
        for wrong in ["", "1349", "DE.", "de.1", "DE.1 2", "DE.1.2"] { #expect(!WhatsAppIdentity.isID(wrong)) }
    }

    @Test("28: a stricter rule leaves contacts as they are; a report says beforehand what it would have meant")
    func case28() async throws {
        let a = try await world.webhook(phone: phone)
        _ = try await world.webhook(email: "b@example.com")
        _ = try await world.row("7", phone: phone, email: "b@example.com")
        _ = try await world.row("8", phone: "0151 00000109", email: "c@example.com")
        try world.files.administer(
            """
            INSERT INTO app.import_rejections (tenant_id, import_id, code, "values")
            VALUES ($1::uuid, $2::uuid, 'phone_missing_country_code', '{"phone": "0151 00000109"}'),
                   ($1::uuid, $2::uuid, 'phone_missing_country_code', '{"phone": "0151 00000101"}'),
                   ($1::uuid, $2::uuid, 'phone_missing_country_code', '{"phone": "0"}')
            """, [world.tenant.uuidString, world.importID.uuidString])
        let preview = IdentityPreview(database: world.database, time: world.time)
        let before = try world.value("SELECT string_agg(c::text, '' ORDER BY c.id) FROM app.contacts c")
        func report(_ body: JSON) async throws -> JSON {
            try await preview.report(tenant(), try IdentityRules.changed(tenant(), by: body))
        }
        let strict = try await report(["auto_merge": "never"])
        #expect(strict["auto_merge"]?["recent_merges"]?.int == 1)
        #expect(strict["auto_merge"]?["would_be_parked"]?.int == 1)
        #expect(strict["auto_merge"]?["merge_ids"]?.array?.count == 1)
        let country = try await report(["default_country": "DE"])
        #expect(country["auto_merge"]?["would_be_parked"]?.int == 0)
        #expect(country["default_country"]?["dropped_phones"]?.int == 3)
        #expect(country["default_country"]?["would_be_usable"]?.int == 2)
        #expect(country["default_country"]?["held_by_another_contact"]?.int == 1)
        #expect(country["rules"]?["default_country"]?.string == "DE")
        let valid = try await report(["only_valid_phone": true, "blocked_phones": [.string(phone)]])
        #expect(valid["only_valid_phone"]?["contacts_without_phone"]?.int == 1)
        #expect(valid["blocked"]?["phones_in_use"]?.int == 1)
        #expect(try world.value("SELECT string_agg(c::text, '' ORDER BY c.id) FROM app.contacts c") == before)
        // The rule in force: what is there stays, what comes is parked.
        var policy = IdentityPolicy()
        policy.autoMerge = .never
        _ = try await world.take([IdentityWorld.row("7", phone: phone, email: "b@example.com")], policy: policy)
        #expect(try world.card(a.contactID) == "\(phone) b@example.com 7")
        _ = try await world.webhook(phone: other)
        _ = try await world.take([IdentityWorld.row("7", phone: other, email: "b@example.com")], policy: policy)
        #expect(try world.conflicts() == ["phone_owned_by_other"])
        // A looser rule would have merged that conflict.
        let loose = try await preview.report(
            tenant(["auto_merge": "never"]),
            try IdentityRules.changed(tenant(["auto_merge": "never"]), by: ["auto_merge": "safe"]))
        #expect(loose["auto_merge"]?["open_conflicts"]?.int == 1)
        #expect(loose["auto_merge"]?["would_merge"]?.int == 1)
    }

    @Test("rules are checked before they are taken, all faults at once")
    func faults() throws {
        let wrong: JSON = [
            "auto_merge": "sometimes", "default_country": "XX", "fold_gmail": "yes", "blocked_phones": ["0151"],
            "other": 1,
        ]
        #expect {
            try IdentityRules.changed(tenant(), by: wrong)
        } throws: { error in
            (error as? Problem)?.errors.count == 5
        }
        let policy = try IdentityRules.changed(
            tenant(country: "DE"), by: ["default_country": .null, "blocked_phones": ["0049 151 00000101"]])
        #expect(policy.defaultCountry == nil)
        #expect(policy.blockedPhones == [phone])
    }
}
