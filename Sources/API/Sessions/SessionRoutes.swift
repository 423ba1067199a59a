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
    let hosts: HostPolicy

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
        var response = answer(context.tenant, known.permissions, csrf: csrf, expiresAt: now + Self.lifetime)
        response.status = .created
        response.headers.add(
            "Set-Cookie",
            SessionCookie.set(
                Authentication.cookieName, token, lifetime: Self.lifetime,
                host: hosts.effectiveHost(of: context.request)))
        return response
    }

    private func show(_ context: TenantContext) async throws -> HTTPResponse {
        guard case .session = context.principal.kind, let token = Authentication.cookie(context.request),
            let session = try await authentication.session(token, context.tenant)
        else {
            return answer(context.tenant, context.principal.permissions, csrf: nil, expiresAt: nil)
        }
        return answer(
            context.tenant, session.permissions, csrf: session.csrfToken, expiresAt: session.expiresAt,
            name: session.keyName)
    }

    private func signOut(_ context: TenantContext) async throws -> HTTPResponse {
        if let token = Authentication.cookie(context.request) {
            try await SessionStore.delete(
                SHA256.hash(Array(token.utf8)), tenant: context.tenant.id, in: database)
        }
        return HTTPResponse(
            status: .noContent,
            headers: [
                "Set-Cookie": SessionCookie.clear(
                    Authentication.cookieName, host: hosts.effectiveHost(of: context.request))
            ])
    }

    /// Written without a tree in between: pages ask for it at each start, and nothing in it needs the database.
    private func answer(
        _ tenant: Tenant, _ permissions: PermissionSet, csrf: String?, expiresAt: Timestamp?, name: String? = nil
    ) -> HTTPResponse {
        var writer = JSONWriter(capacity: 384)
        writer.beginEnvelope(count: 1)
        writer.beginObject()
        writer.key("instance_name")
        writer.string(tenant.instanceName)
        writer.key("display_name")
        writer.string(tenant.displayName)
        writer.key("name")
        writer.string(name)
        writer.key("time_zone")
        writer.string(tenant.timeZone)
        writer.key("default_currency")
        writer.string(tenant.defaultCurrency)
        writer.key("permissions")
        writer.beginArray()
        for permission in Permission.allCases where permissions.contains(permission) {
            writer.string(permission.rawValue)
        }
        writer.endArray()
        writer.key("features")
        writer.beginObject()
        for feature in Feature.allCases {
            writer.key(dynamic: feature.rawValue)
            writer.bool(tenant.features.contains(feature))
        }
        writer.endObject()
        writer.key("csrf_token")
        writer.string(csrf)
        writer.key("expires_at")
        writer.string(expiresAt?.rfc3339)
        writer.endObject()
        writer.endEnvelope()
        return .json(bytes: writer.bytes)
    }
}

/// `features` as the API shows them.
enum FeatureJSON {
    static func object(_ features: FeatureSet) -> JSONObject {
        JSONObject(Feature.allCases.map { ($0.rawValue, .bool(features.contains($0))) })
    }
}
