import FoundationEssentials

extension IdentityDecision {
    /// Whether two contacts may become one without asking a person.
    static func isCompatible(_ a: KnownContact, _ b: KnownContact, _ facts: IdentityFacts, _ policy: IdentityPolicy)
        -> Bool
    {
        if policy.autoMerge == .never { return false }
        // Two Emarsys ids are two people in Emarsys.
        if Set([a.externalID, b.externalID, facts.externalID].compactMap { $0 }).count > 1 { return false }
        if a.isProtected || b.isProtected { return false }
        if facts.notSame.contains(ContactPair(a.id, b.id)) { return false }
        if facts.phoneIsWeak { return false }
        if policy.autoMerge == .always { return true }
        let phones = a.phoneCount + b.phoneCount + (facts.phone != nil && facts.byPhone == nil ? 1 : 0)
        let emails = a.emailCount + b.emailCount + (facts.email != nil && facts.byEmail == nil ? 1 : 0)
        if phones > IdentityPolicy.mostOfAKind || emails > IdentityPolicy.mostOfAKind { return false }
        return !namesContradict(a, b)
    }

    /// Whether both first and last names are known and differ.
    static func namesContradict(_ a: KnownContact, _ b: KnownContact) -> Bool {
        guard let firstA = folded(a.firstName), let firstB = folded(b.firstName), let lastA = folded(a.lastName),
            let lastB = folded(b.lastName)
        else { return false }
        return firstA != firstB && lastA != lastB
    }

    private static func folded(_ name: String?) -> String? {
        guard let name, !name.isEmpty else { return nil }
        var scalars = String.UnicodeScalarView()
        // Letters and digits without case and accents: José and JOSE are one name.
        for scalar in name.lowercased().decomposed
        where scalar.properties.isAlphabetic || scalar.properties.numericType != nil {
            if scalar.properties.canonicalCombiningClass == .notReordered { scalars.append(scalar) }
        }
        return scalars.isEmpty ? nil : String(scalars)
    }

    /// Which of two contacts stays: the one with a WhatsApp conversation or consent, else the one with an Emarsys id, else the
    /// preferred one, else the older.
    static func survivor(_ a: KnownContact, _ b: KnownContact, preferred: KnownContact?) -> (KnownContact, KnownContact)
    {
        if a.hasWhatsApp != b.hasWhatsApp { return a.hasWhatsApp ? (a, b) : (b, a) }
        if (a.externalID != nil) != (b.externalID != nil) { return a.externalID != nil ? (a, b) : (b, a) }
        if let preferred { return preferred.id == a.id ? (a, b) : (b, a) }
        if a.createdAt != b.createdAt { return a.createdAt < b.createdAt ? (a, b) : (b, a) }
        return a.id.uuidString < b.id.uuidString ? (a, b) : (b, a)
    }
}
