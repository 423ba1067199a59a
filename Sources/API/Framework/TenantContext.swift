public import EventLoop
public import FoundationEssentials
public import HTTP
public import JSON
public import Tenancy

/// A request that was let in, and everything that is known about it.
public struct TenantContext: Sendable {
    /// Whose host was asked.
    public let tenant: Tenant
    /// Who asks.
    public let principal: Principal
    /// The request.
    public let request: HTTPRequest
    /// The placeholders of the route's pattern.
    public let parameters: RouteParameters

    /// A context.
    public init(tenant: Tenant, principal: Principal, request: HTTPRequest, parameters: RouteParameters) {
        self.tenant = tenant
        self.principal = principal
        self.request = request
        self.parameters = parameters
    }
}

/// A request with placeholders in its path, on whichever host.
public protocol RequestContext: Sendable {
    /// The request.
    var request: HTTPRequest { get }
    /// The placeholders of the route's pattern.
    var parameters: RouteParameters { get }
}

extension TenantContext: RequestContext {}

extension RequestContext {
    /// The id that the answer carries as `X-Request-Id`.
    public var requestID: String { request.requestID }

    /// The body as a JSON object. Throws 400 `invalid_json` where it is no JSON, 422 where it is something else.
    public func json() throws(Problem) -> JSON {
        let value = try anyJSON()
        guard value.object != nil else {
            throw .invalid("not_an_object", field: "", "the body must be a JSON object")
        }
        return value
    }

    /// The body as JSON of any kind. Throws 400 `invalid_json`.
    public func anyJSON() throws(Problem) -> JSON {
        do { return try JSON.parse(request.body, duplicateKeys: .refuse) } catch {
            throw .badRequest("invalid_json", "The body is not JSON: \(error).")
        }
    }

    /// The body as a JSON object, or an empty one where there is no body.
    public func optionalJSON() throws(Problem) -> JSON {
        request.body.isEmpty ? .object([:]) : try json()
    }

    /// `limit` and `after` of the query.
    public func page() throws(Problem) -> PageRequest {
        try PageRequest(limit: request.queryItem("limit"), after: request.queryItem("after"))
    }

    /// A placeholder as an id. Throws 404 with `code` where it is none: such a thing cannot exist.
    public func id(_ name: String = "id", notFound code: String) throws(Problem) -> UUID {
        guard let text = parameters[name], text.utf8.count == 36, let id = UUID(uuidString: text) else {
            throw .notFound(code)
        }
        return id
    }

    /// A parameter of the query as a time in RFC 3339. Throws 422.
    public func time(_ name: String) throws(Problem) -> Timestamp? {
        guard let text = request.queryItem(name), !text.isEmpty else { return nil }
        guard let time = Timestamp(rfc3339: text) else {
            throw .invalid("invalid_time", field: name, "must be a time in RFC 3339, such as 2026-11-24T20:00:00Z")
        }
        return time
    }
}
