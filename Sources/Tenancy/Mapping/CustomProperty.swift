import Crypto
public import EventLoop
public import FoundationEssentials
import HTTP
public import Persistence

/// A property of contacts that a tenant has defined.
public struct CustomProperty: Sendable, Hashable {
    /// What its values are.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Text; of a multi-choice field the labels joined by ", ".
        case string
        /// A decimal number.
        case number
        /// `true` or `false`.
        case boolean
        /// `YYYY-MM-DD`.
        case date
    }

    /// The id.
    public let id: UUID
    /// The name, unique in the tenant.
    public let name: String
    /// What its values are.
    public let kind: Kind
    /// When it was defined.
    public let createdAt: Timestamp

    /// Whether a name is one: a letter, then up to 63 letters, digits and `_`.
    public static func isName(_ name: String) -> Bool {
        guard (1...64).contains(name.utf8.count), let first = name.utf8.first, isLetter(first) else { return false }
        return name.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte)
    }
}

/// The SQL of custom properties.
public enum CustomPropertyStore {
    /// The tenant's properties by name.
    public static func list(_ tenant: UUID, in database: Database) async throws(DatabaseError) -> [CustomProperty] {
        let rows = try await database.run(
            .tenant(tenant),
            Query(
                "SELECT id, name, type, created_at FROM app.custom_properties WHERE tenant_id = $1 ORDER BY name",
                [.uuid(tenant)]))
        var properties: [CustomProperty] = []
        for row in rows {
            let kind: String = try row.get(2)
            properties.append(
                CustomProperty(
                    id: try row.get(0), name: try row.get(1), kind: CustomProperty.Kind(rawValue: kind) ?? .string,
                    createdAt: try row.get(3)))
        }
        return properties
    }

    /// Defines a property. Throws 409 `custom_property_exists`.
    public static func insert(
        _ tenant: UUID, name: String, kind: CustomProperty.Kind, now: Timestamp, in database: Database
    ) async throws -> CustomProperty {
        let property = CustomProperty(id: SecureRandom.uuid(), name: name, kind: kind, createdAt: now)
        let rows = try await database.run(
            .tenant(tenant),
            Query(
                """
                INSERT INTO app.custom_properties (tenant_id, id, name, type, created_at) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (tenant_id, name) DO NOTHING RETURNING true
                """,
                [
                    .uuid(tenant), .uuid(property.id), .text(name), .text(kind.rawValue), .timestamp(now),
                ]))
        guard !rows.isEmpty else {
            throw Problem.conflict("custom_property_exists", "There is a custom property of this name already.")
        }
        return property
    }
}
