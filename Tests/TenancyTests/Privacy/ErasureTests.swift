import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Sandbox
import TestSupport
import Testing

@testable import Persistence
@testable import Tenancy

@Suite("Erasing", .serialized)
struct ErasureTests {
    @Test("an erased person reads as gone, is counted as proof, and is not brought back")
    func erased() async throws {
        try await ImportWorld.run { world in
            world.account.addSegment(9001, name: "A", first: 40)
            try world.select("9001")
            _ = try await world.imported()
            let text = try world.value(
                "SELECT id::text FROM app.contacts WHERE phone IS NOT NULL AND external_reference_id IS NOT NULL LIMIT 1"
            )
            let id = try #require(text.flatMap { UUID(uuidString: $0) })
            let contacts = ContactService(database: world.database)
            let before = try await contacts.find(world.tenantID, id)
            let service = ErasureService(database: world.database, keys: world.suppressions, time: world.time)
            let erasure = try await service.erase(id, tenant: world.tenantID, actor: "test")
            #expect(erasure["state"]?.string == "received")
            await #expect {
                _ = try await contacts.find(world.tenantID, id)
            } throws: { ($0 as? Problem)?.code == "contact_erased" }
            let handler = try #require(service.handlers["erase_contact"])
            let job = Job(
                tenantID: world.tenantID, id: 1, queue: "maintenance", kind: "erase_contact",
                args: JSON.object(["erasure_id": erasure["id"] ?? .null]).encoded(), attempt: 1, maxAttempts: 5,
                lease: JobLease(token: UUID()))
            _ = try await handler(job)
            let done = try await service.find(
                try #require(erasure["id"]?.string.flatMap { UUID(uuidString: $0) }), tenant: world.tenantID)
            #expect(done["state"]?.string == "finished")
            #expect(done["proof"]?["segment_members"]?.int64 == 1)
            // Nothing readable is left of the person.
            let phone = try #require(before.phone)
            for table in ["contacts", "contact_identifiers", "suppressions", "erasures", "import_rejections"] {
                let left = try world.value("SELECT count(*)::text FROM app.\(table) x WHERE x::text LIKE '%\(phone)%'")
                #expect(left == "0", "\(table)")
            }
            let run = try await world.imported(mode: .full)
            #expect(run.counts.skipped == 1)
            #expect(try world.value("SELECT count(*)::text FROM app.contacts WHERE phone = '\(phone)'") == "0")
        }
    }
}
