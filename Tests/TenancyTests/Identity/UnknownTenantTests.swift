import EventLoop
import FoundationEssentials
import JSON
import Persistence
import TestSupport
import Testing

@testable import Tenancy

@Suite("A tenant that the database's statistics do not know")
struct UnknownTenantTests {
    private func people(_ count: Int) -> [IncomingContact] {
        (0..<count).map {
            IdentityWorld.row(
                "\(700_000 + $0)", phone: "+49151\(1_000_000 + $0)", email: "person\($0)@example.com")
        }
    }

    @Test("it is not taken for one row, so that its people are looked up by what picks one of them")
    func estimate() async throws {
        let world = try IdentityWorld()
        try await world.take(people(2000))
        for table in ["contacts", "contact_identifiers"] { try world.files.administer("ANALYZE app.\(table)") }
        // All that is known now is of one tenant. Here is another one, with as many people.
        let other = UUID()
        try world.addTenant(other, "bolt")
        try await world.take(people(2000), tenant: other)

        let plan = try world.files.administer(
            "EXPLAIN (FORMAT JSON) SELECT 1 FROM app.contact_identifiers WHERE tenant_id = '\(other.uuidString)'")
        let rows = try #require(JSON.parse(Array((plan[0][0] ?? "").utf8))[0]?["Plan"]?["Plan Rows"]?.int)
        // One would promise as much from an index that begins with the tenant as from one of the value.
        #expect(rows > 20)
    }

    @Test("the statistics can be told of it by the service itself")
    func learning() async throws {
        let world = try IdentityWorld()
        try await world.take(people(50))
        let known =
            "SELECT most_common_vals::text FROM pg_stats WHERE schemaname = 'app' AND tablename = 'contacts' AND attname = 'tenant_id'"
        #expect(try world.value(known) == nil)
        _ = try await world.database.run(.tenant(world.tenant), ImportStore.learnOfGrowth)
        #expect(try world.value(known)?.contains(world.tenant.uuidString.lowercased()) == true)
    }
}
