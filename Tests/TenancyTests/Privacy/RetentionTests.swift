import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Sandbox
import TestSupport
import Testing

@testable import Persistence
@testable import Tenancy

@Suite("Keeping for a time")
struct RetentionTests {
    @Test("what is kept for a time is gone when it is over, and not before")
    func retention() async throws {
        let stage = try PrivacyStage()
        let tenant = stage.world.tenant.id.uuidString
        let contact = try stage.world.contact(phone: "+4915112345678", emarsysID: "1")
        let files = stage.world.files
        let begin = stage.world.time.now().rfc3339
        try files.administer(
            """
            INSERT INTO app.imports (tenant_id, id, trigger, mode, segment_ids, state, sample, queued_at)
            VALUES ($1::uuid, $1::uuid, 'manual', 'full', '{}', 'succeeded', '[1]', $2::timestamptz)
            """, [tenant, begin])
        try files.administer(
            """
            INSERT INTO app.import_rejections (tenant_id, import_id, code, "values", created_at)
            VALUES ($1::uuid, $1::uuid, 'x', '{}', $2::timestamptz)
            """, [tenant, begin])
        for status in ["processed", "rejected", "failed", "held"] {
            try files.administer(
                """
                INSERT INTO app.events (tenant_id, id, source, status, received_at, body)
                VALUES ($1::uuid, gen_random_uuid(), 'custom', $3, $2::timestamptz, '{"a": 1}')
                """, [tenant, begin, status])
        }
        try files.administer(
            """
            INSERT INTO app.deliveries (tenant_id, type, body, state, created_at, next_attempt_at, give_up_at)
            SELECT $1::uuid, 'x', '{"a": 1}', s, $2::timestamptz, $2::timestamptz, $2::timestamptz FROM unnest('{delivered,queued}'::text[]) s
            """, [tenant, begin])
        for (value, demoted) in [("+4915100000001", true), ("+4915100000002", true)] {
            try files.administer(
                """
                INSERT INTO app.contact_identifiers (tenant_id, contact_id, kind, value, source, is_primary, demoted_at)
                VALUES ($1::uuid, $2::uuid, 'phone', $3, 'test', false, CASE WHEN $5::boolean THEN $4::timestamptz END)
                """, [tenant, contact.uuidString, value, begin, demoted ? "true" : "false"])
        }
        try await stage.world.decide(.granted, contact, at: 1, phone: "+4915100000002")
        let handler = try #require(stage.erasures.handlers["retention"])
        func left() throws -> [String?] {
            try files.administer(
                """
                SELECT (SELECT count(*) FROM app.import_rejections), (SELECT count(*) FROM app.imports WHERE sample IS NOT NULL),
                       (SELECT count(*) FROM app.events WHERE body <> '{}'), (SELECT count(*) FROM app.deliveries WHERE body <> '{}'),
                       (SELECT count(*) FROM app.contact_identifiers WHERE kind = 'phone' AND status = 'active')
                """)[0]
        }
        stage.world.time.advance(by: .seconds(14 * 86_400 - 1))
        let outcome = try await handler(stage.job("retention"))
        guard case .again(let at, _, let counts, _) = outcome else {
            Issue.record("the daily job does not come again")
            return
        }
        #expect(at == stage.world.time.now() + .seconds(86_400))
        #expect(!counts)
        #expect(try left() == ["1", "1", "4", "2", "3"])
        stage.world.time.advance(by: .seconds(2))
        _ = try await handler(stage.job("retention"))
        #expect(try left() == ["0", "0", "4", "2", "3"])
        stage.world.time.advance(by: .seconds(16 * 86_400))
        _ = try await handler(stage.job("retention"))
        // What waits keeps its body; a phone that carries a consent stays.
        #expect(try left() == ["0", "0", "1", "1", "2"])
        #expect(try stage.count("app.consent_entries") == "1")
    }

    @Test(
        "every tenant is cleared away after once a day, also one that never imports; removed ones leave nothing behind")
    func housekeeping() async throws {
        let world = try ConsentWorld()
        let housekeeping = Housekeeping(database: world.database, time: world.time)
        func jobs() throws -> [[String?]] {
            try world.files.administer(
                "SELECT kind, state, run_at < $1::timestamptz + interval '1 hour' FROM app.jobs",
                [world.time.now().rfc3339])
        }
        try await housekeeping.look()
        try await housekeeping.look()
        #expect(try jobs() == [["retention", "4", "t"]])
        try world.files.administer("UPDATE app.jobs SET state = 3")
        try await housekeeping.look()
        #expect(try world.files.administer("SELECT state FROM app.jobs ORDER BY 1") == [["3"], ["4"]])
        // A tenant goes while something puts a job in.
        let masters = try MasterKeys(parsing: "k:" + Base64Text.key)
        let administration = TenantAdministration(
            database: world.database,
            secrets: SecretBox(database: world.database, masterKeys: masters, time: world.time), time: world.time)
        let proof = try await TenantErasure(administration: administration).erase("acme", confirm: "acme")
        #expect(proof.left == 0)
        try world.files.administer(
            "INSERT INTO app.jobs (tenant_id, queue, kind) VALUES ($1::uuid, 'imports', 'late')",
            [world.tenant.id.uuidString])
        #expect(try world.files.administer("SELECT count(*) FROM app.directory_changes") == [["1"]])
        try await housekeeping.look()
        try await housekeeping.look()
        #expect(try world.files.administer("SELECT count(*) FROM app.jobs") == [["0"]])
        #expect(try world.files.administer("SELECT count(*) FROM app.directory_changes") == [["0"]])
    }
}
