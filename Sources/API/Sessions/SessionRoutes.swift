import Crypto
import EventLoop
import HTTP
import JSON
import Persistence
import Tenancy

/// Signing in with a key, for people: a cookie for reading, and a token beside it that every write repeats.
struct SessionRoutes: RouteGroup {
    static let lifetime = Duration.seconds(12 * 3600)

    let authentication: Authentication
    let database: Database
    let time: any TimeSource

    func register(in routes: inout TenantRoutes) {
        routes.on(
            .post, "/api/v0/session", access: .open,
            RouteDescription(
                "Sign in with a key.", tag: "Session",
                body: ["type": "object", "required": ["api_key"], "properties": ["api_key": ["type": "string"]]],
                item: Self.schema, status: .created, problems: [(.unauthorized, "unauthorized")])
        ) { context in try await signIn(context) }
        routes.on(
            .get, "/api/v0/session", access: .anyKey,
            RouteDescription("Who is signed in, and what that key may do.", tag: "Session", item: Self.schema)
        ) { context in try await show(context) }
        routes.on(
            .delete, "/api/v0/session", access: .anyKey,
            RouteDescription("Sign out.", tag: "Session", status: .noContent)
        ) { context in try await signOut(context) }
    }

    private static let schema: JSON = [
        "type": "object",
        "properties": [
            "instance_name": ["type": "string"], "display_name": ["type": "string"],
            "name": ["type": ["string", "null"]], "time_zone": ["type": "string"],
            "default_currency": ["type": ["string", "null"]],
            "permissions": ["type": "array", "items": ["type": "string"]],
            "features": ["type": "object"],
            "csrf_token": ["type": ["string", "null"]],
            "expires_at": ["type": ["string", "null"], "format": "date-time"],
        ],
    ]

    private func signIn(_ context: TenantContext) async throws -> HTTPResponse {
        let body = try context.json()
        guard let key = body["api_key"]?.string else {
            throw Problem.invalid("required", field: "api_key", "is required")
        }
        guard let known = Authentication.key(Array(key.utf8)[...], of: context.tenant) else {
            throw Problem.unauthorized
        }
        let token = SecureRandom.token(32)
        let csrf = SecureRandom.token(24)
        let now = time.now()
        try await SessionStore.insert(
            SHA256.hash(Array(token.utf8)), keyID: known.id, csrfToken: csrf, tenant: context.tenant.id, now: now,
            expiresAt: now + Self.lifetime, in: database)
        var response = HTTPResponse.object(
            json(context.tenant, known.permissions, csrf: csrf, expiresAt: now + Self.lifetime), status: .created)
        response.headers.add(
            "Set-Cookie",
            SessionCookie.set(Authentication.cookieName, token, lifetime: Self.lifetime, host: context.request.host))
        return response
    }

    private func show(_ context: TenantContext) async throws -> HTTPResponse {
        guard case .session = context.principal.kind, let token = Authentication.cookie(context.request),
            let session = try await authentication.session(token, context.tenant)
        else {
            return .object(json(context.tenant, context.principal.permissions, csrf: nil, expiresAt: nil))
        }
        return .object(
            json(
                context.tenant, session.permissions, csrf: session.csrfToken, expiresAt: session.expiresAt,
                name: session.keyName))
    }

    private func signOut(_ context: TenantContext) async throws -> HTTPResponse {
        if let token = Authentication.cookie(context.request) {
            try await SessionStore.delete(
                SHA256.hash(Array(token.utf8)), tenant: context.tenant.id, in: database)
        }
        return HTTPResponse(
            status: .noContent,
            headers: ["Set-Cookie": SessionCookie.clear(Authentication.cookieName, host: context.request.host)])
    }

    private func json(
        _ tenant: Tenant, _ permissions: PermissionSet, csrf: String?, expiresAt: Timestamp?, name: String? = nil
    ) -> JSON {
        [
            "instance_name": .string(tenant.instanceName),
            "display_name": .string(tenant.displayName),
            "name": .optional(name),
            "time_zone": .string(tenant.timeZone),
            "default_currency": .optional(tenant.defaultCurrency),
            "permissions": .array(permissions.permissions.map { .string($0.rawValue) }),
            "features": .object(FeatureJSON.object(tenant.features)),
            "csrf_token": .optional(csrf),
            "expires_at": .optional(expiresAt?.rfc3339),
        ]
    }
}

/// `features` as the API shows them.
enum FeatureJSON {
    static func object(_ features: FeatureSet) -> JSONObject {
        JSONObject(Feature.allCases.map { ($0.rawValue, .bool(features.contains($0))) })
    }
}
