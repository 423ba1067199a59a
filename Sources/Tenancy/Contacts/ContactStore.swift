import FoundationEssentials
import Persistence

/// The statements of contacts.
public enum ContactStore {
    /// Which of these phones somebody holds.
    static func heldPhones(_ tenant: UUID, _ phones: [String]) -> Query {
        Query(
            """
            SELECT value FROM app.contact_identifiers
             WHERE tenant_id = $1 AND kind = 'phone' AND status = 'active' AND value = ANY ($2)
            """, [.uuid(tenant), .textArray(phones)])
    }
}
