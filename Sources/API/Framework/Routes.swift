public import HTTP
public import Tenancy

/// Who may use a route.
public enum RouteAccess: Sendable, Hashable {
    /// A key or session with the permission.
    case permission(Permission)
    /// Any key or session of the tenant.
    case anyKey
    /// Everybody; the handler decides by other means, such as a webhook's token.
    case open
}

/// One route of a host.
public struct Route<Context: RequestContext>: Sendable {
    /// Answers a request that was let in.
    public typealias Handler = @Sendable (Context) async throws -> HTTPResponse

    /// The method.
    public let method: HTTPMethod
    /// The path with placeholders in braces.
    public let pattern: String
    /// Who may use it.
    public let access: RouteAccess
    /// The feature without which it answers 403.
    public let feature: Feature?
    /// Whether it creates something, so that `Idempotency-Key` is honoured.
    public let creates: Bool
    /// What the OpenAPI document says of it.
    public let description: RouteDescription?
    let handler: Handler

    /// Method and pattern: the route's name in documents and tests.
    var key: String { "\(method.rawValue) \(pattern)" }
}

/// The routes of a host while they are being collected.
public struct Routes<Context: RequestContext>: Sendable {
    /// All routes in the order of their registration.
    public private(set) var all: [Route<Context>] = []
    private(set) var router = Router<Int>()

    /// No routes.
    public init() {}

    /// Adds a route for keys with a permission.
    ///
    /// - Parameters:
    ///   - pattern: the path, with placeholders in braces
    ///   - permission: what the key or session needs
    ///   - feature: what must be switched on for the tenant; everything below `/api/v0/integrations/emarsys` needs
    ///     `emarsys` anyway
    ///   - creates: whether `Idempotency-Key` is honoured
    ///   - description: for the OpenAPI document
    public mutating func on(
        _ method: HTTPMethod, _ pattern: String, _ permission: Permission, feature: Feature? = nil,
        creates: Bool = false, _ description: RouteDescription? = nil, handler: @escaping Route<Context>.Handler
    ) {
        on(
            method, pattern, access: .permission(permission), feature: feature, creates: creates, description,
            handler: handler)
    }

    /// Adds a route for whoever `access` names.
    public mutating func on(
        _ method: HTTPMethod, _ pattern: String, access: RouteAccess, feature: Feature? = nil, creates: Bool = false,
        _ description: RouteDescription? = nil, handler: @escaping Route<Context>.Handler
    ) {
        router.on(method, pattern, all.count)
        all.append(
            Route(
                method: method, pattern: pattern, access: access, feature: feature, creates: creates,
                description: description, handler: handler))
    }
}

/// Routes of a tenant's host.
public typealias TenantRoutes = Routes<TenantContext>

/// The routes of one capability on tenants' hosts.
public protocol RouteGroup: Sendable {
    /// Adds the routes.
    func register(in routes: inout TenantRoutes)
}
