import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Sandbox
import TestSupport
import Testing

@testable import Persistence
@testable import Tenancy

@Suite("A person's privacy")
struct PrivacyTests {
    private let phone = "+4915112345678"
    private let email = "ann.secret@example.com"

    @Test("nothing readable of an erased person is left in any table, attached or not, however it was written")
    func everywhere() async throws {
        let stage = try PrivacyStage()
        let tenant = stage.world.tenant.id.uuidString
        let contact = try stage.world.contact(phone: phone, email: email, emarsysID: "770077007")
        try await stage.world.decide(.granted, contact, at: 1)
        let files = stage.world.files
        try files.administer(
            """
            INSERT INTO app.events (tenant_id, id, source, status, received_at, body, contact_id, trace)
            VALUES ($1::uuid, gen_random_uuid(), 'custom', 'processed', now(), jsonb_build_object('phone', $3::text), $2::uuid,
                    jsonb_build_object('note', $3::text))
            """, [tenant, contact.uuidString, phone])
        // Never attached to anybody: refused for its name, and the phone as people type it.
        for spelling in ["0049 (0)151 12345678", "4915112345678", "0151-12345678"] {
            try files.administer(
                """
                INSERT INTO app.events (tenant_id, id, source, status, received_at, body)
                VALUES ($1::uuid, gen_random_uuid(), 'custom', 'rejected', now(),
                        jsonb_build_object('event_data', jsonb_build_object('customer', jsonb_build_array($2::text))))
                """, [tenant, spelling])
        }
        try files.administer(
            """
            INSERT INTO app.events (tenant_id, id, source, status, received_at, body)
            VALUES ($1::uuid, gen_random_uuid(), 'custom', 'rejected', now(), '{"phone": "+4915199999999", "n": 1}')
            """, [tenant])
        try files.administer(
            """
            INSERT INTO app.imports (tenant_id, id, trigger, mode, segment_ids, state, sample)
            VALUES ($1::uuid, $1::uuid, 'manual', 'full', '{}', 'succeeded', jsonb_build_array(jsonb_build_object('email', $2::text)))
            """, [tenant, email])
        try files.administer(
            """
            INSERT INTO app.import_rejections (tenant_id, import_id, code, "values")
            VALUES ($1::uuid, $1::uuid, 'x', jsonb_build_object('email', upper($2::text)))
            """, [tenant, email])
        try files.administer(
            """
            INSERT INTO app.identity_conflicts (tenant_id, code, contact_ids, "values", source, fingerprint, created_at)
            VALUES ($1::uuid, 'x', ARRAY[$2::uuid], jsonb_build_object('email', $3::text), 'webhook', 'x', now())
            """, [tenant, contact.uuidString, email])
        try files.administer(
            """
            INSERT INTO app.deliveries (tenant_id, type, contact_id, body, state, next_attempt_at, give_up_at)
            VALUES ($1::uuid, 'contact.created', $2::uuid, jsonb_build_object('p', $3::text), 'delivered', now(), now())
            """, [tenant, contact.uuidString, phone])
        try files.administer(
            "UPDATE app.contacts SET order_count = 2, order_currency = 'EUR', order_total = 10, last_order_at = now()")
        let done = try await stage.erase(contact)
        #expect(done["state"] == "finished")
        #expect(try stage.count("app.contacts WHERE order_count <> 0 OR order_total IS NOT NULL") == "0")
        #expect(done["proof"]?["unattached_events"] == 3)
        #expect(done["proof"]?["import_rejections"] == 1)
        #expect(done["proof"]?["consent_entries"] == 1)
        let tables = try files.administer(
            """
            SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
             WHERE c.relnamespace = 'app'::regnamespace AND c.relkind = 'r'
            """)
        for table in tables.compactMap({ $0[0] }) {
            let left = try stage.count(
                """
                app.\(table) x WHERE regexp_replace(x::text, '[^0-9]', '', 'g') LIKE '%15112345678%'
                   OR lower(x::text) LIKE '%ann.secret%' OR x::text LIKE '%770077007%'
                """)
            #expect(left == "0", "\(table)")
        }
        #expect(try stage.count("app.events WHERE body ->> 'n' = '1'") == "1")
    }

    @Test("every table that names a contact is known to the access export or the erasure")
    func catalogue() throws {
        let known: Set<String> = [
            "consent_entries", "consents", "contact_identifiers", "contact_order_totals", "deliveries", "erasures",
            "events",
            "flow_runs", "identity_conflicts", "import_rejections", "merges", "not_same", "opt_in_confirmed",
            "opt_in_exports", "order_items", "orders", "segment_members", "touches",
        ]
        let found = try TestDatabase().administer(
            """
            SELECT DISTINCT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
             WHERE c.relnamespace = 'app'::regnamespace AND c.relkind = 'r' AND NOT a.attisdropped
               AND a.attname IN ('contact_id', 'contact_ids', 'survivor_id', 'contact_a')
            """)
        #expect(Set(found.compactMap { $0[0] }) == known)
    }

    @Test("the access export holds what is known of a person in every capability, and no other person")
    func access() async throws {
        let stage = try PrivacyStage()
        let contact = try stage.world.contact(phone: phone, email: email, emarsysID: "1")
        let other = try stage.world.contact(phone: "+4915100000000", emarsysID: "2")
        try await stage.world.decide(.granted, contact, at: 1)
        try await stage.world.decide(.withdrawn, other, at: 1)
        let export = try await ContactService(database: stage.world.database).export(stage.world.tenant.id, contact)
        let data = try JSON.parse(export.data)
        #expect(data["identifiers"]?.array?.count == 3)
        #expect(data["opt_ins"]?[0]?["status"] == "granted")
        #expect(data["opt_in_states"]?[0]?["phone"] == .string(phone))
        #expect(data["opt_in_exports"]?.array?.count == 1)
        for name in [
            "segments", "opt_in_held_by_emarsys", "events", "event_attempts", "flow_runs", "deliveries", "orders",
            "order_history", "order_totals", "touches", "merges", "identity_conflicts", "import_rejections",
        ] {
            #expect(data[name]?.array != nil, "\(name)")
        }
        let text = String(decoding: export.data, as: UTF8.self)
        #expect(!text.contains("+4915100000000"))
        #expect(!text.contains(stage.world.tenant.id.uuidString.lowercased()))
    }

    @Test("a withdrawal on its way is passed on before the last of the person goes: partial, then finished")
    func partial() async throws {
        try await ExportStage.run { exports in
            let world = exports.world
            let keys = SuppressionKeys(
                database: world.database,
                secrets: SecretBox(
                    database: world.database, masterKeys: try MasterKeys(parsing: "k:" + Base64Text.key),
                    time: world.time), time: world.time)
            let erasures = ErasureService(database: world.database, keys: keys, time: world.time)
            let contact = try exports.linked(0)
            try await world.decide(.granted, contact, at: 1)
            try await exports.drain()
            try await world.decide(.withdrawn, contact, at: 2)
            let erasure = try await erasures.erase(contact, tenant: world.tenant.id, actor: "test")
            let id = try #require(erasure["id"]?.string.flatMap { UUID(uuidString: $0) })
            let handler = try #require(erasures.handlers["erase_contact"])
            func work() async throws -> JSON {
                _ = try await handler(
                    Job(
                        tenantID: world.tenant.id, id: 1, queue: "maintenance", kind: "erase_contact",
                        args: JSON.object(["erasure_id": erasure["id"] ?? .null]).encoded(), attempt: 1, maxAttempts: 5,
                        lease: JobLease(token: UUID())))
                return try await erasures.find(id, tenant: world.tenant.id)
            }
            let first = try await work()
            #expect(first["state"] == "partial")
            #expect(first["proof"]?["withdrawals_waiting"] == 1)
            #expect(try world.files.administer("SELECT count(*) FROM app.consent_entries") == [["0"]])
            try await exports.drain()
            #expect(exports.held(0) == "withdrawn")
            let done = try await work()
            #expect(done["state"] == "finished")
            #expect(done["proof"]?["consent_entries"] == 2)
            #expect(try world.files.administer("SELECT count(*) FROM app.opt_in_exports") == [["0"]])
            #expect(try world.files.administer("SELECT count(*) FROM app.opt_in_confirmed") == [["0"]])
        }
    }

    @Test(
        "after three days a withdrawal that cannot be passed on holds the erasure up no longer, and the proof says so")
    func partialEnds() async throws {
        let stage = try PrivacyStage()
        let contact = try stage.world.contact(phone: phone, emarsysID: "1")
        try await stage.world.decide(.withdrawn, contact, at: 1)
        let erasure = try await stage.erase(contact)
        #expect(erasure["state"] == "partial")
        stage.world.time.advance(by: .seconds(3 * 86_400))
        let done = try await stage.work(erasure)
        #expect(done["state"] == "finished")
        #expect(done["proof"]?["withdrawals_not_passed_on"] == 1)
    }

    @Test("only a grant that is dated after the erasure brings a person back, with all their identifiers")
    func readmitted() async throws {
        let stage = try PrivacyStage()
        let contact = try stage.world.contact(phone: phone, email: email, emarsysID: "77")
        stage.world.time.advance(by: .seconds(60))
        _ = try await stage.erase(contact)
        let erasedAt = stage.world.time.now()
        stage.world.time.advance(by: .seconds(3600))
        for (status, at) in [
            (ConsentStatus.granted, Timestamp?.none), (.granted, erasedAt - .seconds(1)), (.granted, erasedAt),
            (.withdrawn, erasedAt + .seconds(1)), (.pending, erasedAt + .seconds(1)),
        ] {
            let problem = await #expect(throws: Problem.self) {
                try await stage.record(status, phone: phone, at: at)
            }
            #expect(problem?.code == "contact_erased")
        }
        #expect(try stage.count("app.suppressions") == "3")
        let back = try await stage.record(.granted, phone: phone, at: erasedAt + .seconds(1))
        #expect(back.entry.contactID != contact)
        #expect(back.optIn == .granted)
        #expect(try stage.count("app.suppressions") == "0")
        let proof = try stage.world.files.administer("SELECT proof ->> 'lifted_by' FROM app.erasures")
        #expect(proof == [["test"]])
        // The old contact stays erased.
        let problem = await #expect(throws: Problem.self) {
            _ = try await stage.lookup.contact(
                for: ContactReference(id: contact), tenant: stage.world.tenant, now: stage.world.time.now())
        }
        #expect(problem?.code == "contact_erased")
    }

    @Test("imports and webhooks never bring an erased person back; their hashes tell nobody who they were")
    func suppressed() async throws {
        let stage = try PrivacyStage()
        let contact = try stage.world.contact(phone: phone, email: email, emarsysID: "77")
        _ = try await stage.erase(contact)
        let key = try await stage.keys.key(of: stage.world.tenant.id, creating: false)
        let rows = [
            IncomingContact(externalReferenceID: "77"), IncomingContact(externalReferenceID: nil, phone: phone),
            IncomingContact(externalReferenceID: "78", phone: nil, email: email.uppercased()),
        ]
        let now = stage.world.time.now()
        for source in [StitchSource.webhook, .api, .emarsysImport(UUID())] {
            let outcomes = try await stage.world.database.transaction(.tenant(stage.world.tenant.id)) { transaction in
                try await Stitching.stitch(
                    rows, source: source, policy: IdentityPolicy(), in: transaction, now: now, suppressions: key)
            }
            #expect(outcomes.map(\.action) == Array(repeating: .skipped("suppressed"), count: 3))
        }
        #expect(try stage.count("app.contacts WHERE erased_at IS NULL") == "0")
        let hash = try stage.world.files.administer(
            "SELECT encode(value_hash, 'hex') FROM app.suppressions WHERE kind = 'phone'")
        let plain = try stage.world.files.administer("SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex')", [phone])
        #expect(hash != plain)
    }

    @Test("of a webhook about an erased person nothing is kept but that it came")
    func webhookOfErased() async throws {
        let stage = try PrivacyStage()
        _ = try await stage.erase(try stage.world.contact(phone: phone, email: email))
        let tenant = stage.world.tenant.id.uuidString
        for (number, source) in [(phone, "custom"), ("+4915199999999", "custom"), (phone, "order")] {
            try stage.world.files.administer(
                """
                INSERT INTO app.events (tenant_id, id, source, event_name, received_at, body)
                VALUES ($1::uuid, gen_random_uuid(), $3, 'cart', $4::timestamptz,
                        jsonb_build_object('phone', $2::text, 'event_name', 'cart', 'event_data', jsonb_build_object(
                            'order_id', 'o1', 'currency', 'EUR', 'amount_total_gross', '10.00',
                            'shipping_address', jsonb_build_object('name', CASE WHEN $3 = 'order' THEN 'Ann Secret' ELSE 'Bob' END))))
                """, [tenant, number, source, stage.world.time.now().rfc3339])
        }
        let keys = stage.keys
        let processor = EventProcessor(
            database: stage.world.database,
            contacts: StitchedContacts { try await keys.key(of: $0, creating: false) }, time: stage.world.time)
        try await processor.drain(tenantID: stage.world.tenant.id)
        let kept = try stage.world.files.administer(
            "SELECT body ->> 'phone' FROM app.events WHERE status <> 'accepted'")
        #expect(kept.compactMap { $0[0] } == ["+4915199999999"])
        #expect(kept.count == 3)
        #expect(try stage.count("app.contacts WHERE phone = '\(phone)'") == "0")
        #expect(try stage.count("app.orders WHERE contact_id IS NULL AND amount_total_gross = 10") == "1")
        for table in ["events", "orders", "order_history", "order_items"] {
            #expect(try stage.count("app.\(table) x WHERE x::text LIKE '%Ann Secret%'") == "0", "\(table)")
        }
    }
}
