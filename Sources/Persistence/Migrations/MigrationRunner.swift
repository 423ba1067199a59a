import EventLoop

/// Brings a database to this binary's version. Safe to run from several processes at once and as often as one likes.
///
/// Each migration is one transaction, recorded with its checksum in `app_migrations.applied`. The files under `db/reporting` are
/// idempotent and run anew every time. At the end, the login role of the service is created where it is missing.
public struct MigrationRunner: Sendable {
    /// What a database has and what it lacks.
    public struct Status: Sendable, Hashable {
        /// Names of the applied migrations, in order.
        public var applied: [String]
        /// Names of those still to be applied, in order.
        public var pending: [String]
    }

    private let ownerURL: String
    private let serviceURL: String?
    private let files: EmbeddedSQL

    /// - Parameters:
    ///   - ownerURL: A direct connection (no pooler: the lock belongs to the session) of a superuser, or of a role with
    ///     CREATEROLE and CREATE on the database.
    ///   - serviceURL: The URL the service will use; its role is created with its password where it is missing. Nil: no role.
    ///   - files: The migrations; those of this binary unless a test says otherwise.
    public init(ownerURL: String, serviceURL: String?, files: EmbeddedSQL = .embedded) {
        self.ownerURL = ownerURL
        self.serviceURL = serviceURL
        self.files = files
    }

    /// Applies what is pending.
    ///
    /// - Returns: The names of the migrations applied now.
    /// - Throws: `DatabaseError`, `.migration` for drift and gaps. A failed migration leaves those before it applied.
    @discardableResult
    public func migrate() async throws -> [String] {
        try await BlockingExecutor.shared.run { try migrateNow() }
    }

    /// Compares without changing anything. Throws like `migrate()`.
    public func status() async throws -> Status {
        try await BlockingExecutor.shared.run {
            let connection = try PlainConnection(ownerURL)
            let exists = try connection.query("SELECT to_regclass('app_migrations.applied') IS NOT NULL")[0][0] == "t"
            let applied = exists ? try Self.applied(connection) : []
            let plan = try plan(connection, applied)
            return Status(applied: applied.map(\.name), pending: plan.pending.map(\.name))
        }
    }

    /// Applies what is pending, blocking the thread.
    package func migrateNow() throws(DatabaseError) -> [String] {
        let connection = try PlainConnection(ownerURL)
        // Ends with the session. The number is arbitrary and must never change.
        try connection.query("SELECT pg_advisory_lock(7238615529013)")
        try connection.execute(
            """
            CREATE SCHEMA IF NOT EXISTS app_migrations;
            CREATE TABLE IF NOT EXISTS app_migrations.applied (
                number int PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now());
            GRANT USAGE ON SCHEMA app_migrations TO PUBLIC;
            GRANT SELECT ON app_migrations.applied TO PUBLIC;
            """, context: "app_migrations")
        let pending = try plan(connection, Self.applied(connection)).pending
        for file in pending { try apply(file, connection) }
        for file in files.reporting { try apply(file, connection) }
        if let serviceURL { try LoginRole(serviceURL).create(connection) }
        return pending.map(\.name)
    }

    private func plan(
        _ connection: PlainConnection, _ applied: [MigrationPlan.Applied]
    ) throws(DatabaseError) -> MigrationPlan {
        try MigrationPlan(
            files: files.migrations, checksums: Self.checksums(files.migrations, connection), applied: applied)
    }

    private func apply(_ file: EmbeddedSQL.File, _ connection: PlainConnection) throws(DatabaseError) {
        do {
            try connection.execute("BEGIN")
            try connection.execute(file.text, context: file.path)
            // The file works as the owner role; the record belongs to whoever migrates.
            try connection.execute("SET LOCAL ROLE NONE")
            if file.path.hasPrefix("db/migrations/"), let number = file.number {
                let checksum = try Self.checksums([file], connection)[0]
                try connection.query(
                    "INSERT INTO app_migrations.applied (number, name, checksum) VALUES ($1, $2, $3)",
                    [String(number), file.name, checksum])
            }
            try connection.execute("COMMIT")
        } catch {
            var failure = error
            failure.context = file.path
            try? connection.execute("ROLLBACK")
            throw failure
        }
    }

    private static func applied(_ connection: PlainConnection) throws(DatabaseError) -> [MigrationPlan.Applied] {
        try connection.query("SELECT number, name, checksum FROM app_migrations.applied ORDER BY number").map { row in
            MigrationPlan.Applied(number: Int(row[0] ?? "") ?? 0, name: row[1] ?? "", checksum: row[2] ?? "")
        }
    }

    /// SHA-256 in hexadecimal digits, computed by the server.
    static func checksums(
        _ files: [EmbeddedSQL.File], _ connection: PlainConnection
    ) throws(DatabaseError) -> [String] {
        var checksums: [String] = []
        for file in files {
            let rows = try connection.query(
                "SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex')", [file.text])
            checksums.append(rows[0][0] ?? "")
        }
        return checksums
    }
}
