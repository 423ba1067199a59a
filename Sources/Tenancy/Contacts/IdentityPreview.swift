public import EventLoop
import FoundationEssentials
public import JSON
public import Persistence

/// What other rules of identity would have meant, without changing anything: for the last thousand open conflicts and
/// merges, and for the phones that imports dropped in the last 14 days.
public struct IdentityPreview: Sendable {
    private let database: Database
    private let time: any TimeSource

    /// A preview over a database.
    public init(database: Database, time: any TimeSource) {
        self.database = database
        self.time = time
    }

    /// The report of a change from the rules in force to `policy`.
    public func report(_ tenant: Tenant, _ policy: IdentityPolicy) async throws -> JSON {
        let current = IdentityPolicy(tenant.settings, defaultCountry: tenant.defaultCountry)
        let conflicts = try await openConflicts(tenant.id)
        let merges = try await recentMerges(tenant.id)
        let wouldMerge = conflicts.filter {
            !IdentityDecision.isCompatible($0.one, $0.other, $0.facts, current)
                && IdentityDecision.isCompatible($0.one, $0.other, $0.facts, policy)
        }
        let wouldPark = merges.filter { !IdentityDecision.isCompatible($0.one, $0.other, $0.facts, policy) }
        let dropped = try await phones(tenant.id, policy)
        let counts = try await database.run(
            .tenant(tenant.id),
            IdentityPreviewStore.counts(
                tenant.id, phones: Array(policy.blockedPhones.subtracting(current.blockedPhones)),
                emails: Array(policy.blockedEmails.subtracting(current.blockedEmails))))
        let numbers: [Int] = try (0..<4).map { try counts[0].get($0) }
        return [
            "rules": IdentityRules.json(policy), "existing_contacts_changed": 0,
            "auto_merge": [
                "open_conflicts": .int(conflicts.count), "would_merge": .int(wouldMerge.count),
                "conflict_ids": Self.ids(wouldMerge.map(\.id)), "recent_merges": .int(merges.count),
                "would_be_parked": .int(wouldPark.count), "merge_ids": Self.ids(wouldPark.map(\.id)),
            ],
            "default_country": [
                "dropped_phones": .int(dropped.all), "would_be_usable": .int(dropped.usable),
                "held_by_another_contact": .int(dropped.held),
                "phones_with_assumed_country": .int(numbers[0]),
            ],
            "only_valid_phone": ["contacts_without_phone": .int(numbers[1])],
            "blocked": ["phones_in_use": .int(numbers[2]), "emails_in_use": .int(numbers[3])],
        ]
    }

    private static func ids(_ ids: [UUID]) -> JSON {
        .array(ids.prefix(20).map { .string($0.uuidString.lowercased()) })
    }

    private struct Pair {
        var id: UUID
        var one: KnownContact
        var other: KnownContact
        var facts: IdentityFacts
    }

    private func openConflicts(_ tenant: UUID) async throws -> [Pair] {
        var people: [UUID: [KnownContact]] = [:]
        var facts: [UUID: IdentityFacts] = [:]
        for row in try await database.run(.tenant(tenant), IdentityPreviewStore.openConflicts(tenant)) {
            let id: UUID = try row.get(0)
            facts[id] = IdentityFacts(origin: .emarsysImport, externalID: try row.get(1))
            people[id, default: []].append(
                KnownContact(
                    id: try row.get(2), externalID: try row.get(3), firstName: try row.get(4), lastName: try row.get(5),
                    phoneCount: try row.get(6), emailCount: try row.get(7), isProtected: try row.get(8),
                    createdAt: try row.get(9)))
        }
        return people.compactMap { id, people in
            guard people.count == 2, people[0].id != people[1].id, let facts = facts[id] else { return nil }
            return Pair(id: id, one: people[0], other: people[1], facts: facts)
        }
    }

    private func recentMerges(_ tenant: UUID) async throws -> [Pair] {
        let since = time.now() - .seconds(2_592_000 as Int64)
        return try await database.run(.tenant(tenant), IdentityPreviewStore.recentMerges(tenant, since: since)).map {
            row in
            func contact(_ at: Int) throws -> KnownContact {
                KnownContact(
                    id: try row.get(at), externalID: try row.get(at + 1), firstName: try row.get(at + 2),
                    lastName: try row.get(at + 3), phoneCount: try row.get(at + 4), emailCount: try row.get(at + 5),
                    createdAt: Timestamp(seconds: 0))
            }
            return Pair(
                id: try row.get(0), one: try contact(1), other: try contact(7),
                facts: IdentityFacts(origin: .emarsysImport))
        }
    }

    /// Phones that imports dropped for want of a country code, and what the new rules make of them.
    private func phones(_ tenant: UUID, _ policy: IdentityPolicy) async throws -> (all: Int, usable: Int, held: Int) {
        var owners: [String: UUID?] = [:]
        var all = 0
        for row in try await database.run(.tenant(tenant), IdentityPreviewStore.droppedPhones(tenant)) {
            all += 1
            let raw: String = try row.get(0)
            guard
                case .success(let phone) = PhoneNumber.normalise(
                    raw, defaultCountry: policy.defaultCountry, blocked: policy.blockedPhones)
            else { continue }
            owners[phone.value] = .some(try row.get(1))
        }
        var held = 0
        for row in try await database.run(
            .tenant(tenant), IdentityPreviewStore.holders(tenant, phones: Array(owners.keys)))
        {
            let holder: UUID = try row.get(1)
            if let owner = owners[try row.get(0)], owner != holder { held += 1 }
        }
        return (all, owners.count, held)
    }
}
