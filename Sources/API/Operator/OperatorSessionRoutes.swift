import Crypto
import HTTP
import JSON
import Tenancy

/// Signing in to the operators' console with a token.
struct OperatorSessionRoutes: OperatorRouteGroup {
    let authentication: OperatorAuthentication
    let hosts: HostPolicy

    func register(in routes: inout OperatorRoutes) {
        routes.on(
            .post, "/api/v0/session", access: .open,
            RouteDescription(
                "Sign in with an operator token.", tag: "Session",
                body: ["type": "object", "required": ["token"], "properties": ["token": ["type": "string"]]],
                status: .created, problems: [(.unauthorized, "unauthorized")])
        ) { context in try await signIn(context) }
        routes.on(
            .get, "/api/v0/session", access: .anyKey,
            RouteDescription("Who is signed in.", tag: "Session")
        ) { context in
            let session = OperatorAuthentication.cookie(context.request).flatMap(authentication.sessions.open)
            return .object(json(context.principal, csrf: session?.csrfToken))
        }
        routes.on(
            .delete, "/api/v0/session", access: .anyKey,
            RouteDescription("Sign out.", tag: "Session", status: .noContent)
        ) { context in
            HTTPResponse(
                status: .noContent,
                headers: [
                    "Set-Cookie": SessionCookie.clear(
                        OperatorAuthentication.cookieName, host: hosts.effectiveHost(of: context.request))
                ])
        }
    }

    private func signIn(_ context: OperatorContext) async throws -> HTTPResponse {
        guard let token = try context.json()["token"]?.string else {
            throw Problem.invalid("required", field: "token", "is required")
        }
        guard let principal = try await authentication.principal(token: token) else {
            throw OperatorAuthentication.refusal
        }
        let made = try authentication.sessions.make(tokenHash: SHA256.hash(Array(token.utf8)))
        var response = HTTPResponse.object(json(principal, csrf: made.session.csrfToken), status: .created)
        response.headers.add(
            "Set-Cookie",
            SessionCookie.set(
                OperatorAuthentication.cookieName, made.cookie, lifetime: OperatorSessions.lifetime,
                host: hosts.effectiveHost(of: context.request)))
        return response
    }

    private func json(_ principal: OperatorPrincipal, csrf: String?) -> JSON {
        [
            "name": .string(principal.name), "role": .string(principal.role.rawValue), "csrf_token": .optional(csrf),
        ]
    }
}
