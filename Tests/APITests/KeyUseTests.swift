import HTTP
import JSON
import Tenancy
import TestSupport
import Testing

@Suite("When keys were last used")
struct KeyUseTests {
    private let stage: APIStage

    init() throws { stage = try APIStage() }

    @Test("a used key shows it, an unused one does not, and a busy key costs one row a minute")
    func used() async throws {
        let busy = try await stage.instance()
        let idle = try await stage.key(of: "acme", permissions: ["read"])
        func lastUsed(_ id: String) async throws -> JSON? {
            try await stage.operate(.get, "/api/v0/tenants/acme/api_keys").list.first { $0["id"]?.string == id }?[
                "last_used_at"]
        }
        #expect(try await lastUsed(busy.id) == .null)
        for _ in 0..<50 {
            _ = try await stage.call(.get, "/api/v0/integrations/emarsys/mappings", headers: ["X-API-Key": busy.key])
        }
        await stage.keyUse.write()
        #expect(try await lastUsed(busy.id)?.string != nil)
        #expect(try await lastUsed(idle.id) == .null)
        let version = try stage.test.administer("SELECT xmin FROM app.api_keys WHERE id = $1::uuid", [busy.id])
        _ = try await stage.call(.get, "/api/v0/integrations/emarsys/mappings", headers: ["X-API-Key": busy.key])
        await stage.keyUse.write()
        #expect(try stage.test.administer("SELECT xmin FROM app.api_keys WHERE id = $1::uuid", [busy.id]) == version)
        await stage.keyUse.write(all: true)
        #expect(try stage.test.administer("SELECT xmin FROM app.api_keys WHERE id = $1::uuid", [busy.id]) != version)
    }
}
