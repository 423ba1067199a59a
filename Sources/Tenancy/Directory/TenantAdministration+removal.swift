import EventLoop
import FoundationEssentials
import HTTP
import Persistence

extension TenantAdministration {
    /// Removes a tenant with everything it holds and answers how many rows each table had.
    ///
    /// One transaction: either all is gone or nothing. The data key goes with it, so that what a backup still holds of its
    /// secrets cannot be opened. Throws 404; 422 `confirmation_required` unless `confirm` repeats the instance's name.
    public func delete(_ instance: String, confirm: String?) async throws -> [(table: String, rows: Int64)] {
        let tenant = try await id(of: instance)
        guard confirm == instance else {
            throw Problem.invalid(
                "confirmation_required", field: "confirm",
                "must repeat the instance's name: everything of it is removed")
        }
        let counts = try await database.transaction(.tenant(tenant), statementTimeout: .seconds(1800)) { transaction in
            let rows = try await transaction.query(
                Query("SELECT table_name, row_count FROM app.count_tenant_rows($1)", [.uuid(tenant)]))
            var counts: [(table: String, rows: Int64)] = []
            for row in rows { counts.append((try row.get(0), try row.get(1))) }
            _ = try await transaction.batch([
                Query("SELECT app.delete_tenant_rows($1)", [.uuid(tenant)]),
                Query("SELECT app.enter_operator()"),
                Query("SELECT app.drop_reporting_logins($1, NULL)", [.uuid(tenant)]),
                Query("DELETE FROM app.tenants WHERE tenant_id = $1", [.uuid(tenant)]),
                DirectoryStore.touch(tenant),
            ])
            return counts
        }
        secrets.forget(tenant)
        return counts
    }
}
