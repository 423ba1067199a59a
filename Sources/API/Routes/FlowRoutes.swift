import FoundationEssentials
import HTTP
import JSON
import Tenancy

/// Flows and their runs.
public struct FlowRoutes: RouteGroup {
    let flows: FlowService

    /// Routes over a service.
    public init(flows: FlowService) { self.flows = flows }

    /// Adds the routes.
    public func register(in routes: inout TenantRoutes) {
        registerFlows(in: &routes)
        registerRuns(in: &routes)
    }

    private static let body: JSON = [
        "type": "object",
        "properties": [
            "name": ["type": "string"], "trigger": ["type": "string", "enum": ["emarsys_event", "emarsys_order"]],
            "event_name": ["type": "string"], "payload": ["type": "object"], "enabled": ["type": "boolean"],
            "require_consent": ["type": "boolean"],
            "frequency_cap": [
                "type": ["object", "null"], "properties": ["max": ["type": "integer"], "hours": ["type": "integer"]],
            ],
        ],
    ]

    private func registerFlows(in routes: inout TenantRoutes) {
        let flows = flows
        routes.on(
            .get, "/api/v0/flows", .read,
            RouteDescription("List flows, newest first", tag: "Flows", query: RouteDescription.paging)
        ) { context in
            .list(try await flows.list(tenantID: context.tenant.id, request: try context.page()), \.json)
        }
        routes.on(
            .post, "/api/v0/flows", .write, creates: true,
            RouteDescription("Make a flow", tag: "Flows", body: Self.body, status: .created)
        ) { context in
            .object(
                try await flows.create(tenantID: context.tenant.id, body: try context.json()).json, status: .created)
        }
        routes.on(
            .get, "/api/v0/flows/{id}", .read, RouteDescription("Show a flow", tag: "Flows")
        ) { context in
            let id = try context.id(notFound: "flow_not_found")
            return .object(try await flows.find(tenantID: context.tenant.id, id: id).json)
        }
        routes.on(
            .patch, "/api/v0/flows/{id}", .write, RouteDescription("Change a flow", tag: "Flows", body: Self.body)
        ) { context in
            let id = try context.id(notFound: "flow_not_found")
            return .object(
                try await flows.update(tenantID: context.tenant.id, id: id, body: try context.json()).json)
        }
        routes.on(
            .delete, "/api/v0/flows/{id}", .write,
            RouteDescription("Remove a flow; its runs stay", tag: "Flows", status: .noContent)
        ) { context in
            let id = try context.id(notFound: "flow_not_found")
            try await flows.remove(tenantID: context.tenant.id, id: id)
            return HTTPResponse(status: .noContent)
        }
        routes.on(
            .post, "/api/v0/flows/{id}/test", .write, creates: true,
            RouteDescription(
                "Fill a flow's payload from a sample event; nothing is delivered", tag: "Flows",
                body: ["type": "object"], status: .created)
        ) { context in
            let id = try context.id(notFound: "flow_not_found")
            let run = try await flows.test(
                tenantID: context.tenant.id, id: id, sample: try context.optionalJSON())
            return .object(run.json, status: .created)
        }
    }

    private func registerRuns(in routes: inout TenantRoutes) {
        let flows = flows
        routes.on(
            .get, "/api/v0/flow_runs", .read,
            RouteDescription(
                "List flow runs, newest first; with state=queued the ones to fetch", tag: "Flows",
                query: [
                    .init("state", "queued, delivered, failed, no_phone, no_consent, capped or cancelled"),
                    .init("flow_id", "Runs of one flow"), .init("contact_id", "Runs for one contact"),
                    .init("event_id", "Runs of one event"),
                ] + RouteDescription.paging)
        ) { context in
            let page = try await flows.runs(
                tenantID: context.tenant.id, state: context.request.queryItem("state"),
                flowID: try context.optionalID("flow_id"), contactID: try context.optionalID("contact_id"),
                eventID: try context.optionalID("event_id"), request: try context.page())
            return .list(page, \.json)
        }
        routes.on(
            .get, "/api/v0/flow_runs/{id}", .read, RouteDescription("Show a flow run", tag: "Flows")
        ) { context in
            let id = try context.id(notFound: "flow_run_not_found")
            return .object(try await flows.run(tenantID: context.tenant.id, id: id).json)
        }
        routes.on(
            .post, "/api/v0/flow_runs/{id}/ack", .write,
            RouteDescription(
                "Acknowledge a fetched run", tag: "Flows", problems: [(.conflict, "flow_run_not_queued")])
        ) { context in
            let id = try context.id(notFound: "flow_run_not_found")
            return .object(try await flows.acknowledge(tenantID: context.tenant.id, id: id).json)
        }
    }
}

extension RequestContext {
    /// A parameter of the query as an id. Throws 422.
    func optionalID(_ name: String) throws(Problem) -> UUID? {
        guard let text = request.queryItem(name), !text.isEmpty else { return nil }
        guard let id = UUID(uuidString: text) else {
            throw .invalid([FieldError(field: name, code: "invalid_id", message: "must be an id")])
        }
        return id
    }
}
