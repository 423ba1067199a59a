public import FoundationEssentials
public import JSON
public import Persistence

/// Deleting contacts: all that hangs on them goes as by an erasure. An import brings them back only where the setting
/// `recreate_deleted` says so; a person who was erased stays away whatever it says.
public struct ContactDeletion: Sendable {
    private let database: Database
    private let erasures: ErasureService

    /// Deletion by a service of erasures.
    public init(database: Database, erasures: ErasureService) {
        self.database = database
        self.erasures = erasures
    }

    /// Deletes a contact; answers the erasure that does it. Throws 404 `contact_not_found`, 410 `contact_erased`.
    public func delete(_ contact: UUID, tenant: UUID, actor: String) async throws -> JSON {
        let erasure = try await erasures.erase(contact, tenant: tenant, actor: actor)
        // Ending between the two leaves the stricter one.
        if let id = erasure["id"]?.string.flatMap({ UUID(uuidString: $0) }) {
            _ = try await database.run(.tenant(tenant), SuppressionStore.markDeleted(tenant, erasure: id))
        }
        return erasure
    }
}
