import Crypto
public import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence

/// Read-only PostgreSQL logins of tenants.
///
/// The serving role cannot create roles. It calls a function of fixed shape whose owner can, which makes logins of one
/// kind only: an opaque name, the reporting group, the tenant's rows (db/migrations/0040_reporting_access.sql).
public struct ReportingAccess: Sendable {
    /// A login as it is shown once.
    public struct Login: Sendable {
        /// The role's name, which tells nothing about the tenant.
        public let role: String
        /// Its password.
        public let password: String
        /// A connection string with both.
        public let dsn: String
    }

    let administration: TenantAdministration
    let address: ReportingAddress

    /// Access to the database at `address`.
    public init(administration: TenantAdministration, address: ReportingAddress) {
        self.administration = administration
        self.address = address
    }

    /// Makes a login. Throws 404.
    public func grant(_ instance: String, actor: String) async throws -> Login {
        let tenant = try await administration.id(of: instance)
        let password = SecureRandom.token(24)
        let database = administration.database
        let now = administration.time.now()
        let role = try await database.transaction(.operator) { transaction in
            let rows = try await transaction.query(
                ReportingLoginStore.create(tenant, verifier: ScramVerifier.make(password: password), actor: actor))
            guard let row = rows.first else { throw DatabaseError(.decoding, context: "app.create_reporting_login") }
            let role: String = try row.get(0)
            _ = try await transaction.query(
                AuditStore.insert(
                    tenant, at: now, actor: actor, action: "reporting_access.granted", after: ["role": .string(role)]))
            return role
        }
        return Login(role: role, password: password, dsn: address.dsn(role: role, password: password))
    }

    /// The logins of a tenant: names and when they were made. Throws 404.
    public func list(_ instance: String) async throws -> [(role: String, createdBy: String, createdAt: Timestamp)] {
        let tenant = try await administration.id(of: instance)
        let rows = try await administration.database.run(.operator, ReportingLoginStore.list(tenant))
        var logins: [(role: String, createdBy: String, createdAt: Timestamp)] = []
        for row in rows { logins.append((try row.get(0), try row.get(1), try row.get(2))) }
        return logins
    }

    /// Drops a login and ends its sessions. Throws 404.
    public func revoke(_ instance: String, role: String, actor: String) async throws {
        let tenant = try await administration.id(of: instance)
        let now = administration.time.now()
        try await administration.database.transaction(.operator) { transaction in
            let rows = try await transaction.query(ReportingLoginStore.drop(tenant, role: role))
            guard let count: Int32 = try rows.first?.get(0), count > 0 else {
                throw Problem.notFound("reporting_access_not_found", "There is no such login.")
            }
            _ = try await transaction.query(
                AuditStore.insert(
                    tenant, at: now, actor: actor, action: "reporting_access.revoked", before: ["role": .string(role)]))
        }
    }
}
