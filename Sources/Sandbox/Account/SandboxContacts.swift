/// The contacts of a simulated account, each computed from the seed when it is asked for.
///
/// Half a million contacts take no memory: a contact is an index, its values are functions of seed, index and field.
/// About one in a hundred has what real accounts have: blanks, phones in odd formats, e-mails in capitals, a phone or
/// e-mail shared with the contact before it.
struct SandboxContacts: Sendable {
    /// The contact of index 0 has this id.
    static let firstID = 700_000_001

    let seed: UInt64
    /// How many contacts the account holds.
    let count: Int
    let sharedPerMille: Int
    /// Waves of change: each alters some fields of some contacts.
    var churns: [Churn] = []

    /// A wave of change.
    struct Churn: Sendable {
        var seed: UInt64
        var perMille: Int
        var fields: Set<Int>
    }

    /// Contacts that exist only in the segment that is too large to be imported follow the others.
    var virtualCount: Int { max(count, 600_000) }

    func index(ofID text: String) -> Int? {
        guard let id = Int(text), id >= SandboxContacts.firstID else { return nil }
        return id - SandboxContacts.firstID
    }

    /// A well mixed number for a contact and a purpose.
    func dice(_ index: Int, _ purpose: Int) -> UInt64 {
        var z = seed &+ UInt64(bitPattern: Int64(index)) &* 0x9E37_79B9_7F4A_7C15
        z = z &+ UInt64(bitPattern: Int64(purpose)) &* 0xD1B5_4A32_D192_ED03
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// `dice` below `sides`.
    func roll(_ index: Int, _ purpose: Int, _ sides: UInt64) -> Int { Int(dice(index, purpose) % sides) }

    /// How often waves of change have hit a field of a contact.
    func age(_ index: Int, _ field: Int) -> Int {
        if churns.isEmpty { return 0 }
        return churns.count { churn in
            guard churn.fields.contains(field) else { return false }
            let z = dice(index, Int(truncatingIfNeeded: churn.seed))
            return Int(z % 1000) < churn.perMille
        }
    }

    /// The index whose phone (37) or e-mail (3) this contact has: its own, or that of the one before.
    func owner(_ index: Int, _ field: Int) -> Int {
        index % 2 == 1 && roll(index, 9000 + field, 1000) < sharedPerMille * 2 ? index - 1 : index
    }
}
