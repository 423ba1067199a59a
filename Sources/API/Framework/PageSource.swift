public import HTTP
public import Tenancy

/// Whose host was asked.
public enum Site: Sendable {
    /// A tenant's.
    case tenant(Tenant)
    /// The operators'.
    case `operator`
}

/// Answers what is not below `/api/`: pages, scripts, styles.
public protocol PageSource: Sendable {
    /// The answer to a request on a site; nil where there is no such page.
    func response(to request: HTTPRequest, on site: Site) -> HTTPResponse?
}
