import EventLoop

/// What must hold before the service serves: the login is powerless enough, the server is new enough, the schema is current,
/// and row-level security is in place everywhere.
public struct GateCheck: Sendable {
    /// A reason not to serve.
    public struct Violation: Sendable, Hashable, CustomStringConvertible {
        /// The rule in words.
        public let rule: String
        /// What breaks it.
        public let object: String

        /// Both.
        public var description: String { object.isEmpty ? rule : "\(rule): \(object)" }
    }

    private let serviceURL: String
    private let files: EmbeddedSQL

    /// - Parameters:
    ///   - serviceURL: The URL the service uses; the check looks through its eyes.
    ///   - files: The gate query and the migrations; those of this binary unless a test says otherwise.
    public init(serviceURL: String, files: EmbeddedSQL = .embedded) {
        self.serviceURL = serviceURL
        self.files = files
    }

    /// Looks.
    ///
    /// - Returns: All violations; empty means go.
    /// - Throws: `DatabaseError` when it cannot look.
    public func violations() async throws -> [Violation] {
        try await BlockingExecutor.shared.run { try violationsNow() }
    }

    /// Looks, blocking the thread.
    package func violationsNow() throws(DatabaseError) -> [Violation] {
        let connection = try PlainConnection(serviceURL)
        var violations: [Violation] = []
        if connection.serverVersion < 150_014 {
            violations.append(Violation(rule: "the server is older than 15.14", object: "\(connection.serverVersion)"))
        }
        violations += try login(connection)
        let schema = try schema(connection)
        violations += schema
        // Without the schema the gate's own query cannot run.
        guard schema.isEmpty, !files.gate.isEmpty else { return violations }
        for row in try connection.query(files.gate) {
            violations.append(Violation(rule: row[0] ?? "", object: row.count > 1 ? row[1] ?? "" : ""))
        }
        return violations
    }

    private func login(_ connection: PlainConnection) throws(DatabaseError) -> [Violation] {
        try connection.query(
            """
            SELECT 'the login is a superuser', session_user::text FROM pg_roles
             WHERE rolname = session_user AND rolsuper
            UNION ALL SELECT 'the login bypasses row-level security', session_user::text FROM pg_roles
             WHERE rolname = session_user AND rolbypassrls
            UNION ALL SELECT 'the login may create roles', session_user::text FROM pg_roles
             WHERE rolname = session_user AND rolcreaterole
            UNION ALL SELECT 'the login inherits its roles', session_user::text FROM pg_roles
             WHERE rolname = session_user AND rolinherit
            UNION ALL SELECT 'the login is a member of the owner', session_user::text FROM pg_roles r
             WHERE r.rolname = 'charles_owner' AND pg_has_role(session_user, r.oid, 'MEMBER')
            UNION ALL SELECT 'the login is a member of a role it may not take', w.rolname::text FROM pg_roles w
             WHERE (w.rolsuper OR w.rolbypassrls OR w.rolcreaterole) AND w.rolname <> session_user
               AND pg_has_role(session_user, w.oid, 'MEMBER')
            UNION ALL SELECT 'the login owns an object', min(c.oid::regclass::text) FROM pg_class c
             WHERE c.relowner = session_user::regrole HAVING count(*) > 0
            UNION ALL SELECT 'the session does not start as charles_app', current_user::text
             WHERE current_user <> 'charles_app'
            """
        ).map { Violation(rule: $0[0] ?? "", object: $0[1] ?? "") }
    }

    private func schema(_ connection: PlainConnection) throws(DatabaseError) -> [Violation] {
        guard try connection.query("SELECT to_regclass('app_migrations.applied') IS NOT NULL")[0][0] == "t" else {
            return [Violation(rule: "the schema is not there", object: "run migrate")]
        }
        let applied = Set(try connection.query("SELECT name FROM app_migrations.applied").compactMap { $0[0] })
        // A newer schema is allowed: during a roll-out the old version serves on it.
        return files.migrations.filter { !applied.contains($0.name) }
            .map { Violation(rule: "a migration is not applied", object: $0.name) }
    }
}
