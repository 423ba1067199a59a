import EventLoop
import FoundationEssentials
import Persistence
import TestSupport
import Testing

@testable import Tenancy

@Suite("What expires")
struct ExpiryTests {
    @Test("former webhook secrets, old drafts and remembered answers go, and what is in use stays")
    func purge() async throws {
        let test = try TestDatabase()
        let database = try test.open()
        let time = SystemTime()
        let tenant = UUID()
        try test.administer(
            "INSERT INTO app.tenants (tenant_id, instance_name, display_name) VALUES ($1::uuid, 'i', 'I')",
            [tenant.uuidString])
        try test.administer(
            """
            INSERT INTO app.idempotency_keys (tenant_id, key, request_hash, created_at)
            SELECT tenant_id, k.key, '\\x00', now() - k.age
              FROM app.tenants, (VALUES ('old', interval '49 hours'), ('new', interval '1 hour')) k (key, age)
            """)
        try test.administer(
            """
            INSERT INTO app.operator_idempotency_keys (key, request_hash, created_at)
            VALUES ('old', '\\x00', now() - interval '49 hours'), ('new', '\\x00', now())
            """)
        try test.administer(
            """
            INSERT INTO app.webhook_secrets (tenant_id, secret, valid_until)
            SELECT tenant_id, '\\x00', v
              FROM app.tenants, unnest(ARRAY[NULL, now() - interval '1 hour', now() - interval '2 days']) v
            """)
        try test.administer(
            "INSERT INTO app.connect_drafts (tenant_id, step, updated_at) SELECT tenant_id, 1, now() - interval '91 days' FROM app.tenants"
        )
        try await Housekeeping(database: database, time: time).look()
        #expect(try test.administer("SELECT key FROM app.operator_idempotency_keys") == [["new"]])
        _ = try await database.run(.tenant(tenant), ErasureStore.retain(tenant, now: time.now()))
        #expect(try test.administer("SELECT key FROM app.idempotency_keys") == [["new"]])
        #expect(try test.administer("SELECT count(*) FROM app.webhook_secrets") == [["2"]])
        #expect(try test.administer("SELECT count(*) FROM app.connect_drafts") == [["0"]])
    }
}
