public import EventLoop
public import FoundationEssentials

/// Finds the contact that a client named, and creates one for a phone or e-mail nobody has yet.
///
/// Throws `Problem`: 404 `contact_not_found`, 410 `contact_erased`, 422 for a phone or e-mail that cannot be one.
public protocol ContactLookup: Sendable {
    /// The surviving contact, and the normalised phone where the reference names one.
    func contact(for reference: ContactReference, tenant: Tenant, now: Timestamp) async throws
        -> (id: UUID, phone: String?)
    /// Frees an erased person who has granted since: named by phone or e-mail, with a grant that is dated later than the
    /// erasure. An import or a webhook never does. Nothing happens where nobody of that key was erased.
    func readmit(_ reference: ContactReference, tenant: Tenant, grantedAt: Timestamp, actor: String, now: Timestamp)
        async throws
    /// The surviving contact; creates none.
    func existing(_ reference: ContactReference, tenant: Tenant) async throws -> UUID
}
