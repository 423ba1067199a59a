import FoundationEssentials
import Persistence

/// The SQL of reporting logins, in the operators' scope.
enum ReportingLoginStore {
    /// Makes a login and answers its name.
    static func create(_ tenant: UUID, verifier: String, actor: String) -> Query {
        Query("SELECT app.create_reporting_login($1, $2, $3)", [.uuid(tenant), .text(verifier), .text(actor)])
    }

    static func list(_ tenant: UUID) -> Query {
        Query(
            """
            SELECT role_name, created_by, created_at FROM app.reporting_logins WHERE tenant_id = $1
             ORDER BY created_at, role_name
            """, [.uuid(tenant)])
    }

    /// Drops one login, or all of a tenant where `role` is nil, and answers how many.
    static func drop(_ tenant: UUID, role: String?) -> Query {
        Query("SELECT app.drop_reporting_logins($1, $2)", [.uuid(tenant), .optional(text: role)])
    }
}
