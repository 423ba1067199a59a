import EventLoop
import FoundationEssentials
import HTTP
import Persistence
import TestSupport
import Testing

@testable import Tenancy

/// Imports, webhooks, consents, merges, their undoing and conflicts, all at once over a small set of people who share
/// everything with everybody.
@Suite("Identity under concurrency", .serialized)
struct IdentityStressTests {
    let world: IdentityWorld
    let identities: IdentityService

    init() throws {
        world = try IdentityWorld()
        identities = IdentityService(database: world.database, time: world.time)
    }

    /// Numbers that are the same in every run.
    private struct Dice: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }

    private static func row(_ dice: inout Dice, id: Int? = nil) -> IncomingContact {
        let number = id ?? Int.random(in: 1...60, using: &dice)
        let phone = Bool.random(using: &dice) ? "+49151000001\(Int.random(in: 10...45, using: &dice))" : nil
        let email =
            Bool.random(using: &dice) || phone == nil ? "p\(Int.random(in: 1...40, using: &dice))@example.com" : nil
        return IdentityWorld.row(
            id == nil && Bool.random(using: &dice) ? nil : String(number), phone: phone, email: email,
            first: "N\(number % 3)")
    }

    /// As imports and event processing do: a race that the locks do not cover is tried again once.
    private func retried(_ body: () async throws -> Void) async throws {
        do { try await body() } catch let error as DatabaseError where error.isUniqueViolation || error.isRetryable {
            #expect(error.sqlState != "40P01", "a deadlock")
            try await body()
        }
    }

    private func anybody(_ dice: inout Dice) throws -> [UUID] {
        try world.files.administer(
            "SELECT id::text FROM app.contacts ORDER BY md5(id::text || $1) LIMIT 2", ["\(dice.next())"]
        )
        .compactMap { $0[0].flatMap { UUID(uuidString: $0) } }
    }

    private func act(_ kind: Int, _ dice: inout Dice) async throws {
        switch kind {
        case 0:
            // More rows than are locked one by one: the whole tenant is.
            var rows: [IncomingContact] = []
            for id in Array(1...60).shuffled(using: &dice).prefix(45) { rows.append(Self.row(&dice, id: id)) }
            for id in 61...90 { rows.append(Self.row(&dice, id: id)) }
            let batch = rows
            try await retried { try await world.take(batch) }
        case 1, 2:
            let rows = (0..<Int.random(in: 1...5, using: &dice)).map { _ in Self.row(&dice) }
            try await retried { try await world.take(rows, webhook: true) }
        case 3:
            let people = try anybody(&dice)
            guard people.count == 2 else { return }
            _ = try await identities.merge(people[1], into: people[0], tenant: world.tenant, actor: "stress")
        case 4:
            let merges = try await identities.merges(world.tenant, PageRequest(limit: 20)).items
            guard let merge = merges.randomElement(using: &dice) else { return }
            _ = try await identities.undo(merge.id, tenant: world.tenant, actor: "stress")
        case 5:
            let open = try await identities.conflicts(world.tenant, status: "open", PageRequest(limit: 50)).items
            guard let conflict = open.randomElement(using: &dice) else { return }
            let action = Bool.random(using: &dice) ? "merge" : "not_same"
            _ = try await identities.resolve(conflict.id, action: action, tenant: world.tenant, actor: "stress")
        default:
            guard let contact = try anybody(&dice).first else { return }
            let rows = try await world.database.run(.tenant(world.tenant), ContactStore.byID(world.tenant, contact))
            guard let row = rows.first, let phone: String = try row.get(3) else { return }
            _ = try await world.database.run(
                .tenant(world.tenant),
                Query(
                    "SELECT app.record_consent($1, $2, $3, 'whatsapp', $4, $5, 'test', NULL, NULL, 'stress', NULL, $5)",
                    [
                        .uuid(world.tenant), .uuid(try row.get(0)), .text(phone),
                        .text(Bool.random(using: &dice) ? "granted" : "withdrawn"), .timestamp(world.time.now()),
                    ]))
        }
    }

    @Test(
        "imports, webhooks, consents, merges and undoings at once: nobody deadlocks, nothing is owned twice, all agree")
    func everything() async throws {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for worker in 0..<8 {
                group.addTask { [self] in
                    var dice = Dice(state: UInt64(worker) &* 7_919 &+ 20_261_124)
                    var done = 0
                    for turn in 0..<25 {
                        do {
                            try await act(worker == 0 ? 0 : (turn + worker) % 7, &dice)
                            done += 1
                        } catch let problem as Problem {
                            // Somebody else was quicker.
                            #expect(problem.status.code < 500, "\(problem.code)")
                        }
                    }
                    return done
                }
            }
            var done = 0
            for try await count in group { done += count }
            #expect(done > 120)
        }
        #expect(try world.count() > 20)
        #expect(try Int(world.value("SELECT count(*)::text FROM app.merges") ?? "") ?? 0 > 10)
        for (name, sql) in Self.invariants { #expect(try world.value(sql) == "0", "\(name)") }
        // Nothing that is there stands in the way of the next import.
        let rows = (1...90).map { IdentityWorld.row("\($0)", email: "after\($0)@example.com") }
        #expect(try await world.take(rows).allSatisfy { $0.contactID != nil })
    }

    private static let invariants = [
        (
            "an active value has one owner",
            """
            SELECT count(*)::text FROM (SELECT 1 FROM app.contact_identifiers WHERE status = 'active'
             GROUP BY tenant_id, kind, value HAVING count(*) > 1) AS q
            """
        ),
        (
            "a merged contact owns nothing",
            """
            SELECT count(*)::text FROM app.contact_identifiers i JOIN app.contacts c ON c.id = i.contact_id
             WHERE i.status = 'active' AND c.merged_into IS NOT NULL
            """
        ),
        (
            "a tombstone leads to a survivor at once",
            """
            SELECT count(*)::text FROM app.contacts c LEFT JOIN app.contacts s ON s.id = c.merged_into
             WHERE c.merged_into IS NOT NULL AND (s.id IS NULL OR s.merged_into IS NOT NULL)
            """
        ),
        (
            "the phone that is shown is an active one of the contact",
            """
            SELECT count(*)::text FROM app.contacts c WHERE c.phone IS NOT NULL AND NOT EXISTS (
             SELECT 1 FROM app.contact_identifiers i WHERE i.contact_id = c.id AND i.kind = 'phone' AND i.value = c.phone
                AND i.status = 'active')
            """
        ),
        (
            "the e-mail that is shown is an active one of the contact",
            """
            SELECT count(*)::text FROM app.contacts c WHERE c.email IS NOT NULL AND NOT EXISTS (
             SELECT 1 FROM app.contact_identifiers i WHERE i.contact_id = c.id AND i.kind = 'email'
                AND i.value = lower(c.email) AND i.status = 'active')
            """
        ),
        (
            "whoever has active phones shows one",
            """
            SELECT count(*)::text FROM app.contacts c WHERE c.phone IS NULL AND EXISTS (
             SELECT 1 FROM app.contact_identifiers i WHERE i.contact_id = c.id AND i.kind = 'phone' AND i.status = 'active')
            """
        ),
        (
            "the Emarsys id that is shown is an active one of the contact",
            """
            SELECT count(*)::text FROM app.contacts c WHERE c.external_reference_id IS NOT NULL AND NOT EXISTS (
             SELECT 1 FROM app.contact_identifiers i WHERE i.contact_id = c.id AND i.kind = 'emarsys_contact_id'
                AND i.value = c.external_reference_id AND i.status = 'active')
            """
        ),
        (
            "one phone and one e-mail are primary",
            """
            SELECT count(*)::text FROM (SELECT 1 FROM app.contact_identifiers WHERE status = 'active' AND is_primary
             AND kind IN ('phone', 'email') GROUP BY contact_id, kind HAVING count(*) > 1) AS q
            """
        ),
        (
            "consents hang on contacts that are there",
            """
            SELECT count(*)::text FROM app.consents k JOIN app.contacts c ON c.id = k.contact_id WHERE c.merged_into IS NOT NULL
            """
        ),
        (
            "what contacts, deliveries and the ledger say of an opt-in is the same",
            """
            SELECT count(*)::text FROM app.contacts c
              LEFT JOIN app.opt_in_states(c.tenant_id, ARRAY[c.id]) s ON true
              JOIN app.contact_summaries(c.tenant_id, ARRAY[c.id]) d ON true
             WHERE c.merged_into IS NULL
               AND (c.opt_in IS DISTINCT FROM s.status OR c.opt_in IS DISTINCT FROM d.opt_in
                    OR c.opt_in IS DISTINCT FROM d.summary ->> 'opt_in')
            """
        ),
        (
            "a pair that was declared not the same is not merged by a row",
            """
            SELECT count(*)::text FROM app.merges m JOIN app.not_same n
                ON n.contact_a = least(m.survivor_id, m.loser_id) AND n.contact_b = greatest(m.survivor_id, m.loser_id)
             WHERE m.reason = 'stitching' AND m.merged_at > n.decided_at AND m.undone_at IS NULL
            """
        ),
    ]
}
