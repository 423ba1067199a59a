import EventLoop
import FoundationEssentials
import HTTP
import JSON
public import Persistence
public import Tenancy

/// What a customer copies into Emarsys' webhook preset, and the draft of the five steps.
public struct WebhookSecretRoutes: RouteGroup {
    private let webhooks: WebhookSecretService
    private let database: Database
    private let hosts: HostPolicy

    /// Routes over a service.
    public init(webhooks: WebhookSecretService, database: Database, hosts: HostPolicy) {
        self.webhooks = webhooks
        self.database = database
        self.hosts = hosts
    }

    /// Adds the routes.
    public func register(in routes: inout TenantRoutes) {
        let base = ConnectionRoutes.base
        routes.on(
            .get, "\(base)/webhook", .read, feature: .emarsys,
            RouteDescription(
                "Addresses and secret for Emarsys' webhook preset. The secret needs the permission admin.",
                tag: "Webhook",
                query: [.init("reveal", "false leaves the secret out.", schema: ["type": "boolean"])],
                item: Self.schema)
        ) { context in
            let current = try await webhooks.current(context.tenant)
            let reveals =
                context.principal.permissions.contains(.admin) && context.request.queryItem("reveal") != "false"
            if reveals { try await webhooks.noteReveal(context.tenant, actor: context.principal.actor) }
            return .object(object(context, current, reveals: reveals))
        }
        routes.on(
            .post, "\(base)/webhook/rotate", .admin, feature: .emarsys,
            RouteDescription(
                "Make a new secret; the one before stays valid for the overlap.", tag: "Webhook",
                body: [
                    "type": "object",
                    "properties": [
                        "overlap_hours": ["type": "number", "minimum": 0, "maximum": 168, "default": 24]
                    ],
                ], item: Self.schema)
        ) { context in
            let json = try context.optionalJSON()
            var body = BodyReader(json)
            let hours = json["overlap_hours"]?.double ?? 24
            let isNumber = json["overlap_hours"].map { $0.isNull || $0.number != nil } ?? true
            if !isNumber || !(0...168).contains(hours) {
                body.fault("overlap_hours", "out_of_range", "must be a number from 0 to 168")
            }
            try body.finish()
            let overlap = Duration.seconds(Int64(hours * 3600))
            let current = try await webhooks.rotate(context.tenant, overlap: overlap, actor: context.principal.actor)
            return .object(object(context, current, reveals: true))
        }
        registerDraft(in: &routes)
    }

    private func registerDraft(in routes: inout TenantRoutes) {
        let path = "\(ConnectionRoutes.base)/draft"
        routes.on(
            .get, path, .read, feature: .emarsys,
            RouteDescription(
                "What has been entered into the five steps so far; no element without a draft.", tag: "Connection")
        ) { context in
            guard let found = try await ConnectDraftStore.find(context.tenant.id, in: database) else {
                return .enveloped([])
            }
            return .object(["step": .int(found.step), "draft": found.draft])
        }
        routes.on(
            .put, path, .write, feature: .emarsys,
            RouteDescription(
                "Keep what has been entered; secrets are left out.", tag: "Connection",
                body: [
                    "type": "object", "required": ["step", "draft"],
                    "properties": [
                        "step": ["type": "integer", "minimum": 1, "maximum": 5], "draft": ["type": "object"],
                    ],
                ])
        ) { context in
            var body = BodyReader(try context.json())
            let step = body.int("step", required: true, in: 1...5)
            let draft = body.object("draft", required: true)
            if let draft, draft.encoded().count > 16_384 { body.fault("draft", "too_long", "is too large") }
            try body.finish()
            try await ConnectDraftStore.put(
                context.tenant.id, step: step ?? 1, draft: draft ?? .object([:]), in: database)
            return .object(["step": .optional(step), "draft": draft ?? .null])
        }
        routes.on(
            .delete, path, .write, feature: .emarsys,
            RouteDescription("Forget the draft.", tag: "Connection", status: .noContent)
        ) { context in
            _ = try await database.run(.tenant(context.tenant.id), ConnectDraftStore.delete(context.tenant.id))
            return HTTPResponse(status: .noContent)
        }
    }

    private static let schema: JSON = [
        "type": "object",
        "properties": [
            "custom_event_url": ["type": "string", "format": "uri"],
            "order_event_url": ["type": "string", "format": "uri"], "secret": ["type": ["string", "null"]],
            "algorithms": ["type": "array", "items": ["type": "string"]],
            "previous_secret_valid_until": ["type": ["string", "null"], "format": "date-time"],
        ],
    ]

    private func object(_ context: TenantContext, _ current: WebhookSecretService.Current, reveals: Bool) -> JSON {
        let address = "\(hosts.publicOrigin(of: context.request))/api/v0/webhooks/incoming/emarsys"
        return [
            "custom_event_url": .string("\(address)/custom_external_event"),
            "order_event_url": .string("\(address)/order_external_event"),
            "secret": reveals ? .string(current.secret) : .null,
            "algorithms": ["HS256", "HS384", "HS512"],
            "previous_secret_valid_until": .time(current.previousValidUntil),
        ]
    }
}
