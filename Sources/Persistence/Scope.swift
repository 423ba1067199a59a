import EventLoop
public import FoundationEssentials

/// What a transaction may see. The scope's statement opens each transaction and travels with the first query.
public enum Scope: Sendable, Hashable {
    /// The rows of one tenant.
    case tenant(UUID)
    /// The inbox rows of the listed tenants, for group commits.
    case tenants([UUID])
    /// Queue tables of all tenants, nothing else.
    case dispatch
    /// The Host look-up functions only; no tenant, no table.
    case resolver
    /// The operators' console: the directory of tenants.
    case `operator`

    /// The statement that enters the scope. All of them set the role or the tenant with SET LOCAL, so the effect ends with the transaction.
    var entry: Query? {
        switch self {
        case .tenant(let id): Query("SELECT app.enter_tenant($1)", [.uuid(id)])
        case .tenants(let ids): Query("SELECT app.enter_tenants($1)", [.uuidArray(ids)])
        case .dispatch: Query("SELECT app.enter_dispatch()")
        case .operator: Query("SELECT app.enter_operator()")
        case .resolver: nil
        }
    }

    /// Like ``entry``, for transactions that may write: they also tell the database which trace they belong to, so that jobs
    /// and deliveries that come into being remember it.
    var tracedEntry: Query? {
        guard case .tenant(let id) = self, let trace = TraceContext.current else { return entry }
        return Query("SELECT app.enter_traced($1, $2)", [.uuid(id), .text(trace.traceparent)])
    }
}
