import EventLoop
import FoundationEssentials
import Persistence
import Sandbox
import TestSupport
import Testing

@testable import Tenancy

@Suite("Where a consent can come from")
struct ConsentProofTests {
    /// A deterministic sequence of numbers.
    private struct Dice {
        var state: UInt64
        mutating func roll(_ sides: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(sides))
        }
    }

    private func granted(_ world: ConsentWorld, _ contacts: [UUID]) throws -> Set<String> {
        Set(
            try world.files.administer(
                """
                SELECT subscription_type || ' ' || phone FROM app.consents
                 WHERE status = 'granted' AND contact_id::text = ANY ($1::text[])
                """, ["{" + contacts.map { $0.uuidString.lowercased() }.joined(separator: ",") + "}"]
            ).compactMap { $0[0] })
    }

    @Test("a merge never creates, revives or spreads a grant, whatever the two ledgers say", arguments: 1...12)
    func merges(seed: Int) async throws {
        let world = try ConsentWorld()
        var dice = Dice(state: UInt64(seed))
        let survivor = try world.contact(phone: "+4915111111111", emarsysID: "1")
        let loser = try world.contact(phone: "+4915222222222", emarsysID: dice.roll(2) == 0 ? nil : "2")
        for _ in 0..<8 {
            let contact = dice.roll(2) == 0 ? survivor : loser
            let status = ConsentStatus.allCases[dice.roll(4)]
            let type = ["whatsapp", "news"][dice.roll(2)]
            let phones: [String?] = [nil, "+4915111111111", "+4915222222222"]
            let second = dice.roll(4)
            let moment = Timestamp(seconds: 1_767_225_600 - 86_400 + Int64(second))
            try await world.inTenant(
                Query(
                    "SELECT app.record_consent($1, $2, $3, $4, $5, $6, 'test', NULL, NULL, 't', NULL, $6)",
                    [
                        .uuid(world.tenant.id), .uuid(contact), .optional(text: phones[dice.roll(3)]), .text(type),
                        .text(status.rawValue), .timestamp(moment),
                    ]))
        }
        let before = try granted(world, [survivor, loser])
        let entries = try world.files.administer(
            "SELECT count(*), min(occurred_at), max(occurred_at) FROM app.consent_entries")
        try await world.inTenant(
            Query(
                "SELECT app.merge_contacts($1, $2, $3, 'manual', 'test', NULL, $4)",
                [.uuid(world.tenant.id), .uuid(survivor), .uuid(loser), .timestamp(world.time.now())]))
        let after = try granted(world, [survivor, loser])
        #expect(after.isSubset(of: before))
        #expect(
            try world.files.administer("SELECT count(*), min(occurred_at), max(occurred_at) FROM app.consent_entries")
                == entries)
        // The person is granted only by a grant for the primary phone, or one without a phone.
        if try world.optIn(of: survivor) == "granted" {
            #expect(after.contains { $0.hasSuffix(" +4915111111111") || $0.hasSuffix(" ") })
        }
        // Of the same phone and type, the restrictive one of a tie stands.
        let ties = try world.files.administer(
            """
            SELECT 1 FROM app.consents c
             WHERE c.status = 'granted' AND EXISTS (
                   SELECT 1 FROM app.consent_entries e WHERE e.contact_id = c.contact_id AND coalesce(e.phone, '') = c.phone
                      AND e.subscription_type = c.subscription_type AND e.occurred_at >= c.occurred_at
                      AND e.status IN ('withdrawn', 'denied'))
            """)
        #expect(ties.isEmpty)
    }

    @Test("an import creates no consent, whatever the Emarsys field says, and leaves those that are known alone")
    func imports() async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 30)
            for index in 0..<30 {
                world.account.setValue(.text("granted"), field: 501, of: SandboxAccount.contactID(at: index))
            }
            try world.select("9001")
            try world.files.administer(
                "INSERT INTO app.opt_in_fields (tenant_id, field_id) VALUES ($1::uuid, '501')",
                [world.tenantID.uuidString])
            let run = try await world.imported()
            #expect(run.counts.created == 30)
            #expect(try world.value("SELECT count(*)::text FROM app.consents") == "0")
            #expect(try world.value("SELECT count(*)::text FROM app.consent_entries") == "0")
            #expect(try world.value("SELECT count(*)::text FROM app.contacts WHERE opt_in IS NOT NULL") == "0")
            #expect(try world.value("SELECT count(*)::text FROM app.opt_in_exports") == "0")
            // A person who withdrew here stays withdrawn, though Emarsys says otherwise.
            let id = try #require(
                try world.value(
                    "SELECT id::text FROM app.contacts WHERE phone IS NOT NULL ORDER BY id LIMIT 1"))
            let service = ConsentService(
                database: world.database, lookup: StoredContacts(database: world.database), time: world.time)
            _ = try await service.record(
                ConsentDecision(
                    contact: ContactReference(id: UUID(uuidString: id)), status: .withdrawn),
                tenant: try await world.tenant(),
                actor: "test", requestID: nil)
            _ = try await world.imported(mode: .full)
            #expect(try world.value("SELECT opt_in FROM app.contacts WHERE id = '\(id)'") == "withdrawn")
            #expect(
                try world.value("SELECT status || ' ' || state FROM app.opt_in_exports") == "withdrawn queued")
        }
    }

    @Test("a webhook creates no consent either")
    func webhooks() async throws {
        let world = try IdentityWorld()
        _ = try await world.webhook("5", phone: "+4915111111111", email: "a@example.com")
        #expect(try world.files.administer("SELECT count(*) FROM app.consents") == [["0"]])
    }

    @Test("who is linked by an import is told of: the latest state goes to the new Emarsys contact")
    func linkedByImport() async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 5)
            try world.select("9001")
            try world.files.administer(
                "INSERT INTO app.opt_in_fields (tenant_id, field_id) VALUES ($1::uuid, '501')",
                [world.tenantID.uuidString])
            let index = try #require(
                (0..<5).first { world.account.value(37, of: SandboxAccount.contactID(at: $0)) != .null })
            guard case .text(let phone) = world.account.value(37, of: SandboxAccount.contactID(at: index)) else {
                return
            }
            let service = ConsentService(
                database: world.database, lookup: StoredContacts(database: world.database), time: world.time)
            for (second, status) in [(1, ConsentStatus.granted), (2, .withdrawn)] {
                _ = try await service.record(
                    ConsentDecision(
                        contact: ContactReference(phone: phone), status: status,
                        occurredAt: world.time.now() - .seconds(Int64(60 - second))),
                    tenant: try await world.tenant(), actor: "test", requestID: nil)
            }
            // Nobody in Emarsys yet.
            #expect(try world.value("SELECT state FROM app.opt_in_exports") == "queued")
            try world.files.administer("UPDATE app.opt_in_exports SET state = 'not_in_emarsys'")
            world.time.advance(by: .seconds(1))
            _ = try await world.imported()
            #expect(
                try world.value(
                    "SELECT status || ' ' || state || ' ' || reason || ' ' || emarsys_contact_id FROM app.opt_in_exports WHERE state = 'queued'"
                ) == "withdrawn queued import \(SandboxAccount.contactID(at: index))")
            #expect(try world.value("SELECT count(*)::text FROM app.jobs WHERE kind = 'check_opt_ins'") == "1")
        }
    }

    @Test("a contact that a decision creates is told of, once")
    func created() async throws {
        let world = try ConsentWorld()
        try world.files.administer(
            "INSERT INTO app.delivery_endpoints (tenant_id, url, secret) VALUES ($1::uuid, 'https://example.com', 'x')",
            [world.tenant.id.uuidString])
        for status in [ConsentStatus.granted, .withdrawn] {
            _ = try await world.service.record(
                ConsentDecision(contact: ContactReference(phone: "+491701234567"), status: status),
                tenant: world.tenant, actor: "test", requestID: nil)
        }
        let said = try world.files.administer(
            "SELECT type, body #>> '{data,contact,phone}' FROM app.deliveries ORDER BY sequence")
        #expect(said == [["contact.created", "+491701234567"]])
    }
}
