import Crypto
public import EventLoop
public import FoundationEssentials
import HTTP
import JSON
import Persistence

extension TenantAdministration {
    /// An API key as operators see it: never the key itself.
    public struct KeyRecord: Sendable, Hashable {
        /// The id.
        public let id: UUID
        /// What it is for.
        public let name: String
        /// The last four characters.
        public let hint: String
        /// What it may do.
        public let permissions: PermissionSet
        /// Who made it.
        public let createdBy: String
        /// When.
        public let createdAt: Timestamp
        /// When it was last used, to the minute; nil where it never was.
        public let lastUsedAt: Timestamp?
        /// When it stopped working, if it did.
        public let revokedAt: Timestamp?
    }

    /// Makes a key. It is shown here and never again: the database holds its hash.
    ///
    /// Throws 404, 422.
    public func createKey(_ instance: String, name: String, permissions: [String], actor: String) async throws
        -> (id: UUID, key: String, permissions: PermissionSet)
    {
        var errors: [FieldError] = []
        if name.isEmpty || name.count > 100 || name.utf8.contains(where: { $0 < 0x20 }) {
            errors.append(FieldError(field: "name", code: "invalid_name", message: "must have 1 to 100 characters"))
        }
        var set: PermissionSet = []
        for (index, text) in permissions.enumerated() {
            if let permission = Permission(rawValue: text) {
                set.formUnion(PermissionSet(permission))
            } else {
                errors.append(
                    FieldError(
                        field: "permissions[\(index)]", code: "unknown_permission",
                        message: "must be one of read, write, consent, erase, admin"))
            }
        }
        if permissions.isEmpty {
            errors.append(FieldError(field: "permissions", code: "required", message: "must name at least one"))
        }
        guard errors.isEmpty else { throw Problem.invalid(errors) }
        let tenant = try await id(of: instance)
        let id = SecureRandom.uuid()
        let key = "cek_" + SecureRandom.token(32)
        let now = time.now()
        let names = set.permissions.map(\.rawValue)
        _ = try await database.run(
            .operator,
            [
                APIKeyStore.insert(
                    tenant, id: id, name: name, hash: SHA256.hash(Array(key.utf8)), hint: String(key.suffix(4)),
                    permissions: names, actor: actor, now: now),
                AuditStore.insert(
                    tenant, at: now, actor: actor, action: "api_key.created",
                    after: [
                        "id": .string(id.uuidString.lowercased()), "name": .string(name),
                        "permissions": .array(names.map { .string($0) }),
                    ]),
                DirectoryStore.touch(tenant),
            ])
        return (id, key, set)
    }

    /// The keys of a tenant, revoked ones too. Throws 404.
    public func keys(_ instance: String) async throws -> [KeyRecord] {
        let tenant = try await id(of: instance)
        var keys: [KeyRecord] = []
        for row in try await database.run(.operator, APIKeyStore.list(tenant)) {
            keys.append(try APIKeyStore.read(row))
        }
        return keys
    }

    /// Revokes a key and ends its sessions. Throws 404.
    public func revokeKey(_ instance: String, id: UUID, actor: String) async throws {
        let tenant = try await self.id(of: instance)
        let now = time.now()
        try await database.transaction(.operator) { transaction in
            let rows = try await transaction.query(APIKeyStore.revoke(tenant, id: id, now: now))
            guard let row = rows.first else {
                throw Problem.notFound("api_key_not_found", "There is no such key, or it is revoked already.")
            }
            let name: String = try row.get(0)
            _ = try await transaction.batch([
                APIKeyStore.endSessions(tenant, id: id),
                AuditStore.insert(
                    tenant, at: now, actor: actor, action: "api_key.revoked",
                    before: ["id": .string(id.uuidString.lowercased()), "name": .string(name)]),
                DirectoryStore.touch(tenant),
            ])
        }
    }
}
