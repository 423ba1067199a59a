import EventLoop
import FoundationEssentials
import Persistence
import Sandbox
import TestSupport
import Testing

@testable import Tenancy

@Suite("Opt-ins on their way to Emarsys")
struct ExporterTests {
    @Test("a decision arrives in the chosen field and is confirmed, many of them in one call")
    func arrives() async throws {
        try await ExportStage.run { stage in
            var contacts: [UUID] = []
            for index in 0..<30 {
                contacts.append(try stage.linked(index))
                try await stage.world.decide(index % 3 == 0 ? .withdrawn : .granted, contacts[index], at: 1)
            }
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
            #expect(stage.held(1) == "granted")
            #expect(try stage.world.told(contacts[7]) == ["granted confirmed"])
            #expect(stage.writes == 1)
            try await stage.drain()
            #expect(stage.writes == 1)
        }
    }

    @Test("withdrawals leave first")
    func withdrawalsFirst() async throws {
        var limits = OptInExporter.Limits()
        limits.batch = 2
        try await ExportStage.run(limits: limits) { stage in
            let contacts = try (0..<4).map { try stage.linked($0) }
            for (index, contact) in contacts.enumerated() {
                try await stage.world.decide(index < 2 ? .granted : .withdrawn, contact, at: 1)
            }
            stage.account.inject(SandboxFault(.overloaded503, after: 1))
            try await stage.drain()
            #expect(stage.held(2) == "withdrawn")
            #expect(stage.held(3) == "withdrawn")
            #expect(try stage.world.told(contacts[0]) == ["granted queued"])
        }
    }

    @Test("each row has its own fate, whatever shape the errors have", arguments: SandboxQuirks.ErrorShape.allCases)
    func partialFailure(shape: SandboxQuirks.ErrorShape) async throws {
        try await ExportStage.run { options in
            options.quirks.errorShape = shape
            options.quirks.updateWithoutReplyCode = shape == .missing
        } _: { stage in
            let good = try stage.linked(0)
            let unknown = try stage.world.contact(phone: "+4915199999999", emarsysID: "999999999999")
            let unlinked = try stage.world.contact(phone: "+4915188888888")
            for contact in [good, unknown, unlinked] { try await stage.world.decide(.granted, contact, at: 1) }
            try await stage.drain()
            #expect(try stage.fault(good) == ["confirmed", nil])
            #expect(try stage.fault(unknown) == ["not_in_emarsys", "contact_not_found"])
            #expect(try stage.fault(unlinked) == ["not_in_emarsys", "not_linked"])
        }
    }

    @Test("somebody outside the imported segments is found by e-mail, linked and told of; nobody is created")
    func foundByEmail() async throws {
        try await ExportStage.run { stage in
            let id = SandboxAccount.contactID(at: 3)
            guard case .text(let address) = stage.account.value(3, of: id) else { return }
            stage.account.setValue(.text("granted"), field: ExportStage.field, of: id)
            let person = try stage.world.contact(phone: "+4915177777777", email: address.lowercased())
            let stranger = try stage.world.contact(phone: nil, email: "nobody.there@example.com")
            for contact in [person, stranger] { try await stage.world.decide(.withdrawn, contact, at: 1) }
            try await stage.drain()
            #expect(stage.held(3) == "withdrawn")
            #expect(try stage.fault(person) == ["confirmed", nil])
            #expect(try stage.fault(stranger) == ["not_in_emarsys", "not_linked"])
            let linked = try stage.world.files.administer(
                "SELECT external_reference_id FROM app.contacts WHERE id = $1::uuid", [person.uuidString])
            #expect(linked == [[id]])
            try await stage.world.decide(.granted, person, at: 2)
            try await stage.drain()
            #expect(stage.held(3) == "granted")
        }
    }

    @Test("an Emarsys contact that is linked to somebody else here is not written for another of the same e-mail")
    func emailOfAnother() async throws {
        try await ExportStage.run { stage in
            let id = SandboxAccount.contactID(at: 3)
            guard case .text(let address) = stage.account.value(3, of: id) else { return }
            let holder = try stage.world.contact(phone: "+4915100000001", emarsysID: id)
            let other = try stage.world.contact(phone: "+4915100000002", email: address.lowercased())
            try await stage.world.decide(.granted, holder, at: 1)
            try await stage.world.decide(.withdrawn, other, at: 1)
            try await stage.drain()
            #expect(stage.held(3) == "granted")
            #expect(try stage.fault(other) == ["failed", "emarsys_contact_of_another"])
        }
    }

    @Test("without the permission to read, those who are linked are told of all the same")
    func withoutLookingUp() async throws {
        try await ExportStage.run { stage in
            let linked = try stage.linked(0)
            let unlinked = try stage.world.contact(phone: nil, email: "nobody.there@example.com")
            for contact in [linked, unlinked] { try await stage.world.decide(.withdrawn, contact, at: 1) }
            stage.account.setPermissions(revoke: ["contact.getdata"])
            try await stage.drain()
            #expect(stage.held(0) == "withdrawn")
            #expect(try stage.fault(unlinked) == ["failed", "emarsys_permission_missing"])
        }
    }

    @Test("the time of the decision goes into the second field")
    func timestamps() async throws {
        try await ExportStage.run(timestamps: true) { stage in
            let contact = try stage.linked(0)
            try await stage.world.decide(.granted, contact, at: 1)
            try await stage.drain()
            #expect(stage.held(0, field: ExportStage.timestampField) == "2025-12-31T00:00:01Z")
            try await stage.world.decide(.granted, contact, at: 2)
            try await stage.drain()
            #expect(stage.held(0, field: ExportStage.timestampField) == "2025-12-31T00:00:02Z")
            #expect(OptInTimeFormat.date.text(of: Timestamp(seconds: 1_767_225_600)) == "2026-01-01")
        }
    }

    @Test("a change that was taken back before it left costs no call")
    func takenBack() async throws {
        try await ExportStage.run { stage in
            let contact = try stage.linked(0)
            try await stage.world.decide(.granted, contact, at: 1)
            try await stage.drain()
            stage.world.time.advance(by: .seconds(1))
            try await stage.world.decide(.withdrawn, contact, at: 2)
            try await stage.world.decide(.granted, contact, at: 3)
            try await stage.drain()
            #expect(stage.writes == 1)
            #expect(try stage.world.told(contact) == ["granted confirmed", "granted confirmed"])
        }
    }

    @Test("people whom Emarsys does not know are created where the tenant wants it, and linked here")
    func createMissing() async throws {
        try await ExportStage.run(createMissing: true) { stage in
            let byEmail = try stage.world.contact(phone: "+4915177777777", email: "new.person@example.com")
            let byPhone = try stage.world.contact(phone: "+4915166666666")
            let nameless = try stage.world.contact(phone: nil)
            let linked = try stage.linked(3)
            for contact in [byEmail, byPhone, nameless, linked] {
                try await stage.world.decide(.granted, contact, at: 1)
            }
            try await stage.drain()
            #expect(try stage.fault(byEmail) == ["confirmed", nil])
            // Emarsys takes a phone as key only where its support has indexed the field.
            #expect(try stage.fault(byPhone) == ["failed", "key_field_not_usable"])
            #expect(try stage.fault(nameless) == ["not_in_emarsys", "no_usable_identifier"])
            #expect(try stage.fault(linked) == ["confirmed", nil])
            let id = try stage.world.files.administer(
                "SELECT external_reference_id FROM app.contacts WHERE id = $1::uuid", [byEmail.uuidString])[0][0]
            #expect(stage.account.value(3, of: id ?? "") == .text("new.person@example.com"))
            #expect(stage.account.value(ExportStage.field, of: id ?? "") == .text("granted"))
        }
    }

    @Test("ten thousand changes take ten calls and the lane makes way after its time")
    func volume() async throws {
        try await ExportStage.run {
            $0.contacts = 10_000
        } _: { stage in
            try stage.world.seedGrants(10_000, tenant: stage.tenant)
            try await stage.drain()
            #expect(stage.writes == 10)
            let states = try stage.world.files.administer("SELECT state, count(*) FROM app.opt_in_exports GROUP BY 1")
            #expect(states == [["confirmed", "10000"]])
        }
    }
}

extension ConsentWorld {
    /// Contacts linked to the sandbox's first contacts, granted and queued, in one go.
    func seedGrants(_ count: Int, tenant: UUID) throws {
        let first = SandboxAccount.contactID(at: 0)
        for statement in [
            """
            INSERT INTO app.contacts (tenant_id, id, phone, external_reference_id, opt_in)
            SELECT $1::uuid, gen_random_uuid(), '+4915' || (100000000 + i), ($2::bigint + i)::text, 'granted'
              FROM generate_series(0, $3::int - 1) i
            """,
            """
            INSERT INTO app.contact_identifiers (tenant_id, contact_id, kind, value, source)
            SELECT tenant_id, id, 'emarsys_contact_id', external_reference_id, 'test' FROM app.contacts
             WHERE tenant_id = $1::uuid AND $2 <> '' AND $3 <> ''
            """,
            """
            INSERT INTO app.consent_entries (tenant_id, contact_id, phone, status, occurred_at, source, actor)
            SELECT tenant_id, id, phone, 'granted', '2025-06-01', 'test', 'test' FROM app.contacts
             WHERE tenant_id = $1::uuid AND $2 <> '' AND $3 <> ''
            """,
            """
            INSERT INTO app.consents (tenant_id, contact_id, subscription_type, phone, status, occurred_at, entry_id)
            SELECT tenant_id, contact_id, subscription_type, phone, status, occurred_at, id FROM app.consent_entries
             WHERE tenant_id = $1::uuid AND $2 <> '' AND $3 <> ''
            """,
            """
            INSERT INTO app.opt_in_exports (tenant_id, contact_id, status, consent_at, next_attempt_at)
            SELECT tenant_id, id, 'granted', '2025-06-01', '2025-06-01' FROM app.contacts
             WHERE tenant_id = $1::uuid AND $2 <> '' AND $3 <> ''
            """,
        ] {
            try files.administer(statement, [tenant.uuidString, first, String(count)])
        }
    }
}
