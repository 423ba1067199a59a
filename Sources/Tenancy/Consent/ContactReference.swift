public import FoundationEssentials

/// How a client names a contact: by one key, or by several that are looked up from the strongest to the weakest.
public struct ContactReference: Sendable, Hashable {
    /// Our id; that of a merged contact leads to its survivor.
    public var id: UUID?
    /// The contact's id in Emarsys.
    public var externalReferenceID: String?
    /// A phone as typed.
    public var phone: String?
    /// An e-mail address as typed.
    public var email: String?

    /// A reference.
    public init(id: UUID? = nil, externalReferenceID: String? = nil, phone: String? = nil, email: String? = nil) {
        self.id = id
        self.externalReferenceID = externalReferenceID
        self.phone = phone
        self.email = email
    }

    /// Whether nothing is named.
    public var isEmpty: Bool { id == nil && externalReferenceID == nil && phone == nil && email == nil }
}
