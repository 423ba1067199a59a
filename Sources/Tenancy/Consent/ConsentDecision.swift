public import EventLoop
public import FoundationEssentials
public import JSON

/// A decision to be recorded.
public struct ConsentDecision: Sendable, Hashable {
    /// Whose.
    public var contact: ContactReference
    /// What was decided.
    public var status: ConsentStatus
    /// When; nil for now.
    public var occurredAt: Timestamp?
    /// The kind of subscription.
    public var subscriptionType: String
    /// Where it was given: a flow, form, keyword, agent, or the API.
    public var source: String
    /// Whether the person did it themselves, if known.
    public var byUser: Bool?
    /// What proves it: wording, message id, address of the form. An object, or nil.
    public var evidence: JSON?

    /// A decision.
    public init(
        contact: ContactReference, status: ConsentStatus, occurredAt: Timestamp? = nil,
        subscriptionType: String = "whatsapp", source: String = "api", byUser: Bool? = nil, evidence: JSON? = nil
    ) {
        self.contact = contact
        self.status = status
        self.occurredAt = occurredAt
        self.subscriptionType = subscriptionType
        self.source = source
        self.byUser = byUser
        self.evidence = evidence
    }
}

/// An entry of the consent ledger.
public struct ConsentEntry: Sendable, Hashable {
    /// The entry.
    public let id: UUID
    /// Whose; after a merge the survivor.
    public let contactID: UUID
    /// The phone it was given for, E.164; nil where the contact had none.
    public let phone: String?
    /// The kind of subscription.
    public let subscriptionType: String
    /// What was decided.
    public let status: ConsentStatus
    /// When; nil where unknown.
    public let occurredAt: Timestamp?
    /// When it was recorded here.
    public let receivedAt: Timestamp
    /// Where it was given.
    public let source: String
    /// Whether the person did it themselves, if known.
    public let byUser: Bool?
    /// What proves it.
    public let evidence: JSON?
    /// Who recorded it.
    public let actor: String
    /// The request that recorded it.
    public let requestID: String?
    /// Whether it decides the state of its phone and subscription type.
    public let isCurrent: Bool
}

/// What recording a decision led to.
public struct RecordedConsent: Sendable, Hashable {
    /// The ledger entry.
    public let entry: ConsentEntry
    /// The contact's state now.
    public let optIn: ConsentStatus?
    /// The export that tells Emarsys; nil where there is nothing to tell.
    public let export: OptInExportReference?
}

/// An export by name and state.
public struct OptInExportReference: Sendable, Hashable {
    /// The export.
    public let id: UUID
    /// Its state.
    public let state: String
}
