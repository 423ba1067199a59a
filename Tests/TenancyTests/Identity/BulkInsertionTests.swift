import EventLoop
import FoundationEssentials
import Persistence
import TestSupport
import Testing

@testable import Tenancy

/// People whom nobody knows are inserted in bulk, past the statements that decide and update. What comes of a segment must not
/// depend on it.
@Suite("Bulk insertion of new contacts", .serialized)
struct BulkInsertionTests {
    let world: IdentityWorld
    /// The tenant whose rows all take the long way.
    let other = UUID()

    init() throws {
        world = try IdentityWorld()
        try world.addTenant(other, "other")
        try world.files.administer(
            """
            INSERT INTO app.imports (tenant_id, id, trigger, mode, segment_ids, state)
            VALUES ($1::uuid, $2::uuid, 'manual', 'incremental', '{}', 'running')
            """, [other.uuidString, world.importID.uuidString])
        for tenant in [world.tenant, other] {
            try world.files.administer(
                """
                INSERT INTO app.delivery_endpoints (tenant_id, url, secret, enabled)
                VALUES ($1::uuid, 'https://example.com/', '\\x00', true)
                """, [tenant.uuidString])
        }
    }

    @Test("the same messy segment gives the same contacts, row by row", arguments: [1, 2, 3] as [UInt64])
    func sameOutcome(_ seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        // Three batches: the second and third meet people of the ones before.
        for batch in 0..<3 {
            let rows = Self.messyRows(400, batch: batch, &random)
            let short = try await take(rows, batch: batch, tenant: world.tenant, inBulk: true)
            let long = try await take(rows, batch: batch, tenant: other, inBulk: false)
            #expect(short.outcomes.count == long.outcomes.count)
            for (a, b) in zip(short.outcomes, long.outcomes) {
                #expect(a.contactID == b.contactID)
                #expect(a.action == b.action)
                #expect(a.linked == b.linked)
                #expect(a.notes == b.notes)
                #expect(a.conflictIDs.count == b.conflictIDs.count)
            }
            #expect(short.newConflicts == long.newConflicts)
            // Both ways were taken, and not only one of them.
            #expect(short.inserted > 50 && short.inserted < rows.count)
            #expect(long.inserted == 0)
            world.time.advance(by: .seconds(60))
        }
        for (name, sql) in Self.contents {
            let short = try rows(sql, world.tenant)
            let long = try rows(sql, other)
            #expect(!short.isEmpty || name == "merges", "\(name)")
            #expect(short == long, "\(name)")
        }
    }

    /// Everything that stitching writes, as text in a fixed order.
    private static let contents: [(String, String)] = [
        (
            "contacts",
            "SELECT (to_jsonb(x) - 'tenant_id')::text FROM app.contacts x WHERE tenant_id = $1::uuid ORDER BY id"
        ),
        (
            "identifiers",
            """
            SELECT (to_jsonb(x) - 'tenant_id')::text FROM app.contact_identifiers x WHERE tenant_id = $1::uuid
             ORDER BY contact_id, kind, value
            """
        ),
        (
            "members",
            """
            SELECT (to_jsonb(x) - 'tenant_id')::text FROM app.segment_members x WHERE tenant_id = $1::uuid
             ORDER BY segment_id, contact_id
            """
        ),
        (
            "conflicts",
            """
            SELECT (to_jsonb(x) - 'tenant_id' - 'id')::text AS t FROM app.identity_conflicts x WHERE tenant_id = $1::uuid
             ORDER BY 1
            """
        ),
        (
            "flags",
            "SELECT (to_jsonb(x) - 'tenant_id')::text FROM app.identifier_flags x WHERE tenant_id = $1::uuid ORDER BY 1"
        ),
        (
            "claims",
            "SELECT (to_jsonb(x) - 'tenant_id')::text FROM app.identifier_claims x WHERE tenant_id = $1::uuid ORDER BY 1"
        ),
        (
            "merges",
            """
            SELECT survivor_id || ' ' || loser_id || ' ' || reason || ' ' || moved FROM app.merges WHERE tenant_id = $1::uuid
             ORDER BY 1
            """
        ),
        (
            "deliveries",
            "SELECT contact_id || ' ' || type || ' ' || body FROM app.deliveries WHERE tenant_id = $1::uuid ORDER BY 1"
        ),
    ]

    private func rows(_ sql: String, _ tenant: UUID) throws -> [String?] {
        try world.files.administer(sql, [tenant.uuidString]).map { $0[0] }
    }

    private struct Taken {
        var outcomes: [StitchOutcome]
        var newConflicts: Int
        var inserted: Int
    }

    private func take(_ rows: [IncomingContact], batch: Int, tenant: UUID, inBulk: Bool) async throws -> Taken {
        let policy = IdentityPolicy()
        // The same ids on both sides, so that the tables can be compared as they stand.
        let prepared = rows.enumerated().map { index, row in
            PreparedRow(row, index: index, newID: Self.id(batch, index), policy: policy)
        }
        let source = StitchSource.emarsysImport(world.importID)
        let now = world.time.now()
        return try await world.database.transaction(.tenant(tenant)) { transaction in
            _ = try await transaction.batch([StitchStore.begin, StitchStore.lock(tenant, values: nil)])
            var stitching = StitchBatch(
                tenant: tenant, rows: prepared, source: source, policy: policy, now: now, suppressions: nil)
            stitching.insertsInBulk = inBulk
            try await stitching.findKnown(transaction)
            let outcomes = try await stitching.run(transaction)
            let inserted: Int64 = try await transaction.query(Query("SELECT count(*) FROM stitch_new"))[0].get(0)
            return Taken(outcomes: outcomes, newConflicts: stitching.newConflicts, inserted: Int(inserted))
        }
    }

    private static func id(_ batch: Int, _ index: Int) -> UUID {
        let b = UInt8(batch)
        return UUID(uuid: (1, 2, 3, 4, 5, b, 0x70, 0, 0x80, 0, 0, 0, 0, 0, UInt8(index >> 8), UInt8(index & 255)))
    }

    /// Rows as accounts have them: few ids and values, so that people meet; broken, missing, shared and misspelled ones.
    private static func messyRows(_ count: Int, batch: Int, _ random: inout SplitMix) -> [IncomingContact] {
        (0..<count).map { index in
            func often(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &random) < share }
            func number(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }
            let own = 1000 * (batch + 1) + index
            var row = IncomingContact(
                externalReferenceID: often(0.05) ? nil : String(often(0.1) ? number(2500) + 1000 : own))
            if often(0.75) {
                let line = often(0.15) ? number(600) : own
                switch number(20) {
                case 0: row.phone = "0151 \(1_000_000 + line)"
                case 1: row.phone = "12"
                case 2: row.phone = "+55 11 9\(87_000_000 + line)"
                case 3: row.phone = "+55 11 \(87_000_000 + line)"
                case 4: row.phone = "+4915100000999"
                default: row.phone = "+49 151 \(10_000_000 + line)"
                }
            }
            if often(0.8) {
                let name = often(0.15) ? number(600) : own
                row.email = often(0.05) ? "nobody@" : often(0.3) ? "User\(name)@Example.com" : "user\(name)@example.com"
            }
            let rules: [IncomingContact.Rule] = [.leave, .write, .fillBlank, .onCreation]
            row.firstName = .init(often(0.1) ? nil : "First\(number(9))", rules[number(4)])
            row.lastName = .init(often(0.1) ? nil : "Last\(number(9))", rules[number(4)])
            row.phoneRule = rules[number(4)]
            row.emailRule = rules[number(4)]
            if often(0.5) { row.custom.write = Array(#"{"city":"Tab\tand \\ back","points":\#(number(9))}"#.utf8) }
            if often(0.3) { row.custom.fillBlank = Array(#"{"city":"Bonn","size":\#(number(9))}"#.utf8) }
            if often(0.3) { row.custom.onCreation = Array(#"{"size":7,"born":"2001-02-03"}"#.utf8) }
            if often(0.1) { row.custom.clear = ["points"] }
            row.sourceHash = [UInt8(number(256)), 1, 2, 3]
            row.belongs = often(0.5) ? ["9001", "9002"] : ["9001"]
            row.entering = row.belongs
            return row
        }
    }
}
