public import FoundationEssentials

/// What becomes of one row: the decision table of identity, as a pure value.
///
/// The Emarsys id ranks above the phone, the phone above the e-mail: WhatsApp, conversation and consent hang on the phone.
///
///     nobody known ─▶ create │ one contact ─▶ update │ two, compatible ─▶ merge, then update
///     two, not compatible, or three ─▶ update the highest-ranking one, park a conflict
public struct IdentityDecision: Sendable, Hashable {
    /// What is done.
    public enum Action: Sendable, Hashable {
        /// A new contact with the identifiers kept. `evenWithoutContactData`: the Emarsys id alone is enough.
        case create(evenWithoutContactData: Bool)
        /// The contact takes the row's fields and the identifiers kept.
        case update(UUID)
        /// The loser becomes part of the survivor, which then takes the row's fields and the identifiers kept.
        case merge(survivor: UUID, loser: UUID)
        /// Nothing is written; kept with its reason.
        case reject(code: String)
    }

    /// A conflict for a person to resolve.
    public struct Conflict: Sendable, Hashable {
        /// `external_id_mismatch`, `phone_email_mismatch`, `phone_owned_by_other`, `email_owned_by_other` or `three_way`.
        public var code: String
        /// The contacts concerned, the one that took the row first; without the one the row creates.
        public var contacts: [UUID]
    }

    /// What is done.
    public var action: Action
    /// Whether the row's Emarsys id is attached or stays attached.
    public var keepsExternalID = true
    /// Whether the row's phone takes part.
    public var keepsPhone = true
    /// Whether the row's e-mail takes part.
    public var keepsEmail = true
    /// A conflict to park.
    public var conflict: Conflict?
    /// What else is worth knowing: `too_many_phones`, `too_many_emails`, `known_not_same`, `weak_phone`.
    public var notes: [String] = []

    init(_ action: Action) { self.action = action }

    /// Decides one row.
    public static func decide(_ facts: IdentityFacts, policy: IdentityPolicy = IdentityPolicy()) -> IdentityDecision {
        var facts = facts
        var notes: [String] = []
        var usesWeakPhone = false
        if facts.phoneIsWeak {
            // Used for look-up where nothing stronger matched, never attached, never a reason to merge.
            notes.append("weak_phone")
            if facts.byExternalID != nil || facts.byEmail != nil || facts.byPhone == nil {
                facts.phone = nil
                facts.byPhone = nil
            } else if facts.byPhone?.externalID != nil, facts.externalID != nil {
                facts.phone = nil
                facts.byPhone = nil
            } else {
                usesWeakPhone = true
            }
        }
        var decision = plain(facts, policy)
        if facts.phoneIsWeak, !usesWeakPhone { decision.keepsPhone = false }
        decision.limitAttachments(facts)
        decision.notes = notes + decision.notes
        return decision
    }

    private static func plain(_ facts: IdentityFacts, _ policy: IdentityPolicy) -> IdentityDecision {
        let e = facts.byExternalID
        let p = facts.byPhone
        let m = facts.byEmail
        switch (e, p, m) {
        case (nil, nil, nil):
            return facts.phone != nil || facts.email != nil
                ? IdentityDecision(.create(evenWithoutContactData: false))
                : IdentityDecision(.reject(code: "no_usable_identifier"))
        case (nil, let p?, let m?) where p.id != m.id:
            return linking(facts, phoneHolder: p, emailHolder: m, policy)
        case (nil, _, _):
            return single(facts, holder: p ?? m, policy)
        case (let e?, let p?, let m?) where p.id != e.id && m.id != e.id && p.id != m.id:
            return parked(e, "three_way", others: [p, m], facts, phone: false, email: false)
        case (let e?, _, _):
            if let p, p.id != e.id {
                let sameHolder = m?.id == p.id
                return known(
                    e, other: p, facts, policy, code: "phone_owned_by_other", keepsPhone: false,
                    keepsEmail: !sameHolder)
            }
            if let m, m.id != e.id {
                return known(
                    e, other: m, facts, policy, code: "email_owned_by_other", keepsPhone: true, keepsEmail: false)
            }
            return IdentityDecision(.update(e.id))
        }
    }

    /// One contact is known by phone or e-mail, the Emarsys id is not (rows 2 and 2x).
    private static func single(_ facts: IdentityFacts, holder: KnownContact?, _ policy: IdentityPolicy)
        -> IdentityDecision
    {
        guard let holder else { return IdentityDecision(.reject(code: "no_usable_identifier")) }
        guard let id = facts.externalID, let other = holder.externalID, id != other else {
            return IdentityDecision(.update(holder.id))
        }
        let byPhone = facts.byPhone?.id == holder.id
        let byEmail = facts.byEmail?.id == holder.id
        return disagreeing(
            facts, holders: [holder], phoneIsDisputed: byPhone, emailIsDisputed: byEmail, target: holder, policy)
    }

    /// The row's Emarsys id is new, and somebody with another one holds its phone or e-mail (row 2x, case 16).
    private static func disagreeing(
        _ facts: IdentityFacts, holders: [KnownContact], phoneIsDisputed: Bool, emailIsDisputed: Bool,
        target: KnownContact, _ policy: IdentityPolicy
    ) -> IdentityDecision {
        var decision: IdentityDecision
        let remains =
            facts.phone != nil && !phoneIsDisputed && !facts.phoneIsWeak || facts.email != nil && !emailIsDisputed
        if facts.origin == .emarsysImport || !phoneIsDisputed && remains {
            decision = IdentityDecision(.create(evenWithoutContactData: true))
            decision.keepsPhone = !phoneIsDisputed
            decision.keepsEmail = !emailIsDisputed
        } else if policy.webhookIDConflict == .park, facts.origin == .webhook {
            decision = IdentityDecision(.reject(code: "external_id_mismatch"))
        } else {
            decision = IdentityDecision(.update(target.id))
            decision.keepsExternalID = false
            // Of an e-mail that comes along nobody knows whose it is.
            decision.keepsEmail = facts.byEmail?.id == target.id
            decision.keepsPhone = facts.byPhone?.id == target.id
        }
        decision.conflict = Conflict(code: "external_id_mismatch", contacts: holders.map(\.id))
        return decision
    }

    /// Phone and e-mail lead to two contacts, the Emarsys id to none: the row links them (row 3).
    private static func linking(
        _ facts: IdentityFacts, phoneHolder a: KnownContact, emailHolder b: KnownContact, _ policy: IdentityPolicy
    ) -> IdentityDecision {
        if let id = facts.externalID {
            let phoneDisagrees = a.externalID != nil && a.externalID != id
            let emailDisagrees = b.externalID != nil && b.externalID != id
            if phoneDisagrees {
                return disagreeing(
                    facts, holders: [a, b], phoneIsDisputed: true, emailIsDisputed: true, target: a, policy)
            }
            if emailDisagrees { return match(a, without: b, facts) }
        }
        guard isCompatible(a, b, facts, policy) else { return match(a, without: b, facts) }
        let (survivor, loser) = survivor(a, b, preferred: a)
        return IdentityDecision(.merge(survivor: survivor.id, loser: loser.id))
    }

    private static func match(_ a: KnownContact, without b: KnownContact, _ facts: IdentityFacts) -> IdentityDecision {
        parked(a, "phone_email_mismatch", others: [b], facts, phone: true, email: false)
    }

    /// The Emarsys id is known, and somebody else holds the phone or the e-mail (rows 4 and 5).
    private static func known(
        _ e: KnownContact, other: KnownContact, _ facts: IdentityFacts, _ policy: IdentityPolicy, code: String,
        keepsPhone: Bool, keepsEmail: Bool
    ) -> IdentityDecision {
        guard other.externalID == nil, isCompatible(e, other, facts, policy) else {
            return parked(e, code, others: [other], facts, phone: keepsPhone, email: keepsEmail)
        }
        let (survivor, loser) = survivor(e, other, preferred: nil)
        return IdentityDecision(.merge(survivor: survivor.id, loser: loser.id))
    }

    /// The contact takes the row without what others hold; the conflict waits for a person, unless one has decided already.
    private static func parked(
        _ target: KnownContact, _ code: String, others: [KnownContact], _ facts: IdentityFacts, phone: Bool, email: Bool
    ) -> IdentityDecision {
        var decision = IdentityDecision(.update(target.id))
        decision.keepsPhone = phone
        decision.keepsEmail = email
        if others.allSatisfy({ facts.notSame.contains(ContactPair(target.id, $0.id)) }) {
            decision.notes.append("known_not_same")
        } else {
            decision.conflict = Conflict(code: code, contacts: [target.id] + others.map(\.id))
        }
        return decision
    }

    /// What does not fit into the contact's limits is not attached.
    private mutating func limitAttachments(_ facts: IdentityFacts) {
        guard case .update(let id) = action,
            let target = [facts.byExternalID, facts.byPhone, facts.byEmail].compactMap({ $0 }).first(where: {
                $0.id == id
            })
        else { return }
        if keepsPhone, facts.phone != nil, facts.byPhone == nil, target.phoneCount >= IdentityPolicy.mostOfAKind {
            keepsPhone = false
            notes.append("too_many_phones")
        }
        if keepsEmail, facts.email != nil, facts.byEmail == nil, target.emailCount >= IdentityPolicy.mostOfAKind {
            keepsEmail = false
            notes.append("too_many_emails")
        }
    }
}
