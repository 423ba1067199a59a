import FoundationEssentials
import HTTP
import JSON
public import Tenancy

/// Merges and conflicts of identity.
public struct IdentityRoutes: RouteGroup {
    private let identities: IdentityService

    /// Routes over a service.
    public init(identities: IdentityService) { self.identities = identities }

    /// Adds the routes.
    public func register(in routes: inout TenantRoutes) {
        let identities = identities
        routes.on(
            .post, "/api/v0/contacts/{id}/merge", .write,
            RouteDescription(
                "Merge another contact into this one.", tag: "Identity",
                body: ["type": "object", "required": ["contact_id"], "properties": ["contact_id": ["type": "string"]]],
                item: ContactRoutes.schema,
                problems: [
                    (.notFound, "contact_not_found"), (.conflict, "cannot_merge"),
                    (.unprocessableContent, "same_contact"),
                ])
        ) { context in
            let survivor = try context.id(notFound: "contact_not_found")
            guard let other = try context.json()["contact_id"]?.string.flatMap({ UUID(uuidString: $0) }) else {
                throw Problem.invalid("invalid_id", field: "contact_id", "must be the id of a contact")
            }
            return .contact(
                try await identities.merge(
                    other, into: survivor, tenant: context.tenant.id, actor: context.principal.actor))
        }
        routes.on(
            .post, "/api/v0/contacts/{id}/release_phone", .write,
            RouteDescription(
                "Take a phone from a contact: it belongs to somebody else by now. The contact's consent for it ends.",
                tag: "Identity",
                body: [
                    "type": "object", "required": ["phone"],
                    "properties": ["phone": ["type": "string"], "contact_id": ["type": ["string", "null"]]],
                ], item: ContactRoutes.schema,
                problems: [
                    (.notFound, "contact_not_found"), (.conflict, "phone_not_held"),
                    (.unprocessableContent, "invalid_phone"), (.unprocessableContent, "same_contact"),
                ])
        ) { context in
            var body = BodyReader(try context.json())
            let phone = body.string("phone", required: true, limit: 60)
            let other = body.string("contact_id")
            try body.finish()
            let id = other.flatMap { UUID(uuidString: $0) }
            if other != nil, id == nil {
                throw Problem.invalid("invalid_id", field: "contact_id", "must be the id of a contact")
            }
            return .contact(
                try await identities.releasePhone(
                    phone ?? "", of: try context.id(notFound: "contact_not_found"), to: id, tenant: context.tenant,
                    actor: context.principal.actor))
        }
        routes.on(
            .get, "/api/v0/merges", .read,
            RouteDescription("List merges, the latest first.", tag: "Identity", query: RouteDescription.paging)
        ) { context in
            .list(try await identities.merges(context.tenant.id, try context.page())) { $0.json }
        }
        routes.on(
            .post, "/api/v0/merges/{id}/undo", .write,
            RouteDescription(
                "Undo a merge within 30 days.", tag: "Identity",
                problems: [
                    (.notFound, "merge_not_found"), (.conflict, "merge_already_undone"), (.conflict, "undo_too_late"),
                    (.conflict, "merged_further"), (.gone, "contact_erased"),
                ])
        ) { context in
            let merge = try await identities.undo(
                try context.id(notFound: "merge_not_found"), tenant: context.tenant.id, actor: context.principal.actor)
            return .object(merge.json)
        }
        routes.on(
            .get, "/api/v0/identity_conflicts", .read,
            RouteDescription(
                "List conflicts of identity, the latest first; open ones unless asked otherwise.", tag: "Identity",
                query: [
                    .init("status", "open, merged, not_same or all.", schema: ["type": "string", "default": "open"])
                ] + RouteDescription.paging)
        ) { context in
            let status = context.request.queryItem("status") ?? "open"
            guard ["open", "merged", "not_same", "all"].contains(status) else {
                throw Problem.invalid("invalid_value", field: "status", "must be open, merged, not_same or all")
            }
            let page = try await identities.conflicts(
                context.tenant.id, status: status == "all" ? nil : status, try context.page())
            return .list(page) { $0.json }
        }
        routes.on(
            .get, "/api/v0/identity_conflicts/{id}", .read,
            RouteDescription(
                "Read a conflict of identity.", tag: "Identity", problems: [(.notFound, "conflict_not_found")])
        ) { context in
            let id = try context.id(notFound: "conflict_not_found")
            return .object(try await identities.conflict(id, tenant: context.tenant.id).json)
        }
        routes.on(
            .post, "/api/v0/identity_conflicts/{id}/resolve", .write,
            RouteDescription(
                "Resolve a conflict: its contacts are one person, or they are not.", tag: "Identity",
                body: [
                    "type": "object", "required": ["action"],
                    "properties": ["action": ["type": "string", "enum": ["merge", "not_same"]]],
                ],
                problems: [
                    (.notFound, "conflict_not_found"), (.conflict, "conflict_resolved"), (.conflict, "cannot_merge"),
                    (.unprocessableContent, "invalid_action"),
                ])
        ) { context in
            let conflict = try await identities.resolve(
                try context.id(notFound: "conflict_not_found"), action: try context.json()["action"]?.string,
                tenant: context.tenant.id, actor: context.principal.actor)
            return .object(conflict.json)
        }
    }
}
