import EventLoop
import FoundationEssentials
import Testing

@testable import Tenancy

@Suite("Decisions of identity")
struct IdentityDecisionTests {
    private func contact(
        _ number: UInt8, id: String? = nil, first: String? = nil, last: String? = nil, phones: Int = 1, emails: Int = 0,
        whatsApp: Bool = false, protected: Bool = false
    ) -> KnownContact {
        KnownContact(
            id: UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number)), externalID: id, firstName: first,
            lastName: last, phoneCount: phones, emailCount: emails, hasWhatsApp: whatsApp, isProtected: protected,
            createdAt: Timestamp(seconds: Int64(number)))
    }

    private func facts(
        _ origin: IdentityFacts.Origin = .emarsysImport, id: String? = "7", e: KnownContact? = nil,
        p: KnownContact? = nil,
        m: KnownContact? = nil
    ) -> IdentityFacts {
        var facts = IdentityFacts(origin: origin, externalID: id, phone: "+4915100000001", email: "a@example.com")
        facts.byExternalID = e
        facts.byPhone = p
        facts.byEmail = m
        return facts
    }

    @Test("three contacts are never merged in one step")
    func threeWay() {
        let decision = IdentityDecision.decide(facts(e: contact(1, id: "7"), p: contact(2), m: contact(3)))
        #expect(decision.action == .update(contact(1).id))
        #expect(!decision.keepsPhone && !decision.keepsEmail)
        #expect(decision.conflict?.code == "three_way")
        #expect(decision.conflict?.contacts.count == 3)
    }

    @Test("names that contradict each other park the merge, spelling does not")
    func names() {
        let a = contact(1, first: "Erika", last: "Mustermann")
        let b = contact(2, first: "Max", last: "Schmidt")
        #expect(IdentityDecision.decide(facts(p: a, m: b)).conflict?.code == "phone_email_mismatch")
        let c = contact(3, first: "ERÍKA", last: "Other")
        #expect(IdentityDecision.decide(facts(p: a, m: c)).action == .merge(survivor: a.id, loser: c.id))
        var policy = IdentityPolicy()
        policy.autoMerge = .always
        #expect(IdentityDecision.decide(facts(p: a, m: b), policy: policy).conflict == nil)
        policy.autoMerge = .never
        #expect(IdentityDecision.decide(facts(p: a, m: c), policy: policy).conflict != nil)
    }

    @Test("protected people, declared strangers and full contacts are not merged")
    func incompatible() {
        let a = contact(1)
        #expect(IdentityDecision.decide(facts(p: a, m: contact(2, protected: true))).conflict != nil)
        #expect(IdentityDecision.decide(facts(p: contact(1, phones: 4), m: contact(2, phones: 2))).conflict != nil)
        var known = facts(p: a, m: contact(2))
        known.notSame = [ContactPair(contact(2).id, a.id)]
        let decision = IdentityDecision.decide(known)
        #expect(decision.conflict == nil)
        #expect(decision.notes == ["known_not_same"])
        #expect(!decision.keepsEmail)
    }

    @Test("the survivor has the conversation, else the Emarsys id, else is the elder")
    func survivors() {
        let e = contact(1, id: "7")
        #expect(
            IdentityDecision.decide(facts(e: e, p: contact(2))).action == .merge(survivor: e.id, loser: contact(2).id))
        let chat = contact(2, whatsApp: true)
        #expect(IdentityDecision.decide(facts(e: e, p: chat)).action == .merge(survivor: chat.id, loser: e.id))
    }

    @Test("a sixth phone is not attached")
    func limits() {
        let decision = IdentityDecision.decide(facts(e: contact(1, id: "7", phones: 5)))
        #expect(!decision.keepsPhone)
        #expect(decision.notes == ["too_many_phones"])
    }

    @Test("25: a contact known by WhatsApp alone merges by the phone it shares")
    func bsuid() {
        let chat = contact(1, phones: 1, whatsApp: true)
        let other = contact(2, phones: 0, emails: 1)
        #expect(
            IdentityDecision.decide(facts(id: nil, p: chat, m: other)).action
                == .merge(survivor: chat.id, loser: other.id))
    }
}
