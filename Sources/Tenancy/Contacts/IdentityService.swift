public import EventLoop
public import FoundationEssentials
import HTTP
public import JSON
public import Persistence

/// Merges and conflicts in the hands of people.
public struct IdentityService: Sendable {
    /// A merge as clients see it.
    public struct Merge: Sendable {
        let id: UUID
        let mergedAt: Timestamp
        /// As JSON.
        public let json: JSON
    }

    /// A conflict as clients see it.
    public struct Conflict: Sendable {
        let id: UUID
        let createdAt: Timestamp
        /// As JSON.
        public let json: JSON
    }

    private let database: Database
    private let contacts: ContactService
    private let time: any TimeSource

    /// A service over a database.
    public init(database: Database, time: any TimeSource) {
        self.database = database
        self.time = time
        contacts = ContactService(database: database)
    }

    /// Merges a contact into another one. Throws 404, 409 `cannot_merge`, 410, 422 `same_contact`.
    public func merge(_ other: UUID, into survivor: UUID, tenant: UUID, actor: String) async throws -> Contact {
        let survivor = try await contacts.find(tenant, survivor).id
        let other = try await contacts.find(tenant, other).id
        guard survivor != other else {
            throw Problem.invalid("same_contact", field: "contact_id", "is the same contact")
        }
        let now = time.now()
        _ = try await database.transaction(.tenant(tenant)) { transaction in
            _ = try await transaction.query(StitchStore.lock(tenant, values: nil))
            return try await merge(other, into: survivor, tenant: tenant, actor: actor, in: transaction, now: now)
        }
        return try await contacts.find(tenant, survivor)
    }

    private func merge(
        _ loser: UUID, into survivor: UUID, tenant: UUID, actor: String, in transaction: Transaction, now: Timestamp
    ) async throws {
        do {
            _ = try await transaction.query(
                StitchStore.merge(
                    tenant, survivor: survivor, loser: loser, reason: "manual", actor: actor, importID: nil, now: now))
        } catch  where error.sqlState == "55000" {
            throw Problem.conflict("cannot_merge", "One of the contacts was merged or erased meanwhile.")
        }
    }

    /// A page of merges, the latest first.
    public func merges(_ tenant: UUID, _ page: PageRequest) async throws -> Page<Merge> {
        let rows = try await database.run(.tenant(tenant), IdentityStore.merges(tenant, page))
        let now = time.now()
        return Page(fetched: try rows.map { try Self.merge($0, now: now) }, request: page) {
            PageCursor(time: $0.mergedAt, id: $0.id)
        }
    }

    private static func merge(_ row: Row, now: Timestamp) throws -> Merge {
        let mergedAt: Timestamp = try row.get(6)
        let undoneAt: Timestamp? = try row.get(7)
        let importID: UUID? = try row.get(5)
        let until = mergedAt + .seconds(30 * 86_400)
        let hasSnapshot: Bool = try row.get(9)
        return Merge(
            id: try row.get(0), mergedAt: mergedAt,
            json: [
                "id": .string(try row.get(0)), "survivor_id": .string(try row.get(1)),
                "loser_id": .string(try row.get(2)),
                "contact_id": .string(try row.get(1)), "reason": .string(try row.get(3)),
                "actor": .string(try row.get(4)),
                "import_id": importID.map { .string($0.uuidString.lowercased()) } ?? .null,
                "merged_at": .string(mergedAt.rfc3339), "undone_at": .optional(undoneAt?.rfc3339),
                "undone_by": .optional(try row.get(8, as: String?.self)),
                "undo_until": undoneAt == nil && hasSnapshot && until > now ? .string(until.rfc3339) : .null,
            ])
    }

    /// Undoes a merge within 30 days. Throws 404 `merge_not_found`, 409 `merge_already_undone`, `undo_too_late`,
    /// `merged_further`, 410 `contact_erased`.
    public func undo(_ merge: UUID, tenant: UUID, actor: String) async throws -> Merge {
        let now = time.now()
        let answer = try await database.transaction(.tenant(tenant)) { transaction -> String in
            _ = try await transaction.query(StitchStore.lock(tenant, values: nil))
            return try await transaction.query(IdentityStore.undo(tenant, merge, actor: actor, now: now))[0].get(0)
        }
        switch answer {
        case "undone": break
        case "already_undone": throw Problem.conflict("merge_already_undone", "The merge was undone before.")
        case "too_late": throw Problem.conflict("undo_too_late", "A merge can be undone for 30 days.")
        case "merged_further":
            throw Problem.conflict("merged_further", "Undo the later merge of this contact first.")
        case "erased": throw Problem.gone("contact_erased", "The contact was erased.")
        default: throw Problem.notFound("merge_not_found")
        }
        let rows = try await database.run(.tenant(tenant), IdentityStore.merge(tenant, merge))
        return try Self.merge(rows[0], now: now)
    }

    /// Takes a phone from its holder, because it belongs to somebody else by now: the holder's consent for it ends. `other`,
    /// if named, gets the phone.
    ///
    /// Throws 404 `contact_not_found`, 409 `phone_not_held`, 410 `contact_erased`, 422 `invalid_phone`, `same_contact`.
    public func releasePhone(_ raw: String, of contact: UUID, to other: UUID?, tenant: Tenant, actor: String)
        async throws -> Contact
    {
        guard case .success(let phone) = PhoneNumber.normalise(raw, defaultCountry: tenant.defaultCountry) else {
            throw Problem.invalid("invalid_phone", field: "phone", "is not a phone number with country code")
        }
        let holder = try await contacts.find(tenant.id, contact).id
        var target: UUID?
        if let other { target = try await contacts.find(tenant.id, other).id }
        guard target != holder else {
            throw Problem.invalid("same_contact", field: "contact_id", "is the same contact")
        }
        let now = time.now()
        let to = target
        let answer = try await database.transaction(.tenant(tenant.id)) { transaction -> String in
            _ = try await transaction.query(StitchStore.lock(tenant.id, values: nil))
            return try await transaction.query(
                IdentityStore.releasePhone(
                    tenant.id, contact: holder, phone: phone.value, to: to, actor: actor, now: now))[0].get(0)
        }
        switch answer {
        case "released": return try await contacts.find(tenant.id, holder)
        case "phone_not_held": throw Problem.conflict("phone_not_held", "The contact does not have this phone.")
        default: throw Problem.notFound("contact_not_found")
        }
    }

    /// A page of conflicts, the latest first.
    ///
    /// - Parameter status: `open`, `merged`, `not_same`; nil means all
    public func conflicts(_ tenant: UUID, status: String?, _ page: PageRequest) async throws -> Page<Conflict> {
        let rows = try await database.run(.tenant(tenant), IdentityStore.conflicts(tenant, status: status, page))
        return Page(fetched: try rows.map(Self.conflict), request: page) { PageCursor(time: $0.createdAt, id: $0.id) }
    }

    /// One conflict, open or resolved. Throws 404 `conflict_not_found`.
    public func conflict(_ id: UUID, tenant: UUID) async throws -> Conflict {
        let rows = try await database.run(.tenant(tenant), IdentityStore.conflict(tenant, id))
        guard let row = rows.first else { throw Problem.notFound("conflict_not_found") }
        return try Self.conflict(row)
    }

    private static func conflict(_ row: Row) throws -> Conflict {
        let people: [UUID] = try row.get(2)
        let values: [UInt8] = try row.get(3)
        let importID: UUID? = try row.get(5)
        let createdAt: Timestamp = try row.get(8)
        let resolvedAt: Timestamp? = try row.get(9)
        return Conflict(
            id: try row.get(0), createdAt: createdAt,
            json: [
                "id": .string(try row.get(0)), "code": .string(try row.get(1)),
                "contact_ids": .array(people.map { .string($0.uuidString.lowercased()) }),
                "values": (try? JSON.parse(values)) ?? .null, "source": .string(try row.get(4)),
                "import_id": importID.map { .string($0.uuidString.lowercased()) } ?? .null,
                "status": .string(try row.get(6)), "resolved_by": .optional(try row.get(7, as: String?.self)),
                "created_at": .string(createdAt.rfc3339), "resolved_at": .optional(resolvedAt?.rfc3339),
            ])
    }

    /// Resolves a conflict: `merge` makes its contacts one, `not_same` remembers that they are not.
    ///
    /// Throws 404 `conflict_not_found`, 409 `conflict_resolved`, `cannot_merge`, 422 `invalid_action`.
    public func resolve(_ conflict: UUID, action: String?, tenant: UUID, actor: String) async throws -> Conflict {
        guard let action, action == "merge" || action == "not_same" else {
            throw Problem.invalid("invalid_action", field: "action", "must be merge or not_same")
        }
        let now = time.now()
        try await database.transaction(.tenant(tenant)) { transaction in
            _ = try await transaction.query(StitchStore.lock(tenant, values: nil))
            guard let row = try await transaction.query(IdentityStore.lockedConflict(tenant, conflict)).first else {
                throw Problem.notFound("conflict_not_found")
            }
            guard try row.get(0, as: String.self) == "open" else {
                throw Problem.conflict("conflict_resolved", "The conflict was resolved before.")
            }
            let people = try await survivors(try row.get(1), tenant, transaction)
            if action == "not_same" {
                _ = try await transaction.query(
                    IdentityStore.notSame(
                        tenant, conflict: conflict, contacts: people.map(\.id), actor: actor, now: now))
                return
            }
            guard var survivor = people.first else {
                throw Problem.conflict("cannot_merge", "The contacts are not there any more.")
            }
            for other in people.dropFirst() {
                let (stays, goes) = IdentityDecision.survivor(survivor, other, preferred: nil)
                try await merge(goes.id, into: stays.id, tenant: tenant, actor: actor, in: transaction, now: now)
                survivor = stays
            }
            _ = try await transaction.query(IdentityStore.markMerged(tenant, conflict, actor: actor, now: now))
        }
        let rows = try await database.run(.tenant(tenant), IdentityStore.conflict(tenant, conflict))
        return try Self.conflict(rows[0])
    }

    private func survivors(_ ids: [UUID], _ tenant: UUID, _ transaction: Transaction) async throws -> [KnownContact] {
        var seen = Set<UUID>()
        var people: [KnownContact] = []
        for row in try await transaction.query(IdentityStore.survivors(tenant, ids)) {
            let id: UUID = try row.get(1)
            guard try !row.get(3, as: Bool.self), seen.insert(id).inserted else { continue }
            people.append(
                KnownContact(
                    id: id, externalID: try row.get(2), hasWhatsApp: try row.get(6), isProtected: try row.get(4),
                    createdAt: try row.get(5)))
        }
        return people
    }
}
