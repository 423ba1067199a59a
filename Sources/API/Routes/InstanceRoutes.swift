import HTTP
import JSON
public import Tenancy

/// The instance's own settings and API keys, for its administrators.
public struct InstanceRoutes: RouteGroup {
    private let administration: TenantAdministration

    /// Routes over an administration.
    public init(administration: TenantAdministration) { self.administration = administration }

    /// Adds the routes.
    public func register(in routes: inout TenantRoutes) {
        registerSettings(in: &routes)
        registerKeys(in: &routes)
    }

    private func registerSettings(in routes: inout TenantRoutes) {
        let administration = administration
        routes.on(
            .get, "/api/v0/instance", .read,
            RouteDescription("The instance: time zone, currency, country.", tag: "Instance", item: Self.schema)
        ) { context in
            .object(Self.object(try await administration.show(context.tenant.instanceName)))
        }
        routes.on(
            .patch, "/api/v0/instance", .admin,
            RouteDescription(
                "Change the time zone of reports, the currency of orders that name none, or the country of phone "
                    + "numbers that name none.", tag: "Instance", body: Self.schema, item: Self.schema)
        ) { context in
            var body = BodyReader(try context.json())
            var changes = TenantAdministration.Changes()
            changes.timeZone = body.string("time_zone")
            if body.has("default_currency") { changes.defaultCurrency = .some(body.string("default_currency")) }
            if body.has("default_country") { changes.defaultCountry = .some(body.string("default_country")) }
            try body.finish()
            return .object(
                Self.object(
                    try await administration.update(
                        context.tenant.instanceName, changes, actor: context.principal.actor)))
        }
    }

    private func registerKeys(in routes: inout TenantRoutes) {
        let administration = administration
        routes.on(
            .get, "/api/v0/api_keys", .admin,
            RouteDescription("List API keys, without the keys themselves.", tag: "API keys")
        ) { context in
            .enveloped(try await administration.keys(context.tenant.instanceName).map(TenantJSON.object))
        }
        routes.on(
            .post, "/api/v0/api_keys", .admin, creates: true,
            RouteDescription(
                "Make an API key. It is shown here and never again. It cannot do more than the key that makes it.",
                tag: "API keys",
                body: [
                    "type": "object", "required": ["name", "permissions"],
                    "properties": [
                        "name": ["type": "string", "maxLength": 100],
                        "permissions": [
                            "type": "array", "minItems": 1,
                            "items": ["enum": .array(Permission.allCases.map { .string($0.rawValue) })],
                        ],
                    ],
                ], status: .created, problems: [(.unprocessableContent, "permission_not_held")])
        ) { context in try await createKey(context) }
        routes.on(
            .delete, "/api/v0/api_keys/{id}", .admin,
            RouteDescription(
                "Revoke an API key and end its sessions.", tag: "API keys", status: .noContent,
                problems: [(.notFound, "api_key_not_found")])
        ) { context in
            let id = try context.id(notFound: "api_key_not_found")
            try await administration.revokeKey(
                context.tenant.instanceName, id: id, actor: context.principal.actor)
            return HTTPResponse(status: .noContent)
        }
    }

    private func createKey(_ context: TenantContext) async throws -> HTTPResponse {
        var body = BodyReader(try context.json())
        let name = body.string("name", required: true)
        let permissions = body.strings("permissions", required: true) ?? []
        for (index, text) in permissions.enumerated() {
            if let permission = Permission(rawValue: text), !context.principal.permissions.contains(permission) {
                body.fault("permissions[\(index)]", "permission_not_held", "is more than your own key may do")
            }
        }
        try body.finish()
        let made = try await administration.createKey(
            context.tenant.instanceName, name: name ?? "", permissions: permissions, actor: context.principal.actor)
        return .object(
            [
                "id": .id(made.id), "key": .string(made.key), "name": .optional(name),
                "permissions": .strings(made.permissions.permissions.map(\.rawValue)),
            ], status: .created)
    }

    private static let schema: JSON = [
        "type": "object",
        "properties": [
            "instance_name": ["type": "string", "readOnly": true],
            "display_name": ["type": "string", "readOnly": true],
            "time_zone": ["type": "string"], "default_currency": ["type": ["string", "null"]],
            "default_country": ["type": ["string", "null"]],
        ],
    ]

    private static func object(_ record: TenantRecord) -> JSON {
        [
            "instance_name": .string(record.instanceName), "display_name": .string(record.displayName),
            "time_zone": .string(record.timeZone), "default_currency": .optional(record.defaultCurrency),
            "default_country": .optional(record.defaultCountry),
            "features": .object(FeatureJSON.object(record.features)), "created_at": .time(record.createdAt),
        ]
    }
}
