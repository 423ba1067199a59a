public import EventLoop
import FoundationEssentials
import JSON
public import Persistence

/// The rules of custom properties.
public struct CustomPropertyService: Sendable {
    private let database: Database
    private let time: any TimeSource

    /// A service.
    public init(database: Database, time: any TimeSource) {
        self.database = database
        self.time = time
    }

    /// The tenant's properties by name.
    public func list(_ tenant: Tenant) async throws -> [CustomProperty] {
        try await CustomPropertyStore.list(tenant.id, in: database)
    }

    /// Defines a property. Throws 409 `custom_property_exists`.
    public func define(_ tenant: Tenant, name: String, kind: CustomProperty.Kind, actor: String) async throws
        -> CustomProperty
    {
        let now = time.now()
        let property = try await CustomPropertyStore.insert(tenant.id, name: name, kind: kind, now: now, in: database)
        _ = try await database.run(
            .tenant(tenant.id),
            AuditStore.insert(
                tenant.id, at: now, actor: actor, action: "custom_property.defined",
                after: ["name": .string(name), "type": .string(kind.rawValue)]))
        return property
    }
}
