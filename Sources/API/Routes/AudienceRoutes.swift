import HTTP
import JSON
import Tenancy

/// Audiences, and who is in them.
public struct AudienceRoutes: RouteGroup {
    let audiences: AudienceService

    /// Routes over a service.
    public init(audiences: AudienceService) { self.audiences = audiences }

    private static let body: JSON = [
        "type": "object",
        "properties": ["name": ["type": "string"], "rules": ["type": "object"]], "required": ["name", "rules"],
    ]

    /// Adds the routes.
    public func register(in routes: inout TenantRoutes) {
        let audiences = audiences
        routes.on(
            .get, "/api/v0/audiences", .read,
            RouteDescription("List audiences, newest first", tag: "Audiences", query: RouteDescription.paging)
        ) { context in
            .list(try await audiences.list(tenantID: context.tenant.id, request: try context.page()), \.json)
        }
        routes.on(
            .post, "/api/v0/audiences", .write, creates: true,
            RouteDescription("Make an audience", tag: "Audiences", body: Self.body, status: .created)
        ) { context in
            .object(
                try await audiences.create(tenant: context.tenant, body: try context.json()).json, status: .created)
        }
        routes.on(
            .post, "/api/v0/audiences/preview", .read,
            RouteDescription(
                "Count who would be in an audience", tag: "Audiences",
                body: ["type": "object", "properties": ["rules": ["type": "object"]], "required": ["rules"]])
        ) { context in
            let rules = try context.json()["rules"] ?? .null
            return .object(["count": .int(try await audiences.count(tenant: context.tenant, rules: rules))])
        }
        routes.on(
            .get, "/api/v0/audiences/{id}", .read, RouteDescription("Show an audience", tag: "Audiences")
        ) { context in
            let id = try context.id(notFound: "audience_not_found")
            return .object(try await audiences.find(tenantID: context.tenant.id, id: id).json)
        }
        routes.on(
            .patch, "/api/v0/audiences/{id}", .write,
            RouteDescription(
                "Change the name or the rules of an audience", tag: "Audiences",
                body: [
                    "type": "object", "properties": ["name": ["type": "string"], "rules": ["type": "object"]],
                ], problems: [(.notFound, "audience_not_found")])
        ) { context in
            let id = try context.id(notFound: "audience_not_found")
            return .object(
                try await audiences.update(tenant: context.tenant, id: id, body: try context.json()).json)
        }
        routes.on(
            .delete, "/api/v0/audiences/{id}", .write,
            RouteDescription("Remove an audience", tag: "Audiences", status: .noContent)
        ) { context in
            let id = try context.id(notFound: "audience_not_found")
            try await audiences.remove(tenantID: context.tenant.id, id: id)
            return HTTPResponse(status: .noContent)
        }
        routes.on(
            .get, "/api/v0/audiences/{id}/count", .read,
            RouteDescription("Count who is in an audience now", tag: "Audiences")
        ) { context in
            let id = try context.id(notFound: "audience_not_found")
            return .object(["count": .int(try await audiences.count(tenant: context.tenant, id: id))])
        }
        routes.on(
            .get, "/api/v0/audiences/{id}/contacts", .read,
            RouteDescription(
                "List who is in an audience now, newest first", tag: "Audiences", query: RouteDescription.paging)
        ) { context in
            let id = try context.id(notFound: "audience_not_found")
            let page = try await audiences.contacts(tenant: context.tenant, id: id, request: try context.page())
            return .list(page) { $0 }
        }
    }
}
