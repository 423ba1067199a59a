import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// One batch on its way through the database. The caller holds the stitching lock.
struct StitchBatch {
    let tenant: UUID
    var rows: [PreparedRow]
    let source: StitchSource
    let policy: IdentityPolicy
    let now: Timestamp
    let suppressions: SuppressionKey?
    /// Rows that end before the database sees them.
    var early: [Int: StitchOutcome] = [:]
    /// Values that identify nobody, with their status.
    var flags: [ValueClaim.Kind: [String: String]] = [:]
    var losers: [Int: UUID] = [:]
    var conflicts: [Int: [UUID]] = [:]
    var newConflicts = 0
    /// Whether rows of people whom nobody knows may be inserted in bulk; the outcome is the same either way.
    var insertsInBulk: Bool

    init(
        tenant: UUID, rows: [PreparedRow], source: StitchSource, policy: IdentityPolicy, now: Timestamp,
        suppressions: SuppressionKey?
    ) {
        self.tenant = tenant
        self.rows = rows
        self.source = source
        self.policy = policy
        self.now = now
        self.suppressions = suppressions
        insertsInBulk = rows.count > Stitching.mostLockedRows
    }

    private var isImport: Bool { source.importID != nil }

    /// Looks up the holders of the rows' Emarsys ids, for batches whose caller has not.
    mutating func findKnown(_ transaction: Transaction) async throws {
        let withID = rows.indices.filter { rows[$0].externalID != nil }
        if withID.isEmpty { return }
        let answer = try await transaction.query(
            StitchStore.knownSources(
                tenant, ids: withID.compactMap { rows[$0].externalID },
                hashes: [[UInt8]?](repeating: nil, count: withID.count)))
        let contacts: [UUID?] = try answer[0].get(1)
        for (index, contact) in zip(withID, contacts) { rows[index].known = contact }
    }

    /// Takes the batch through; answers what became of each row, in their order.
    mutating func run(_ transaction: Transaction) async throws -> [StitchOutcome] {
        try await suppress(transaction)
        if isImport, policy.onlyValidPhone {
            for row in rows where row.phone == nil && early[row.index] == nil {
                early[row.index] = StitchOutcome(action: .skipped("no_valid_phone"))
            }
        }
        try await quarantine(transaction)
        try await readFlags(transaction)
        for index in rows.indices { applyFlags(at: index) }
        try await markOverlaps(transaction)
        let fresh = try await insertNew(transaction)
        let staged = rows.filter { early[$0.index] == nil && !fresh.contains($0.index) }
        if !staged.isEmpty {
            try await copy(staged, transaction)
            let answer = try await transaction.query(StitchStore.staged(tenant, source: source.name, now: now))
            let slow: [Int32] = try answer[0].get(0)
            try await decide(Set(slow.map(Int.init)), transaction)
        }
        return try await outcomes(fresh, transaction)
    }

    private mutating func outcomes(_ fresh: Set<Int>, _ transaction: Transaction) async throws -> [StitchOutcome] {
        let reason = isImport ? "import" : "webhook"
        let answers = try await transaction.batch([
            StitchStore.outcomes, StitchStore.finish(tenant, reason: reason, now: now),
        ])
        var result = rows.map { early[$0.index] ?? StitchOutcome(action: .rejected("no_usable_identifier")) }
        for index in fresh {
            result[index] = StitchOutcome(contactID: rows[index].newID, action: .created)
            result[index].linked = rows[index].externalID != nil
        }
        for row in answers[0] {
            let index: Int = try row.get(0)
            let action: String = try row.get(1)
            var outcome = StitchOutcome(
                contactID: try row.get(2),
                action: action == "created" ? .created : action == "updated" ? .updated : .unchanged)
            if action == "rejected" { outcome.action = .rejected("no_usable_identifier") }
            outcome.linked = try row.get(3)
            result[index] = outcome
        }
        for (index, loser) in losers { result[index].action = .merged(loser: loser) }
        for index in rows.indices where !rows[index].notes.isEmpty {
            result[rows[index].index].notes = rows[index].notes
        }
        for (index, ids) in conflicts { result[index].conflictIDs = ids }
        return result
    }

    // MARK: What takes part

    /// Leaves out people who were erased.
    private mutating func suppress(_ transaction: Transaction) async throws {
        guard let suppressions else { return }
        let hashes = rows.map { suppressions.hashes(of: $0) }
        if isImport, policy.recreatesDeleted {
            _ = try await transaction.query(SuppressionStore.liftDeleted(tenant, hashes.flatMap(\.all)))
        }
        let found = try await transaction.query(SuppressionStore.find(tenant, hashes.flatMap(\.all)))
        if found.isEmpty { return }
        var suppressed = Set<[UInt8]>()
        for row in found { suppressed.insert(try row.get(0)) }
        for index in rows.indices {
            let hash = hashes[index]
            let id = hash.externalID.map(suppressed.contains) ?? false
            let phone = hash.phone.map(suppressed.contains) ?? false
            let email = hash.email.map(suppressed.contains) ?? false
            guard id || phone || email else { continue }
            if rows[index].known == nil {
                early[rows[index].index] = StitchOutcome(action: .skipped("suppressed"))
            } else {
                // A known person shows a value of an erased one: it is left out.
                if phone { rows[index].phone = nil }
                if email { rows[index].email = nil }
                rows[index].notes.append("suppressed")
            }
        }
    }

    /// A value of many Emarsys ids in one batch of an import, such as a shop's own number: the guard against mass merges.
    private mutating func quarantine(_ transaction: Transaction) async throws {
        guard isImport else { return }
        var owners: [ValueClaim.Kind: [String: Int]] = [.phone: [:], .email: [:]]
        for index in rows.indices where rows[index].externalID != nil {
            if index % 1000 == 999 { await Task.yield() }
            if let phone = rows[index].phone { owners[.phone]?[phone.value, default: 0] += 1 }
            if let email = rows[index].email { owners[.email]?[email.value, default: 0] += 1 }
        }
        var claims: [ValueClaim] = []
        for (kind, counts) in owners {
            for (value, count) in counts where count > IdentityPolicy.quarantineAbove {
                let claimants = rows.lazy.filter {
                    (kind == .phone ? $0.phone?.value : $0.email?.value) == value && $0.externalID != nil
                }
                for row in claimants.prefix(IdentityPolicy.quarantineAbove + 1) {
                    if let id = row.externalID { claims.append(ValueClaim(kind: kind, value: value, externalID: id)) }
                }
                flags[kind, default: [:]][value] = "quarantined"
            }
        }
        if !claims.isEmpty { try await claim(claims, transaction) }
    }

    private mutating func readFlags(_ transaction: Transaction) async throws {
        let answer = try await transaction.query(
            StitchStore.flagged(
                tenant, phones: rows.compactMap(\.phone?.value), emails: rows.compactMap(\.email?.value)))
        var claims: [ValueClaim] = []
        for row in answer {
            guard let kind = ValueClaim.Kind(rawValue: try row.get(0)) else { continue }
            flags[kind, default: [:]][try row.get(1)] = try row.get(2, as: String.self)
        }
        guard isImport, !answer.isEmpty else { return }
        for row in rows {
            guard let id = row.externalID else { continue }
            if let phone = row.phone, flags[.phone]?[phone.value] == "shared" {
                claims.append(ValueClaim(kind: .phone, value: phone.value, externalID: id))
            }
            if let email = row.email, flags[.email]?[email.value] == "shared" {
                claims.append(ValueClaim(kind: .email, value: email.value, externalID: id))
            }
        }
        if !claims.isEmpty { try await claim(claims, transaction) }
    }

    mutating func claim(_ claims: [ValueClaim], _ transaction: Transaction) async throws {
        let changed = try await transaction.query(
            StitchStore.claim(tenant, claims, importID: source.importID, now: now))
        for row in changed {
            guard let kind = ValueClaim.Kind(rawValue: try row.get(0)) else { continue }
            flags[kind, default: [:]][try row.get(1)] = try row.get(2, as: String.self)
        }
    }

    /// Shared and quarantined values identify nobody in imports; a webhook's shared phone still leads to its holder.
    mutating func applyFlags(at index: Int) {
        // In place: a row passed on as `inout` beside `self` would copy all rows for each of them.
        if let phone = rows[index].phone, let status = flags[.phone]?[phone.value] {
            if isImport || status != "shared" {
                rows[index].phone = nil
                rows[index].notes.append("phone_" + status)
            } else if !rows[index].phoneIsWeak {
                rows[index].phoneIsWeak = true
                rows[index].isSlow = true
            }
        }
        if let email = rows[index].email, let status = flags[.email]?[email.value] {
            rows[index].email = nil
            rows[index].notes.append("email_" + status)
        }
    }

    /// Rows that share an identifier within the batch, and rows with another spelling of a stored phone, are decided one by one.
    private mutating func markOverlaps(_ transaction: Transaction) async throws {
        var ids: [String: Int] = [:]
        var phones: [String: Int] = [:]
        var emails: [String: Int] = [:]
        var variants: [String: [Int]] = [:]
        if insertsInBulk {
            ids.reserveCapacity(rows.count)
            phones.reserveCapacity(rows.count)
            emails.reserveCapacity(rows.count)
        }
        func note(_ value: String?, _ index: Int, _ seen: inout [String: Int], _ rows: inout [PreparedRow]) {
            guard let value else { return }
            if let other = seen.updateValue(index, forKey: value) {
                rows[other].isSlow = true
                rows[index].isSlow = true
            }
        }
        for index in rows.indices where early[rows[index].index] == nil {
            if index % 500 == 499 { await Task.yield() }
            note(rows[index].externalID, index, &ids, &rows)
            note(rows[index].phone?.value, index, &phones, &rows)
            note(rows[index].email?.value, index, &emails, &rows)
            if rows[index].phoneIsWeak { rows[index].isSlow = true }
            for variant in rows[index].phone?.variants ?? [] { variants[variant, default: []].append(index) }
        }
        for (variant, indexes) in variants {
            if let other = phones[variant] { for index in indexes + [other] { rows[index].isSlow = true } }
        }
        guard insertsInBulk else {
            if variants.isEmpty { return }
            for row in try await transaction.query(ContactStore.heldPhones(tenant, Array(variants.keys))) {
                for index in variants[try row.get(0)] ?? [] { rows[index].isSlow = true }
            }
            return
        }
        let held = try await transaction.query(
            StitchStore.held(tenant, phones: Array(phones.keys) + Array(variants.keys), emails: Array(emails.keys)))
        for row in held {
            let value: String = try row.get(1)
            if try row.get(0, as: String.self) == "email" {
                if let index = emails[value] { rows[index].isHeld = true }
            } else {
                if let index = phones[value] { rows[index].isHeld = true }
                for index in variants[value] ?? [] { rows[index].isSlow = true }
            }
        }
    }
}
