import EventLoop
import HTTP
import JSON
public import Tenancy

/// Tenants, their features and audit log on the operators' host.
public struct TenantAdministrationRoutes: OperatorRouteGroup {
    private let administration: TenantAdministration
    private let log: Log

    /// Routes over an administration.
    public init(administration: TenantAdministration, log: Log) {
        self.administration = administration
        self.log = log
    }

    /// Adds the routes.
    public func register(in routes: inout OperatorRoutes) {
        routes.on(
            .post, "/api/v0/tenants", .write, creates: true,
            RouteDescription(
                "Create an instance.", tag: "Tenants", body: Self.newTenant, item: TenantJSON.schema, status: .created,
                problems: [
                    (.conflict, "instance_name_taken"), (.unprocessableContent, "invalid_instance_name"),
                    (.unprocessableContent, "reserved_instance_name"),
                ])
        ) { context in try await create(context) }
        routes.on(
            .get, "/api/v0/tenants", .read,
            RouteDescription(
                "List instances, the newest first.", tag: "Tenants",
                query: [
                    .init("q", "Part of the instance's or display name."),
                    .init("status", "Only these.", schema: ["enum": ["active", "suspended"]]),
                ] + RouteDescription.paging, item: TenantJSON.schema)
        ) { context in try await list(context) }
        routes.on(
            .get, "/api/v0/tenants/{instance}", .read,
            RouteDescription(
                "Show an instance.", tag: "Tenants", item: TenantJSON.schema,
                problems: [(.notFound, "tenant_not_found")])
        ) { context in .object(TenantJSON.object(try await administration.show(context.instance))) }
        routes.on(
            .patch, "/api/v0/tenants/{instance}", .write,
            RouteDescription(
                "Change, suspend or resume an instance.", tag: "Tenants", body: Self.changes, item: TenantJSON.schema,
                problems: [(.notFound, "tenant_not_found")])
        ) { context in try await update(context) }
        routes.on(
            .delete, "/api/v0/tenants/{instance}", .write,
            RouteDescription(
                "Remove an instance with everything it holds.", tag: "Tenants",
                query: [.init("confirm", "The instance's name again.")],
                item: ["type": "object", "properties": ["tables": ["type": "object"]]],
                problems: [(.notFound, "tenant_not_found"), (.unprocessableContent, "confirmation_required")])
        ) { context in try await delete(context) }
        routes.on(
            .put, "/api/v0/tenants/{instance}/features/{feature}", .write,
            RouteDescription(
                "Switch a feature on or off.", tag: "Features",
                body: [
                    "type": "object", "required": ["enabled"],
                    "properties": ["enabled": ["type": "boolean"], "note": ["type": ["string", "null"]]],
                ], item: TenantJSON.schema,
                problems: [(.notFound, "tenant_not_found"), (.notFound, "feature_not_found")])
        ) { context in try await setFeature(context) }
        routes.on(
            .get, "/api/v0/tenants/{instance}/audit", .read,
            RouteDescription(
                "Who changed what, when.", tag: "Tenants", query: RouteDescription.paging,
                problems: [(.notFound, "tenant_not_found")])
        ) { context in
            .list(try await administration.audit(context.instance, page: context.page()), TenantJSON.object)
        }
    }

    private static let newTenant: JSON = [
        "type": "object", "required": ["instance_name", "display_name"],
        "properties": [
            "instance_name": ["type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"],
            "display_name": ["type": "string", "minLength": 1, "maxLength": 200],
            "time_zone": ["type": "string", "default": "Europe/Berlin"],
            "default_currency": ["type": ["string", "null"], "pattern": "^[A-Z]{3}$"],
            "default_country": ["type": ["string", "null"], "pattern": "^[A-Z]{2}$"],
        ],
    ]

    private static let changes: JSON = [
        "type": "object",
        "properties": [
            "display_name": ["type": "string"], "status": ["enum": ["active", "suspended"]],
            "time_zone": ["type": "string"], "default_currency": ["type": ["string", "null"]],
            "default_country": ["type": ["string", "null"]], "settings": ["type": "object"],
        ],
    ]

    private func create(_ context: OperatorContext) async throws -> HTTPResponse {
        var body = BodyReader(try context.json())
        let name = body.string("instance_name", required: true)
        let display = body.string("display_name", required: true)
        let zone = body.string("time_zone")
        let currency = body.string("default_currency")
        let country = body.string("default_country")
        try body.finish()
        let record = try await administration.create(
            instanceName: name ?? "", displayName: display ?? "", timeZone: zone, defaultCurrency: currency,
            defaultCountry: country, actor: context.principal.actor)
        return .object(TenantJSON.object(record), status: .created)
    }

    private func list(_ context: OperatorContext) async throws -> HTTPResponse {
        var status: Tenant.Status?
        if let text = context.request.queryItem("status"), !text.isEmpty {
            status = Tenant.Status(rawValue: text)
            if status == nil { throw Problem.invalid("unknown_status", field: "status", "must be active or suspended") }
        }
        let search = context.request.queryItem("q").flatMap { $0.isEmpty ? nil : $0 }
        return .list(
            try await administration.list(search: search, status: status, page: context.page()), TenantJSON.object)
    }

    private func update(_ context: OperatorContext) async throws -> HTTPResponse {
        var body = BodyReader(try context.json())
        var changes = TenantAdministration.Changes()
        changes.displayName = body.string("display_name")
        if let text = body.string("status") {
            changes.status = Tenant.Status(rawValue: text)
            if changes.status == nil { body.fault("status", "unknown_status", "must be active or suspended") }
        }
        changes.timeZone = body.string("time_zone")
        if body.has("default_currency") { changes.defaultCurrency = .some(body.string("default_currency")) }
        if body.has("default_country") { changes.defaultCountry = .some(body.string("default_country")) }
        if body.has("settings") { changes.settings = body.object("settings") }
        try body.finish()
        let record = try await administration.update(context.instance, changes, actor: context.principal.actor)
        return .object(TenantJSON.object(record))
    }

    private func delete(_ context: OperatorContext) async throws -> HTTPResponse {
        let proof = try await TenantErasure(administration: administration).erase(
            context.instance, confirm: context.request.queryItem("confirm"))
        log(
            .info, "tenant_deleted",
            ["instance": .string(context.instance), "actor": .string(context.principal.actor)])
        return .object(TenantJSON.object(proof))
    }

    private func setFeature(_ context: OperatorContext) async throws -> HTTPResponse {
        guard let feature = Feature(rawValue: context.parameters["feature"] ?? "") else {
            throw Problem.notFound("feature_not_found", "Features are emarsys and order_events.")
        }
        var body = BodyReader(try context.json())
        let enabled = body.bool("enabled", required: true)
        let note = body.string("note", limit: 2000)
        try body.finish()
        let record = try await administration.setFeature(
            context.instance, feature, enabled: enabled ?? false, note: note, actor: context.principal.actor)
        return .object(TenantJSON.object(record))
    }
}

extension OperatorContext {
    /// The instance in the path.
    var instance: String { parameters["instance"] ?? "" }
}
