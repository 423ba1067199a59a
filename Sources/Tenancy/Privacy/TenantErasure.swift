public import FoundationEssentials
import HTTP
import Persistence

/// Removes a tenant with everything it holds, and proves by count that nothing is left: the end of off-boarding.
///
/// For the operators' `DELETE /tenants/{instance}` and the command line's `tenant delete` alike.
public struct TenantErasure: Sendable {
    /// What was removed, counted before and after in the transaction that removed it.
    public struct Proof: Sendable, Hashable {
        /// One table that has a tenant.
        public struct Table: Sendable, Hashable {
            /// Its name in the schema `app`.
            public let name: String
            /// Rows of the tenant before.
            public let removed: Int64
            /// Rows of the tenant afterwards, at the end of the same transaction.
            public let left: Int64
        }

        /// The former id.
        public let tenantID: UUID
        /// The former name of the instance, free for another tenant from now on.
        public let instanceName: String
        /// Every table of the schema that has a tenant, by name. The one row without customer data that outlives the
        /// removal for a minute, so that replicas hear of it (`directory_changes`), is not among them.
        public let tables: [Table]

        /// Rows removed, over all tables.
        public var removed: Int64 { tables.reduce(0) { $0 + $1.removed } }
        /// Rows left, over all tables: 0, else the removal was rolled back.
        public var left: Int64 { tables.reduce(0) { $0 + $1.left } }
    }

    private let administration: TenantAdministration

    /// An erasure by the operators' rules.
    public init(administration: TenantAdministration) { self.administration = administration }

    /// Removes a tenant.
    ///
    /// One transaction: either all of it is gone or nothing. Work of the tenant that is under way in any replica ends with
    /// it: it waits for this transaction and then finds no tenant. The data key goes too, so that what a backup still holds
    /// of its secrets cannot be opened.
    ///
    /// - Parameter confirm: must repeat the instance's name
    /// - Throws: 404 `tenant_not_found`; 422 `confirmation_required`; 500 `removal_incomplete` where a row would have been
    ///   left, with nothing removed
    public func erase(_ instance: String, confirm: String?) async throws -> Proof {
        let tenant = try await administration.id(of: instance)
        guard confirm == instance else {
            throw Problem.invalid(
                "confirmation_required", field: "confirm",
                "must repeat the instance's name: everything of it is removed")
        }
        let proof = try await administration.database.transaction(
            .tenant(tenant), statementTimeout: .seconds(1800)
        ) { transaction in
            // Rows of the tenant cannot be added from here on: their foreign key waits for this lock.
            _ = try await transaction.query(TenantErasureStore.lock(tenant))
            let before = try await Self.count(tenant, in: transaction)
            _ = try await transaction.batch(TenantErasureStore.remove(tenant))
            let after = try await Self.count(tenant, in: transaction)
            let tables = before.keys.sorted().map {
                Proof.Table(name: $0, removed: (before[$0] ?? 0) - (after[$0] ?? 0), left: after[$0] ?? 0)
            }
            let proof = Proof(tenantID: tenant, instanceName: instance, tables: tables)
            guard proof.left == 0 else {
                throw Problem(.internalServerError, "removal_incomplete", detail: "Rows would have been left.")
            }
            _ = try await transaction.query(DirectoryStore.touch(tenant))
            return proof
        }
        administration.secrets.forget(tenant)
        return proof
    }

    /// Rows in each table: what the tenant's own role may read, and what operators alone may.
    private static func count(_ tenant: UUID, in transaction: Transaction) async throws -> [String: Int64] {
        var counts: [String: Int64] = [:]
        for role in [TenantErasureStore.asTenant, TenantErasureStore.asOperator] {
            _ = try await transaction.query(role)
            for row in try await transaction.query(TenantErasureStore.count(tenant)) {
                let name: String = try row.get(0)
                if name == "directory_changes" { continue }
                counts[name] = max(counts[name] ?? 0, try row.get(1))
            }
        }
        return counts
    }
}

/// The SQL of a tenant's removal.
enum TenantErasureStore {
    static let asTenant = Query("SET LOCAL ROLE charles_app")
    static let asOperator = Query("SELECT app.enter_operator()")

    static func lock(_ tenant: UUID) -> Query {
        Query("SELECT 1 FROM app.tenants WHERE tenant_id = $1 FOR UPDATE", [.uuid(tenant)])
    }

    static func count(_ tenant: UUID) -> Query {
        Query("SELECT table_name, row_count FROM app.count_tenant_rows($1)", [.uuid(tenant)])
    }

    /// Set by set instead of through cascades, then what operators alone may remove, then the tenant itself.
    static func remove(_ tenant: UUID) -> [Query] {
        [
            asTenant,
            Query("SELECT app.delete_tenant_rows($1)", [.uuid(tenant)]),
            asOperator,
            Query("SELECT app.drop_reporting_logins($1, NULL)", [.uuid(tenant)]),
            Query("DELETE FROM app.tenants WHERE tenant_id = $1", [.uuid(tenant)]),
        ]
    }
}
