import EventLoop
import FoundationEssentials
import HTTP
import JSON
public import Tenancy

/// API keys and reporting logins on the operators' host.
public struct AccessRoutes: OperatorRouteGroup {
    private let administration: TenantAdministration
    private let reporting: ReportingAccess

    /// Routes over an administration.
    public init(administration: TenantAdministration, reporting: ReportingAccess) {
        self.administration = administration
        self.reporting = reporting
    }

    /// Adds the routes.
    public func register(in routes: inout OperatorRoutes) {
        let missing: [(HTTPStatus, String)] = [(.notFound, "tenant_not_found")]
        routes.on(
            .post, "/api/v0/tenants/{instance}/api_keys", .write, creates: true,
            RouteDescription(
                "Make an API key. It is shown here and never again.", tag: "API keys",
                body: [
                    "type": "object", "required": ["name", "permissions"],
                    "properties": [
                        "name": ["type": "string", "maxLength": 100],
                        "permissions": [
                            "type": "array", "minItems": 1,
                            "items": ["enum": .array(Permission.allCases.map { .string($0.rawValue) })],
                        ],
                    ],
                ], status: .created, problems: missing)
        ) { context in try await createKey(context) }
        routes.on(
            .get, "/api/v0/tenants/{instance}/api_keys", .read,
            RouteDescription("List API keys, without the keys themselves.", tag: "API keys", problems: missing)
        ) { context in .enveloped(try await administration.keys(context.instance).map(TenantJSON.object)) }
        routes.on(
            .delete, "/api/v0/tenants/{instance}/api_keys/{id}", .write,
            RouteDescription(
                "Revoke an API key and end its sessions.", tag: "API keys", status: .noContent,
                problems: missing + [(.notFound, "api_key_not_found")])
        ) { context in
            let id = try context.id(notFound: "api_key_not_found")
            try await administration.revokeKey(context.instance, id: id, actor: context.principal.actor)
            return HTTPResponse(status: .noContent)
        }
        routes.on(
            .post, "/api/v0/tenants/{instance}/reporting_access", .write, creates: true,
            RouteDescription(
                "Make a read-only PostgreSQL login of the instance.", tag: "Reporting", status: .created,
                problems: missing)
        ) { context in
            let login = try await reporting.grant(context.instance, actor: context.principal.actor)
            return .object(
                [
                    "role": .string(login.role), "password": .string(login.password), "dsn": .string(login.dsn),
                ], status: .created)
        }
        routes.on(
            .get, "/api/v0/tenants/{instance}/reporting_access", .read,
            RouteDescription("List reporting logins.", tag: "Reporting", problems: missing)
        ) { context in
            .enveloped(
                try await reporting.list(context.instance).map {
                    [
                        "role": .string($0.role), "created_by": .string($0.createdBy),
                        "created_at": .string($0.createdAt.rfc3339),
                    ]
                })
        }
        routes.on(
            .delete, "/api/v0/tenants/{instance}/reporting_access/{role}", .write,
            RouteDescription(
                "Drop a reporting login and end its sessions.", tag: "Reporting", status: .noContent,
                problems: missing + [(.notFound, "reporting_access_not_found")])
        ) { context in
            try await reporting.revoke(
                context.instance, role: context.parameters["role"] ?? "", actor: context.principal.actor)
            return HTTPResponse(status: .noContent)
        }
    }

    private func createKey(_ context: OperatorContext) async throws -> HTTPResponse {
        var body = BodyReader(try context.json())
        let name = body.string("name", required: true)
        let permissions = body.strings("permissions", required: true)
        try body.finish()
        let made = try await administration.createKey(
            context.instance, name: name ?? "", permissions: permissions ?? [], actor: context.principal.actor)
        return .object(
            [
                "id": .string(made.id.uuidString.lowercased()), "key": .string(made.key),
                "name": .optional(name),
                "permissions": .array(made.permissions.permissions.map { .string($0.rawValue) }),
            ], status: .created)
    }
}
