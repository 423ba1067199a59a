import EventLoop
import FoundationEssentials
import Persistence

/// Why a contact key identifies nobody.
public struct ContactKeyFault: Error, Sendable, Hashable {
    /// Stable, snake_case, e.g. `phone_missing_country_code`.
    public let code: String

    /// A fault.
    public init(_ code: String) { self.code = code }
}

/// How events find their contacts.
public protocol EventContacts: Sendable {
    /// The phone in its comparable form.
    func phone(_ raw: String, defaultCountry: String?) -> Result<String, ContactKeyFault>
    /// The e-mail in its comparable form.
    func email(_ raw: String) -> Result<String, ContactKeyFault>
    /// Finds or creates the contacts of some keys, in their order, tells the instance of them, and has Emarsys told their opt-in
    /// where that is due. No two are alike, but several may be of one person.
    func stitch(
        _ keys: [ContactKeys], tenantID: UUID, tenant: EventTenant, in transaction: Transaction, now: Timestamp
    ) async throws -> [EventStitching]
}
