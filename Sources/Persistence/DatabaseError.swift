/// Why the database did not do what it was asked.
///
/// `description` names codes, constraints and static SQL only: the server's message can quote a row's data, so it shows up in
/// `debugDescription` alone and belongs neither into an answer nor into a log.
public struct DatabaseError: Error, Sendable, Hashable {
    /// The kind of failure.
    public enum Code: Sendable, Hashable {
        /// The server refused the statement: five characters of PostgreSQL's appendix A.
        case sqlState(String)
        /// No connection, or it broke. Whether a commit under way took effect is unknown.
        case unavailable
        /// Every connection is busy and the queue is full, or the wait for one took too long.
        case overloaded
        /// The statement ran longer than it may; it was cancelled.
        case timedOut
        /// The calling task was cancelled, and the statement with it.
        case cancelled
        /// A value is not of the type it is read as, or NULL where none is expected.
        case decoding
        /// COMMIT was answered by ROLLBACK, because a statement before it had failed.
        case rolledBack
        /// The programme's own mistake, e.g. a transaction used after its end.
        case misuse
        /// Migrations cannot be applied: drift, a gap, or a failing file.
        case migration
    }

    /// The kind of failure.
    public var code: Code
    /// SQLSTATE as the server sent it, also where `code` is not `.sqlState`.
    public var sqlState: String?
    /// The violated constraint's or unique index's name, if any.
    public var constraint: String?
    /// The table the server names, if any.
    public var table: String?
    /// The failing statement's static text, or what failed in the programme's own words. Never holds data.
    public var context: String?
    /// The server's words; may hold data.
    public var serverMessage: String?

    /// An error of the given kind.
    public init(
        _ code: Code, sqlState: String? = nil, constraint: String? = nil, table: String? = nil, context: String? = nil,
        serverMessage: String? = nil
    ) {
        self.code = code
        if case .sqlState(let state) = code { self.sqlState = state } else { self.sqlState = sqlState }
        self.constraint = constraint
        self.table = table
        self.context = context
        self.serverMessage = serverMessage
    }

    /// 23505
    public var isUniqueViolation: Bool { sqlState == "23505" }
    /// 23503
    public var isForeignKeyViolation: Bool { sqlState == "23503" }
    /// 23514
    public var isCheckViolation: Bool { sqlState == "23514" }

    /// Whether the same call can succeed later without a change: serialisation failure, deadlock, lock not available,
    /// too many connections, or no connection.
    public var isRetryable: Bool {
        switch code {
        case .unavailable, .overloaded: true
        case .sqlState(let state): ["40001", "40P01", "55P03", "53300"].contains(state)
        default: false
        }
    }

    /// Whether a statement failed because of its own content (integrity, data or program error), so that a batch without the
    /// bad row would pass.
    public var isCausedByInput: Bool {
        guard case .sqlState(let state) = code else { return false }
        return state.hasPrefix("22") || state.hasPrefix("23") || state.hasPrefix("P0") || state == "42501"
            || state == "54000"
    }
}

extension DatabaseError: CustomStringConvertible, CustomDebugStringConvertible {
    /// Code, names and static SQL; no data.
    public var description: String {
        var text = "database error: "
        switch code {
        case .sqlState(let state): text += state
        default: text += sqlState.map { "\(code) (\($0))" } ?? "\(code)"
        }
        if let constraint { text += ", constraint \(constraint)" }
        if let table { text += ", table \(table)" }
        if let context { text += ", in \(context)" }
        return text
    }

    /// `description` and the server's words, which may hold data: for a developer's eyes only.
    public var debugDescription: String {
        serverMessage.map { "\(description): \($0)" } ?? description
    }
}
