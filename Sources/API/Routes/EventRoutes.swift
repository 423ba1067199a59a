import FoundationEssentials
import HTTP
import JSON
import Tenancy

/// Events as they were received, what they did, and replays.
public struct EventRoutes: RouteGroup {
    let events: EventService

    /// Routes over a service.
    public init(events: EventService) { self.events = events }

    /// Adds the routes.
    public func register(in routes: inout TenantRoutes) {
        let events = events
        routes.on(
            .get, "/api/v0/events", .read,
            RouteDescription(
                "List events, newest first", tag: "Events",
                query: [
                    .init("status", "accepted, processed, rejected, held or failed"),
                    .init("source", "custom or order"),
                    .init("event_name", "The event's name"), .init("contact_id", "Events of one contact"),
                    .init("from", "Received at or after"), .init("to", "Received before"),
                ] + RouteDescription.paging)
        ) { context in
            let page = try await events.list(
                tenantID: context.tenant.id, filter: try Self.filter(context), request: try context.page())
            return .list(page, \.json)
        }
        routes.on(
            .get, "/api/v0/events/{id}", .read, RouteDescription("Show an event and what it did", tag: "Events")
        ) { context in
            let id = try context.id(notFound: "event_not_found")
            return .object(try await events.find(tenantID: context.tenant.id, id: id).json)
        }
        routes.on(
            .post, "/api/v0/events/{id}/replay", .write, creates: true,
            RouteDescription(
                "Play an event again, all of it or one flow", tag: "Events",
                body: ["type": "object", "properties": ["flow_id": ["type": "string"]]], status: .accepted,
                problems: [(.conflict, "event_not_processed")])
        ) { context in
            let id = try context.id(notFound: "event_not_found")
            let event = try await events.replay(
                tenantID: context.tenant.id, id: id, flowID: try Self.flowID(try context.optionalJSON()),
                actor: context.principal.actor)
            return .object(event.json, status: .accepted)
        }
        routes.on(
            .post, "/api/v0/events/replay", .write, creates: true,
            RouteDescription(
                "Play all events of a filter again, in the order of arrival", tag: "Events",
                body: [
                    "type": "object",
                    "properties": ["filter": ["type": "object"], "flow_id": ["type": "string"]],
                    "required": ["filter"],
                ], status: .accepted)
        ) { context in
            let body = try context.json()
            guard let filter = body["filter"], filter.object != nil else {
                throw Problem.invalid([FieldError(field: "filter", code: "required", message: "must be an object")])
            }
            let count = try await events.replay(
                tenantID: context.tenant.id, filter: try EventFilter(filter), flowID: try Self.flowID(body),
                actor: context.principal.actor)
            return .object(["replayed": .int(count)], status: .accepted)
        }
    }

    private static func flowID(_ body: JSON) throws(Problem) -> UUID? {
        guard let value = body["flow_id"], !value.isNull else { return nil }
        guard let id = value.string.flatMap(UUID.init(uuidString:)) else {
            throw .invalid([FieldError(field: "flow_id", code: "invalid", message: "must be the id of a flow")])
        }
        return id
    }

    private static func filter(_ context: TenantContext) throws(Problem) -> EventFilter {
        var json: JSON = .object([:])
        for name in ["status", "source", "event_name", "contact_id", "from", "to"] {
            if let value = context.request.queryItem(name), !value.isEmpty { json[name] = .string(value) }
        }
        return try EventFilter(json)
    }
}
