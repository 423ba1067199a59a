import HTTP
import JSON
import Tenancy

/// Where the instance receives what happens, and what has been sent there.
public struct DeliveryRoutes: RouteGroup {
    let deliveries: DeliveryService

    /// Routes over a service.
    public init(deliveries: DeliveryService) { self.deliveries = deliveries }

    /// Adds the routes.
    public func register(in routes: inout TenantRoutes) {
        registerEndpoint(in: &routes)
        registerDeliveries(in: &routes)
    }

    private func registerEndpoint(in routes: inout TenantRoutes) {
        let deliveries = deliveries
        routes.on(
            .get, "/api/v0/delivery_endpoint", .read,
            RouteDescription(
                "Show the delivery endpoint; its secret with permission admin", tag: "Deliveries",
                query: [.init("reveal", "false leaves the secret out", schema: ["type": "boolean"])])
        ) { context in
            let reveals =
                context.principal.permissions.contains(.admin) && context.request.queryItem("reveal") != "false"
            let endpoint = try await deliveries.endpoint(
                tenantID: context.tenant.id, revealedTo: reveals ? context.principal.actor : nil)
            return .enveloped(endpoint.map { [$0] } ?? [])
        }
        routes.on(
            .put, "/api/v0/delivery_endpoint", .write,
            RouteDescription(
                "Set the delivery endpoint", tag: "Deliveries",
                body: [
                    "type": "object",
                    "properties": ["url": ["type": "string"], "enabled": ["type": "boolean"]], "required": ["url"],
                ],
                problems: [
                    (.unprocessableContent, "invalid_url"), (.unprocessableContent, "address_not_allowed"),
                ])
        ) { context in
            let put = try await deliveries.putEndpoint(tenantID: context.tenant.id, body: try context.json())
            return .object(put.json, status: put.isNew ? .created : .ok)
        }
        routes.on(
            .post, "/api/v0/delivery_endpoint/rotate", .admin,
            RouteDescription(
                "Make a new secret; the old one signs too for the overlap", tag: "Deliveries",
                body: ["type": "object", "properties": ["overlap_hours": ["type": "integer"]]])
        ) { context in
            .object(try await deliveries.rotate(tenantID: context.tenant.id, body: try context.optionalJSON()))
        }
        routes.on(
            .post, "/api/v0/delivery_endpoint/test", .write,
            RouteDescription("Send a test delivery now", tag: "Deliveries")
        ) { context in
            .object(try await deliveries.test(tenantID: context.tenant.id))
        }
    }

    private func registerDeliveries(in routes: inout TenantRoutes) {
        let deliveries = deliveries
        routes.on(
            .get, "/api/v0/deliveries", .read,
            RouteDescription(
                "List deliveries, newest first", tag: "Deliveries",
                query: [
                    .init(
                        "state",
                        "queued, delivered, failed (tried in vain, will be tried again) or dead (given up)"),
                    .init("type", "Such as flow.triggered"),
                    .init("contact_id", "Deliveries about one contact"), .init("flow_run_id", "Deliveries of one run"),
                ] + RouteDescription.paging)
        ) { context in
            let filter = DeliveryFilter(
                state: context.request.queryItem("state"), type: context.request.queryItem("type"),
                contactID: try context.optionalID("contact_id"), flowRunID: try context.optionalID("flow_run_id"))
            let page = try await deliveries.list(
                tenantID: context.tenant.id, filter: filter, request: try context.page())
            return .list(page, \.json)
        }
        routes.on(
            .get, "/api/v0/deliveries/{id}", .read,
            RouteDescription("Show a delivery with the log of its attempts", tag: "Deliveries")
        ) { context in
            let id = try context.id(notFound: "delivery_not_found")
            return .object(try await deliveries.find(tenantID: context.tenant.id, id: id).json)
        }
        routes.on(
            .post, "/api/v0/deliveries/{id}/replay", .write,
            RouteDescription("Queue a delivery again", tag: "Deliveries", status: .accepted)
        ) { context in
            let id = try context.id(notFound: "delivery_not_found")
            return .object(
                try await deliveries.replay(tenantID: context.tenant.id, id: id).json, status: .accepted)
        }
    }
}
