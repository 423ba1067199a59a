import HTTP
import JSON
import Tenancy

/// Touches, and what orders are attributed by.
public struct TouchRoutes: RouteGroup {
    let attribution: AttributionService

    /// Routes over a service.
    public init(attribution: AttributionService) { self.attribution = attribution }

    /// Adds the routes.
    public func register(in routes: inout TenantRoutes) {
        let attribution = attribution
        routes.on(
            .post, "/api/v0/touches", .write, creates: true,
            RouteDescription(
                "Record what reached a contact, or what the contact did", tag: "Orders",
                body: [
                    "type": "object",
                    "properties": [
                        "contact": ["type": "object"], "kind": ["type": "string", "enum": ["read", "click", "reply"]],
                        "flow_id": ["type": "string"], "flow_run_id": ["type": "string"],
                        "campaign": ["type": "string"], "occurred_at": ["type": "string", "format": "date-time"],
                    ], "required": ["contact", "kind"],
                ], status: .created, problems: [(.notFound, "contact_not_found")])
        ) { context in
            .object(
                try await attribution.touch(tenant: context.tenant, body: try context.json()).json, status: .created)
        }
        routes.on(
            .get, "/api/v0/attribution", .read,
            RouteDescription("Show the attribution window, its history and the rule for discount codes", tag: "Orders")
        ) { context in
            .object(try await attribution.settings(tenant: context.tenant))
        }
        routes.on(
            .put, "/api/v0/attribution", .write,
            RouteDescription(
                "Change the attribution window or the rule for discount codes", tag: "Orders",
                body: [
                    "type": "object",
                    "properties": [
                        "window_days": ["type": "integer", "minimum": 1, "maximum": 90],
                        "coupon_attribution": ["type": "string", "enum": ["unstitched", "all", "off"]],
                    ],
                ])
        ) { context in
            .object(
                try await attribution.setSettings(
                    tenant: context.tenant, body: try context.json(), actor: context.principal.actor))
        }
        routes.on(
            .get, "/api/v0/coupon_codes", .read,
            RouteDescription("List the discount codes that belong to a flow or campaign", tag: "Orders")
        ) { context in
            .enveloped(try await attribution.coupons(tenantID: context.tenant.id))
        }
        routes.on(
            .post, "/api/v0/coupon_codes", .write, creates: true,
            RouteDescription(
                "Say to which flow or campaign a discount code belongs", tag: "Orders",
                body: [
                    "type": "object",
                    "properties": [
                        "code": ["type": "string"], "flow_id": ["type": "string"], "campaign": ["type": "string"],
                    ], "required": ["code"],
                ], status: .created)
        ) { context in
            .object(try await attribution.putCoupon(tenant: context.tenant, body: try context.json()), status: .created)
        }
        routes.on(
            .delete, "/api/v0/coupon_codes/{code}", .write,
            RouteDescription("Forget a discount code", tag: "Orders", status: .noContent)
        ) { context in
            try await attribution.removeCoupon(tenant: context.tenant, code: context.parameters["code"] ?? "")
            return HTTPResponse(status: .noContent)
        }
    }
}
