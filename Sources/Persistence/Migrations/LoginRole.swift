/// The role the service logs in as: it owns nothing, inherits nothing and starts each session as `charles_app`.
struct LoginRole {
    private let name: String
    private let password: String?

    /// Throws `.misuse` for a malformed URL or one without a user.
    init(_ serviceURL: String) throws(DatabaseError) {
        let target = try ConnectionTarget(serviceURL, applicationName: "migrate")
        guard let user = target.user else { throw DatabaseError(.misuse, context: "the service's URL names no user") }
        name = user
        password = target.password
    }

    /// Creates the role where it is missing; its memberships and settings are put right each time, its password is not touched.
    func create(_ connection: PlainConnection) throws(DatabaseError) {
        let exists = try connection.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [name]).first != nil
        if !exists {
            let secret = try password.map { password throws(DatabaseError) in
                try connection.encryptedPassword(password, of: name)
            }
            let statement = try connection.query(
                """
                SELECT format('CREATE ROLE %I LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE', $1::text)
                    || coalesce(format(' PASSWORD %L', $2::text), '')
                """, [name, secret])
            try connection.execute(statement[0][0] ?? "", context: "creating the service's role")
        }
        let statements = try connection.query(
            """
            SELECT format('GRANT charles_app, charles_dispatch, charles_inbox, charles_operator TO %I', $1::text)
            UNION ALL SELECT format('ALTER ROLE %I SET role = ''charles_app''', $1::text)
            UNION ALL SELECT format('ALTER ROLE %I SET jit = off', $1::text)
            UNION ALL SELECT format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''60s''', $1::text)
            """, [name])
        for row in statements { try connection.execute(row[0] ?? "", context: "the service's role") }
    }
}
