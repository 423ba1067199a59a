import CPostgres

extension DatabaseError {
    /// The error a failed result tells of.
    ///
    /// Server going away (class 08, 57P01 to 57P05, 25P03) is `.unavailable`, a cancelled statement (57014) `.timedOut`:
    /// unless we asked for it, it is the server's own statement_timeout.
    init(result: OpaquePointer, context: String?) {
        func field(_ code: Int32) -> String? { PQresultErrorField(result, code).map { String(cString: $0) } }
        let state = field(CPOSTGRES_DIAG_SQLSTATE)
        let code: Code
        switch state {
        case nil: code = .unavailable
        case "57014": code = .timedOut
        case .some(let state) where state.hasPrefix("08") || state.hasPrefix("57P") || state == "25P03":
            code = .unavailable
        case .some(let state): code = .sqlState(state)
        }
        self.init(
            code, sqlState: state, constraint: field(CPOSTGRES_DIAG_CONSTRAINT_NAME),
            table: field(CPOSTGRES_DIAG_TABLE_NAME), context: context,
            serverMessage: field(CPOSTGRES_DIAG_MESSAGE_PRIMARY))
    }
}
