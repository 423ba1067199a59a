public import EventLoop
public import FoundationEssentials

/// A contact that a row's identifier leads to, as far as deciding needs it.
public struct KnownContact: Sendable, Hashable {
    /// Its id.
    public var id: UUID
    /// The Emarsys id it has, if any.
    public var externalID: String?
    /// First name.
    public var firstName: String?
    /// Last name.
    public var lastName: String?
    /// Active phones.
    public var phoneCount: Int
    /// Active e-mails.
    public var emailCount: Int
    /// Whether a WhatsApp conversation or consent hangs on one of its phones.
    public var hasWhatsApp: Bool
    /// Whether it must not be merged: protected by a person, or being erased.
    public var isProtected: Bool
    /// When it came to be.
    public var createdAt: Timestamp

    /// A contact.
    public init(
        id: UUID, externalID: String? = nil, firstName: String? = nil, lastName: String? = nil, phoneCount: Int = 0,
        emailCount: Int = 0, hasWhatsApp: Bool = false, isProtected: Bool = false, createdAt: Timestamp
    ) {
        self.id = id
        self.externalID = externalID
        self.firstName = firstName
        self.lastName = lastName
        self.phoneCount = phoneCount
        self.emailCount = emailCount
        self.hasWhatsApp = hasWhatsApp
        self.isProtected = isProtected
        self.createdAt = createdAt
    }
}

/// What is known when a row is decided upon: its usable identifiers, and whom each of them leads to.
public struct IdentityFacts: Sendable, Hashable {
    /// Where the row comes from.
    public enum Origin: Sendable, Hashable {
        /// An import.
        case emarsysImport
        /// A signed webhook.
        case webhook
        /// The API: attested by the caller's key.
        case api
    }

    /// Where the row comes from.
    public var origin: Origin
    /// The row's Emarsys id.
    public var externalID: String?
    /// The row's phone in E.164, unless it is blocked or shared.
    public var phone: String?
    /// The row's e-mail, unless it is blocked or shared.
    public var email: String?
    /// Whether the phone is weak evidence, such as one typed into a guest order's address.
    public var phoneIsWeak = false
    /// The holder of the Emarsys id.
    public var byExternalID: KnownContact?
    /// The holder of the phone.
    public var byPhone: KnownContact?
    /// The holder of the e-mail.
    public var byEmail: KnownContact?
    /// Pairs of the contacts above that a person declared to be two people; the smaller id first.
    public var notSame: Set<ContactPair> = []

    /// Facts.
    public init(origin: Origin, externalID: String? = nil, phone: String? = nil, email: String? = nil) {
        self.origin = origin
        self.externalID = externalID
        self.phone = phone
        self.email = email
    }
}

/// Two contacts, whichever comes first.
public struct ContactPair: Sendable, Hashable {
    /// The one whose id is smaller.
    public let a: UUID
    /// The other one.
    public let b: UUID

    /// A pair.
    public init(_ one: UUID, _ other: UUID) {
        let isOrdered = one.uuidString < other.uuidString
        a = isOrdered ? one : other
        b = isOrdered ? other : one
    }
}
