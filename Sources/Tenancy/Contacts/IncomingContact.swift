public import FoundationEssentials

/// A row from outside, on its way to becoming a contact.
public struct IncomingContact: Sendable {
    /// What is done with a mapped value.
    public enum Rule: Int16, Sendable, Hashable {
        /// The field stays as it is.
        case leave = 0
        /// The value is written; no value clears.
        case write = 1
        /// The value is written where nothing is there.
        case fillBlank = 2
        /// The value is written when the row creates the contact.
        case onCreation = 3
    }

    /// A mapped value with its rule.
    public struct Field: Sendable, Hashable {
        /// The value; nil is an empty one.
        public var value: String?
        /// What is done with it.
        public var rule: Rule

        /// A value with its rule.
        public init(_ value: String?, _ rule: Rule) {
            self.value = value
            self.rule = rule
        }

        /// A field that the row does not speak of.
        public static let untouched = Field(nil, .leave)
    }

    /// Mapped values of custom properties, by what is done with them. Each is a JSON object in UTF-8 or nil.
    public struct CustomFields: Sendable, Hashable {
        /// Written.
        public var write: [UInt8]?
        /// Written where nothing is there.
        public var fillBlank: [UInt8]?
        /// Written on creation.
        public var onCreation: [UInt8]?
        /// Emptied.
        public var clear: [String] = []

        /// None.
        public init() {}
    }

    /// The Emarsys contact id, as received.
    public var externalReferenceID: String?
    /// The phone, as received.
    public var phone: String?
    /// The e-mail, as received.
    public var email: String?
    /// What is done with the phone.
    public var phoneRule = Rule.write
    /// What is done with the e-mail.
    public var emailRule = Rule.write
    /// First name.
    public var firstName = Field.untouched
    /// Last name.
    public var lastName = Field.untouched
    /// Custom properties.
    public var custom = CustomFields()
    /// Whether the phone is weak evidence: for look-up only, where nothing stronger matched.
    public var phoneIsWeak = false
    /// Hash of the mapped source values and the mapping; the next import compares it.
    public var sourceHash: [UInt8]?
    /// Segments that the Emarsys id has entered since the last run.
    public var entering: [String] = []
    /// Segments of the run that the Emarsys id belongs to.
    public var belongs: [String] = []

    /// A row with what identifies somebody.
    public init(externalReferenceID: String? = nil, phone: String? = nil, email: String? = nil) {
        self.externalReferenceID = externalReferenceID
        self.phone = phone
        self.email = email
    }
}

/// Where rows come from.
public enum StitchSource: Sendable, Hashable {
    /// An import, by its id.
    case emarsysImport(UUID)
    /// A signed webhook.
    case webhook
    /// The API.
    case api

    var origin: IdentityFacts.Origin {
        switch self {
        case .emarsysImport: .emarsysImport
        case .webhook: .webhook
        case .api: .api
        }
    }

    var importID: UUID? {
        if case .emarsysImport(let id) = self { return id }
        return nil
    }

    /// As stored beside identifiers and conflicts.
    var name: String {
        switch self {
        case .emarsysImport: "emarsys_import"
        case .webhook: "webhook"
        case .api: "api"
        }
    }
}

/// What became of a row.
public struct StitchOutcome: Sendable, Hashable {
    /// What was done.
    public enum Action: Sendable, Hashable {
        /// A contact came to be.
        case created
        /// A contact changed.
        case updated
        /// A contact was found and needed no change.
        case unchanged
        /// Two contacts became one; `loser` is the one that went.
        case merged(loser: UUID)
        /// Nothing was written: the row is at fault.
        case rejected(String)
        /// Nothing was written: the person does not want it.
        case skipped(String)
    }

    /// The contact the row belongs to.
    public var contactID: UUID?
    /// What was done.
    public var action: Action
    /// Whether an Emarsys id was attached, so that Emarsys may have to be told the opt-in.
    public var linked = false
    /// Why parts of the row were left out: codes of phone and e-mail faults, `phone_shared`, `too_many_phones` …
    public var notes: [String] = []
    /// Conflicts that were parked.
    public var conflictIDs: [UUID] = []

    /// An outcome.
    public init(contactID: UUID? = nil, action: Action) {
        self.contactID = contactID
        self.action = action
    }
}
