import EventLoop
import FoundationEssentials
import HTTP
import Persistence
import Tenancy

/// The way of a request on a tenant's host, once the tenant is known. Each stage may refuse:
/// suspended (403) → feature (403) → authentication (401) → route (404, 405) → permission (403) → handler.
struct TenantPipeline: Sendable {
    let routes: TenantRoutes
    let authentication: Authentication
    let idempotency: Idempotency
    let pages: (any PageSource)?

    func answer(_ request: HTTPRequest, _ tenant: Tenant, _ exchange: inout Exchange) async throws -> HTTPResponse {
        if let move = tenant.move, move != .leaving || !request.method.isSafe {
            throw Problem.unavailable(
                "instance_moving", "This instance is being moved. Please send the request again in a moment.",
                retryAfter: 5)
        }
        guard tenant.status == .active else {
            throw Problem.forbidden("tenant_suspended", "This instance is suspended. Please reach out to your CSM.")
        }
        switch routes.router.match(request) {
        case .found(let index, let parameters):
            let route = routes.all[index]
            exchange.route = route.pattern
            try Self.checkFeatures(request, route.feature, tenant)
            let principal = try await principal(request, tenant, route.access)
            let context = TenantContext(tenant: tenant, principal: principal, request: request, parameters: parameters)
            guard route.creates else { return try await route.handler(context) }
            return try await idempotency.answer(.tenant(tenant.id), request, actor: principal.actor) {
                try await route.handler(context)
            }
        case .methodNotAllowed(let methods):
            try await checkUnrouted(request, tenant)
            throw Problem(
                .methodNotAllowed, "method_not_allowed",
                headers: ["Allow": methods.map(\.rawValue).joined(separator: ", ")])
        case .notFound:
            if !Self.isAPI(request) || request.path == EmbeddedPages.documentation,
                let page = pages?.response(to: request, on: .tenant(tenant))
            {
                exchange.surface = "page"
                return page
            }
            try await checkUnrouted(request, tenant)
            throw Problem.notFound("not_found", "There is nothing at this address.")
        }
    }

    /// Whether an address belongs to the API, so that its answers are data and no page.
    static func isAPI(_ request: HTTPRequest) -> Bool { request.head.pathBytes.starts(with: "/api/".utf8) }

    private func principal(_ request: HTTPRequest, _ tenant: Tenant, _ access: RouteAccess) async throws -> Principal {
        switch access {
        case .open:
            return Principal(kind: .anonymous, permissions: [])
        case .anyKey:
            guard let principal = try await authentication.principal(request, tenant) else {
                throw Problem.unauthorized
            }
            return principal
        case .permission(let permission):
            guard let principal = try await authentication.principal(request, tenant) else {
                throw Problem.unauthorized
            }
            guard principal.permissions.contains(permission) else { throw Problem.permissionDenied(permission) }
            return principal
        }
    }

    /// Without a credential nobody learns which routes exist.
    private func checkUnrouted(_ request: HTTPRequest, _ tenant: Tenant) async throws {
        guard Self.isAPI(request) else { return }
        try Self.checkFeatures(request, nil, tenant)
        guard try await authentication.principal(request, tenant) != nil else { throw Problem.unauthorized }
    }

    private static func checkFeatures(_ request: HTTPRequest, _ feature: Feature?, _ tenant: Tenant) throws(Problem) {
        if !tenant.features.contains(.emarsys), isEmarsys(request.head.pathBytes) { throw .featureNotEnabled(.emarsys) }
        if let feature, !tenant.features.contains(feature) { throw .featureNotEnabled(feature) }
    }

    private static func isEmarsys(_ path: ArraySlice<UInt8>) -> Bool {
        for prefix in ["/api/v0/integrations/emarsys", "/api/v0/webhooks/incoming/emarsys"] {
            guard path.starts(with: prefix.utf8) else { continue }
            let rest = path.dropFirst(prefix.utf8.count)
            if rest.isEmpty || rest.first == 0x2F { return true }
        }
        return false
    }
}
