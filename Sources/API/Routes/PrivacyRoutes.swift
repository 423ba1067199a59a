import HTTP
import JSON
public import Tenancy

/// Erasing people.
public struct PrivacyRoutes: RouteGroup {
    private let erasures: ErasureService
    private let deletion: ContactDeletion

    /// Routes over services.
    public init(erasures: ErasureService, deletion: ContactDeletion) {
        self.erasures = erasures
        self.deletion = deletion
    }

    /// Adds the routes.
    public func register(in routes: inout TenantRoutes) {
        let erasures = erasures
        routes.on(
            .post, "/api/v0/contacts/{id}/erase", .erase,
            RouteDescription(
                "Erase a person; keyed hashes keep imports and webhooks from bringing them back.", tag: "Privacy",
                item: Self.schema, status: .accepted,
                problems: [(.notFound, "contact_not_found"), (.gone, "contact_erased")])
        ) { context in
            .object(
                try await erasures.erase(
                    try context.id(notFound: "contact_not_found"), tenant: context.tenant.id,
                    actor: context.principal.actor),
                status: .accepted)
        }
        let deletion = deletion
        routes.on(
            .delete, "/api/v0/contacts/{id}", .erase,
            RouteDescription(
                "Delete a contact. An import brings it back only where the rule recreate_deleted says so.",
                tag: "Privacy", item: Self.schema, status: .accepted,
                problems: [(.notFound, "contact_not_found"), (.gone, "contact_erased")])
        ) { context in
            .object(
                try await deletion.delete(
                    try context.id(notFound: "contact_not_found"), tenant: context.tenant.id,
                    actor: context.principal.actor),
                status: .accepted)
        }
        routes.on(
            .get, "/api/v0/erasures", .read,
            RouteDescription(
                "List erasures, the latest first.", tag: "Privacy", query: RouteDescription.paging, item: Self.schema)
        ) { context in
            .list(try await erasures.list(context.tenant.id, try context.page())) { $0.json }
        }
        routes.on(
            .get, "/api/v0/erasures/{id}", .read,
            RouteDescription(
                "Read an erasure with its proof.", tag: "Privacy", item: Self.schema,
                problems: [(.notFound, "erasure_not_found")])
        ) { context in
            .object(try await erasures.find(try context.id(notFound: "erasure_not_found"), tenant: context.tenant.id))
        }
    }

    private static let schema: JSON = [
        "type": "object",
        "properties": [
            "id": ["type": "string"], "contact_id": ["type": "string"],
            "state": ["type": "string", "enum": ["received", "running", "partial", "finished", "failed"]],
            "requested_at": ["type": "string", "format": "date-time"], "proof": ["type": ["object", "null"]],
        ],
    ]
}
