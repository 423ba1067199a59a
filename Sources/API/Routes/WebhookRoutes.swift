import HTTP
import JSON
import Tenancy

/// What Emarsys calls. The token is the webhook's own; the answer comes once the event is durable.
public struct WebhookRoutes: RouteGroup {
    let webhooks: WebhookService
    let refusals: RefusedWebhooks?

    /// Routes over a service.
    ///
    /// - Parameter refusals: counts wrong tokens, so that a burst raises an alert
    public init(webhooks: WebhookService, refusals: RefusedWebhooks? = nil) {
        self.webhooks = webhooks
        self.refusals = refusals
    }

    /// Adds the routes.
    public func register(in routes: inout TenantRoutes) {
        routes.on(
            .post, "/api/v0/webhooks/incoming/emarsys/custom_external_event", access: .open, feature: .emarsys,
            description("Take a custom event, or an array of them")
        ) { context in
            try await receive(context, .custom)
        }
        routes.on(
            .post, "/api/v0/webhooks/incoming/emarsys/order_external_event", access: .open, feature: .orderEvents,
            description("Take an order event, or an array of them")
        ) { context in
            try await receive(context, .order)
        }
    }

    private func receive(_ context: TenantContext, _ source: EventSource) async throws -> HTTPResponse {
        do {
            return try await webhooks.receive(context.request, tenant: context.tenant, source: source)
        } catch {
            if error.status == .unauthorized { refusals?.note(context.tenant.id) }
            throw error
        }
    }

    private func description(_ summary: String) -> RouteDescription {
        RouteDescription(
            summary, tag: "Webhooks",
            body: [
                "type": "object",
                "properties": [
                    "external_reference_id": ["type": "string"], "email": ["type": "string"],
                    "phone": ["type": "string"],
                    "event_name": ["type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,128}$"],
                    "event_time": ["type": "string", "format": "date-time"], "event_data": ["type": "object"],
                    "deduplication_id": ["type": "string"],
                ],
                "required": ["event_name"],
            ],
            item: [
                "type": "object",
                "properties": [
                    "id": ["type": "string"],
                    "status": ["type": "string", "enum": ["accepted", "duplicate", "rejected", "held"]],
                    "errors": ["type": "array"],
                ],
            ],
            status: .accepted,
            problems: [
                (.badRequest, "invalid_json"), (.unauthorized, "invalid_token"), (.contentTooLarge, "body_too_large"),
                (.unprocessableContent, "invalid_event_name"), (.serviceUnavailable, "database_unavailable"),
            ])
    }
}
