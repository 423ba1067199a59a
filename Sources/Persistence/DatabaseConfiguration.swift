/// How to reach the database, and how much of it one process may use.
public struct DatabaseConfiguration: Sendable {
    /// A connection URI or keyword string as libpq reads it. Holds a password: never log it.
    public var url: String
    /// Connections each loop may open, 1 and up. They are opened when they are needed.
    public var connectionsPerLoop = 4
    /// How many callers of one loop may wait for a connection before further ones are refused with `.overloaded`.
    public var waitLimit = 512
    /// How long a caller waits for a connection before it is refused with `.overloaded` (or `.unavailable` without any connection).
    public var waitTimeout: Duration = .seconds(2)
    /// How long a statement may run before it is cancelled with `.timedOut`.
    public var statementTimeout: Duration = .seconds(15)
    /// How long a cancelled statement may take to give in before its connection is torn down.
    public var cancelGrace: Duration = .seconds(2)
    /// How long opening a connection may take, name look-up included.
    public var connectTimeout: Duration = .seconds(5)
    /// Shortest and longest pause after a failed attempt to connect; doubled from failure to failure, with jitter.
    public var connectBackoff: ClosedRange<Duration> = .milliseconds(100)...(.seconds(5))
    /// Age at which a connection is replaced, give or take a tenth, so that a fleet does not reconnect at once.
    public var maxLifetime: Duration = .seconds(1800)
    /// Whether statements are prepared. Off behind a PgBouncer older than 1.21 or with `max_prepared_statements = 0`.
    public var preparesStatements = true
    /// How many statements stay prepared on one connection.
    public var preparedStatementLimit = 256
    /// How many independent `read` calls may be under way on one connection, one behind the other. 1 turns it off.
    public var pipelineDepth = 16
    /// A connection whose server is busy with one read for longer than this gets no further one behind it.
    public var pipelinePatience: Duration = .milliseconds(1)
    /// `application_name` as `pg_stat_activity` shows it.
    public var applicationName = "charles-emarsys"
    /// Told of each notice: SQLSTATE and message. The message can hold data. Notices go nowhere else.
    public var onNotice: (@Sendable (_ sqlState: String, _ message: String) -> Void)?

    /// - Parameter url: A connection URI or keyword string as libpq reads it.
    public init(url: String) { self.url = url }
}
