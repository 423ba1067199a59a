import HTTP
import Tenancy

/// The way of a request on the operators' host: authentication (401) → route (404, 405) → role (403) → handler.
struct OperatorPipeline: Sendable {
    let routes: OperatorRoutes
    let authentication: OperatorAuthentication
    let idempotency: Idempotency
    let pages: (any PageSource)?

    func answer(_ request: HTTPRequest, _ exchange: inout Exchange) async throws -> HTTPResponse {
        switch routes.router.match(request) {
        case .found(let index, let parameters):
            let route = routes.all[index]
            exchange.route = route.pattern
            guard route.access != .open else {
                let nobody = OperatorPrincipal(name: "anonymous", role: .viewer)
                return try await route.handler(
                    OperatorContext(principal: nobody, request: request, parameters: parameters))
            }
            let principal = try await authentication.principal(request)
            if case .permission(let permission) = route.access, permission != .read, principal.role != .manager {
                throw Problem.permissionDenied(permission)
            }
            let context = OperatorContext(principal: principal, request: request, parameters: parameters)
            guard route.creates else { return try await route.handler(context) }
            return try await idempotency.answer(.operator, request, actor: principal.actor) {
                try await route.handler(context)
            }
        case .methodNotAllowed(let methods):
            _ = try await authentication.principal(request)
            throw Problem(
                .methodNotAllowed, "method_not_allowed",
                headers: ["Allow": methods.map(\.rawValue).joined(separator: ", ")])
        case .notFound:
            if !TenantPipeline.isAPI(request) || request.path == EmbeddedPages.documentation {
                if let page = pages?.response(to: request, on: .operator) { return page }
            } else {
                _ = try await authentication.principal(request)
            }
            throw Problem.notFound("not_found", "There is nothing at this address.")
        }
    }
}
