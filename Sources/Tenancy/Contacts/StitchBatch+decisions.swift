import EventLoop
import FoundationEssentials
import JSON
import Persistence

extension StitchBatch {
    /// How many rows are looked at in one round.
    private static let roundSize = 500

    /// Decides the rows that the plain statements left behind: in rounds of rows that have nothing in common, so that each
    /// sees what the ones before it did.
    mutating func decide(_ slow: Set<Int>, _ transaction: Transaction) async throws {
        var remaining = slow.sorted()
        while !remaining.isEmpty {
            for index in remaining { applyFlags(at: index) }
            let candidates = remaining.prefix(Self.roundSize).map { rows[$0] }
            let facts = try await facts(of: candidates, transaction)
            var round = DecisionRound()
            for row in candidates {
                guard let rowFacts = facts[row.index], round.takes(row, rowFacts) else { continue }
                let decision = IdentityDecision.decide(rowFacts, policy: policy)
                rows[row.index].notes += decision.notes
                round.add(row, rowFacts, decision)
            }
            let left = Set(try await carryOut(round, transaction))
            let before = remaining.count
            remaining = remaining.filter(left.contains)
            guard remaining.count < before else {
                throw StitchingFault()
            }
        }
    }

    private func facts(of candidates: [PreparedRow], _ transaction: Transaction) async throws -> [Int: IdentityFacts] {
        var facts: [Int: IdentityFacts] = [:]
        for row in candidates {
            var value = IdentityFacts(
                origin: source.origin, externalID: row.externalID, phone: row.phone?.value, email: row.email?.value)
            value.phoneIsWeak = row.phoneIsWeak
            facts[row.index] = value
        }
        var byVariant: [Int: (KnownContact, String)] = [:]
        for row in try await transaction.query(StitchStore.facts(tenant, candidates)) {
            let index: Int = try row.get(0)
            let contact = KnownContact(
                id: try row.get(3), externalID: try row.get(4), firstName: try row.get(5), lastName: try row.get(6),
                phoneCount: try row.get(7), emailCount: try row.get(8), hasWhatsApp: try row.get(9),
                isProtected: try row.get(10), createdAt: try row.get(11))
            switch try row.get(1, as: String.self) {
            case "e": facts[index]?.byExternalID = contact
            case "p": facts[index]?.byPhone = contact
            case "m": facts[index]?.byEmail = contact
            default: byVariant[index] = (contact, try row.get(2))
            }
        }
        for (index, (contact, spelling)) in byVariant where facts[index]?.byPhone == nil {
            // The same line, spelled as it is stored.
            facts[index]?.byPhone = contact
            facts[index]?.phone = spelling
        }
        let pairs = facts.values.map { [$0.byExternalID, $0.byPhone, $0.byEmail].compactMap(\.?.id) }
        let several = Set(pairs.filter { Set($0).count > 1 }.joined())
        guard !several.isEmpty else { return facts }
        var notSame = Set<ContactPair>()
        for row in try await transaction.query(StitchStore.notSame(tenant, contacts: Array(several))) {
            notSame.insert(ContactPair(try row.get(0), try row.get(1)))
        }
        if !notSame.isEmpty { for index in facts.keys { facts[index]?.notSame = notSame } }
        return facts
    }

    /// Answers the rows that are left.
    private mutating func carryOut(_ round: DecisionRound, _ transaction: Transaction) async throws -> [Int] {
        for merge in round.merges {
            losers[merge.row] = merge.loser
            _ = try await transaction.query(
                StitchStore.merge(
                    tenant, survivor: merge.survivor, loser: merge.loser, reason: "stitching", actor: source.name,
                    importID: source.importID, now: now))
        }
        if !round.respelled.isEmpty {
            _ = try await transaction.query(
                StitchStore.respell(round.respelled.map(\.row), phones: round.respelled.map(\.phone)))
        }
        for (index, code) in round.rejected { early[index] = StitchOutcome(action: .rejected(code)) }
        let left: [Int32] = try await transaction.query(
            StitchStore.decided(
                tenant, round.decided, dropped: round.rejected.map(\.0), source: source.name, now: now))[0].get(0)
        if source.importID != nil, !round.claims.isEmpty { try await claim(round.claims, transaction) }
        if !round.conflicts.isEmpty {
            let parked = try await transaction.query(
                StitchStore.park(
                    tenant, .array(round.conflicts), source: source.name, importID: source.importID, now: now))
            for row in parked {
                guard let id: UUID = try row.get(1) else { continue }
                conflicts[try row.get(0), default: []].append(id)
                newConflicts += 1
            }
        }
        return left.map(Int.init)
    }
}

/// Rows that are decided together because they have nothing in common.
private struct DecisionRound {
    var decided: [DecidedRow] = []
    var rejected: [(Int, String)] = []
    var merges: [(row: Int, survivor: UUID, loser: UUID)] = []
    var respelled: [(row: Int, phone: String)] = []
    var claims: [ValueClaim] = []
    var conflicts: [JSON] = []
    private var contacts = Set<UUID>()
    private var values = Set<String>()

    /// Whether the row can be decided now. If not, later rows that have something in common with it wait too.
    mutating func takes(_ row: PreparedRow, _ facts: IdentityFacts) -> Bool {
        let ids = [facts.byExternalID, facts.byPhone, facts.byEmail].compactMap(\.?.id)
        var own = row.lockValues
        if let phone = facts.phone { own.append("p" + phone) }
        own += (row.phone?.variants ?? []).map { "p" + $0 }
        let isFree = contacts.isDisjoint(with: ids) && values.isDisjoint(with: own)
        contacts.formUnion(ids)
        values.formUnion(own)
        return isFree
    }

    mutating func add(_ row: PreparedRow, _ facts: IdentityFacts, _ decision: IdentityDecision) {
        var known = facts.byExternalID?.id
        var isForced = false
        var created: UUID?
        switch decision.action {
        case .create(let evenWithoutContactData):
            isForced = evenWithoutContactData
            created = row.newID
        case .update: break
        case .merge(let survivor, let loser):
            merges.append((row.index, survivor, loser))
            if known != nil { known = survivor }
        case .reject(let code): rejected.append((row.index, code))
        }
        if case .reject = decision.action {
        } else {
            decided.append(
                DecidedRow(
                    index: row.index, keepsExternalID: decision.keepsExternalID,
                    keepsPhone: decision.keepsPhone && facts.phone != nil && (row.phone != nil),
                    keepsEmail: decision.keepsEmail && row.email != nil, known: known, isForced: isForced))
            if let phone = facts.phone, let own = row.phone?.value, phone != own {
                respelled.append((row.index, phone))
            }
        }
        guard let conflict = decision.conflict else { return }
        claim(row, facts, decision)
        var people = conflict.contacts
        if let created { people.append(created) }
        conflicts.append([
            "n": .number(JSONNumber(Int64(row.index))), "code": .string(conflict.code),
            "contacts": .array(people.map { .string($0.uuidString.lowercased()) }),
            "values": .object(ConflictValues.object(row)),
        ])
    }

    /// Notes that several Emarsys ids claim the value: the way to becoming shared.
    private mutating func claim(_ row: PreparedRow, _ facts: IdentityFacts, _ decision: IdentityDecision) {
        guard let id = facts.externalID else { return }
        if !decision.keepsPhone, let phone = row.phone?.value, let holder = facts.byPhone?.externalID {
            claims.append(ValueClaim(kind: .phone, value: phone, externalID: id))
            claims.append(ValueClaim(kind: .phone, value: phone, externalID: holder))
        }
        if !decision.keepsEmail, let email = row.email?.value, let holder = facts.byEmail?.externalID {
            claims.append(ValueClaim(kind: .email, value: email, externalID: id))
            claims.append(ValueClaim(kind: .email, value: email, externalID: holder))
        }
    }
}

/// The values that a conflict is about, as clients see them.
enum ConflictValues {
    static func object(_ row: PreparedRow) -> JSONObject {
        var values: JSONObject = [:]
        if let id = row.externalID { values["external_reference_id"] = .string(id) }
        if let phone = row.phone { values["phone"] = .string(phone.value) }
        if let email = row.email { values["email"] = .string(email.shown) }
        return values
    }
}

/// A round of decisions that left every row undecided: a fault of ours, never of the input.
struct StitchingFault: Error {}
