import EventLoop
import Persistence
import Synchronization

/// A migrated database of its own for one suite or test: a copy of a template that is migrated once per test process.
///
/// Make one in a suite's `init` or keep one per suite in a static; it is dropped when the last reference goes.
public final class TestDatabase: Sendable {
    /// Its name within the cluster.
    public let name: String
    /// Loops for the suite; two unless asked otherwise. They run until the test process ends.
    public let group: EventLoopGroup

    /// Copies the template.
    ///
    /// - Parameter group: The loops to use; two of its own if nil.
    public init(group: EventLoopGroup? = nil) throws {
        let template = try Self.template.get()
        name = TestPostgres.shared.uniqueName("test")
        self.group = group ?? Self.sharedGroup
        let cluster = try Self.cluster()
        try cluster.execute("CREATE DATABASE \(name) TEMPLATE \(template)")
        try Self.copyGrants(cluster, from: template, to: name)
    }

    deinit {
        // A private cluster goes as a whole. Never here and now: dropping waits for every backend of the cluster, also for one
        // in the middle of a COPY whose source waits for the thread that runs this.
        guard TestPostgres.shared.directory == nil else { return }
        let name = name
        Task(executorPreference: BlockingExecutor.shared) {
            try? TestDatabase.cluster().execute("DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
        }
    }

    /// The connection string of the superuser, who sees everything: for preparing and inspecting.
    public var ownerURL: String { TestPostgres.shared.superuser + " dbname=\(name)" }

    /// The connection string the service would use.
    public var serviceURL: String { Self.serviceURL(name) }

    /// How the service would connect.
    public var configuration: DatabaseConfiguration {
        var configuration = DatabaseConfiguration(url: serviceURL)
        configuration.connectionsPerLoop = 4
        return configuration
    }

    /// The database as the service sees it, on this object's loops.
    public func open(_ change: (inout DatabaseConfiguration) -> Void = { _ in }) throws -> Database {
        var configuration = configuration
        change(&configuration)
        return try Database(configuration, group: group)
    }

    /// Runs SQL as the superuser, blocking the thread.
    ///
    /// - Returns: The rows as text.
    @discardableResult
    public func administer(_ sql: String, _ parameters: [String?] = []) throws -> [[String?]] {
        try PlainConnection(ownerURL).query(sql, parameters)
    }

    private static let sharedGroup = EventLoopGroup(loops: 2)

    private static func cluster() throws -> PlainConnection {
        try PlainConnection(TestPostgres.shared.superuser + " dbname=postgres")
    }

    private static func serviceURL(_ name: String) -> String {
        let keywords = TestPostgres.shared.superuser.split(separator: " ").filter {
            !$0.hasPrefix("user=") && !$0.hasPrefix("password=")
        }
        return keywords.joined(separator: " ") + " user=charles_test password=charles_test dbname=\(name)"
    }

    private static let template = Result { () throws -> String in
        let name = TestPostgres.shared.uniqueName("template")
        let cluster = try TestDatabase.cluster()
        // Roles belong to the cluster: other test processes may be migrating at this moment.
        try cluster.execute("SELECT pg_advisory_lock(1)")
        try cluster.execute("CREATE DATABASE \(name)")
        let owner = TestPostgres.shared.superuser + " dbname=\(name)"
        _ = try MigrationRunner(ownerURL: owner, serviceURL: serviceURL(name)).migrateNow()
        return name
    }

    /// What is granted on a database itself is not copied with it.
    private static func copyGrants(_ cluster: PlainConnection, from template: String, to name: String) throws {
        let grants = try cluster.query(
            """
            SELECT format('GRANT %s ON DATABASE %I TO %s', a.privilege_type, $2::text,
                          CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
              FROM pg_database d CROSS JOIN LATERAL aclexplode(d.datacl) a WHERE d.datname = $1
            """, [template, name])
        try cluster.execute("REVOKE ALL ON DATABASE \(name) FROM PUBLIC")
        for grant in grants { if let statement = grant[0] { try cluster.execute(statement) } }
    }
}
