import HTTP
import Tenancy

/// Orders as they are known.
public struct OrderRoutes: RouteGroup {
    let orders: OrderService

    /// Routes over a service.
    public init(orders: OrderService) { self.orders = orders }

    /// Adds the routes.
    public func register(in routes: inout TenantRoutes) {
        let orders = orders
        routes.on(
            .get, "/api/v0/orders", .read,
            RouteDescription(
                "List orders, newest first", tag: "Orders",
                query: [
                    .init("contact_id", "Orders of one contact"), .init("outcome", "linked, anonymous or skipped"),
                ] + RouteDescription.paging)
        ) { context in
            let page = try await orders.list(
                tenantID: context.tenant.id, contactID: try context.optionalID("contact_id"),
                outcome: context.request.queryItem("outcome"), request: try context.page())
            return .list(page) { $0 }
        }
        routes.on(
            .get, "/api/v0/orders/{id}", .read, RouteDescription("Show an order with its history", tag: "Orders")
        ) { context in
            let id = try context.id(notFound: "order_not_found")
            return .object(try await orders.find(tenantID: context.tenant.id, id: id))
        }
    }
}
