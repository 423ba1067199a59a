import HTTP
import JSON
public import Tenancy

/// The rules of identity, what other rules would mean, and who may be the same person.
public struct IdentityRuleRoutes: RouteGroup {
    private let rules: IdentityRules
    private let preview: IdentityPreview
    private let duplicates: PossibleDuplicates
    private let whatsApp: WhatsAppIdentity

    /// Routes over services.
    public init(
        rules: IdentityRules, preview: IdentityPreview, duplicates: PossibleDuplicates, whatsApp: WhatsAppIdentity
    ) {
        self.rules = rules
        self.preview = preview
        self.duplicates = duplicates
        self.whatsApp = whatsApp
    }

    /// Adds the routes.
    public func register(in routes: inout TenantRoutes) {
        registerRules(in: &routes)
        let duplicates = duplicates
        routes.on(
            .get, "/api/v0/possible_duplicates", .read,
            RouteDescription(
                "List contacts whose e-mail addresses reach one mailbox. Suggestions: nothing is merged by itself.",
                tag: "Identity", query: RouteDescription.paging)
        ) { context in
            .list(try await duplicates.list(context.tenant, try context.page())) { $0.json }
        }
        let whatsApp = whatsApp
        routes.on(
            .post, "/api/v0/whatsapp_identities", .write,
            RouteDescription(
                "Say that a WhatsApp id wrote, and which phone it has where the event shows it; answers the contact.",
                tag: "Identity",
                body: [
                    "type": "object", "required": ["wa_bsuid"],
                    "properties": ["wa_bsuid": ["type": "string"], "phone": ["type": ["string", "null"]]],
                ], item: ContactRoutes.schema,
                problems: [(.unprocessableContent, "invalid_wa_bsuid"), (.unprocessableContent, "invalid_phone")])
        ) { context in
            var body = BodyReader(try context.json())
            let id = body.string("wa_bsuid", required: true, limit: 140)
            let phone = body.string("phone", limit: 60)
            try body.finish()
            return .contact(try await whatsApp.attest(id ?? "", phone: phone, tenant: context.tenant))
        }
    }

    private func registerRules(in routes: inout TenantRoutes) {
        let rules = rules
        let preview = preview
        routes.on(
            .get, "/api/v0/identity_rules", .read,
            RouteDescription(
                "Read the rules by which contacts are matched and merged.", tag: "Identity", item: Self.schema)
        ) { context in .object(IdentityRules.json(context.tenant)) }
        routes.on(
            .patch, "/api/v0/identity_rules", .admin,
            RouteDescription(
                "Change rules of identity. Contacts that are there stay as they are.", tag: "Identity",
                body: Self.schema, item: Self.schema, problems: [(.unprocessableContent, "validation_failed")])
        ) { context in
            .object(try await rules.change(context.tenant, try context.json(), actor: context.principal.actor))
        }
        routes.on(
            .post, "/api/v0/identity_rules/preview", .read,
            RouteDescription(
                "Say what other rules would have meant for open conflicts, recent merges and dropped phones. Changes nothing.",
                tag: "Identity", body: Self.schema, problems: [(.unprocessableContent, "validation_failed")])
        ) { context in
            let policy = try IdentityRules.changed(context.tenant, by: try context.json())
            return .object(try await preview.report(context.tenant, policy))
        }
    }

    private static let schema: JSON = [
        "type": "object",
        "properties": [
            "auto_merge": ["enum": ["safe", "never", "always"]], "default_country": ["type": ["string", "null"]],
            "only_valid_phone": ["type": "boolean"], "webhook_id_conflict": ["enum": ["phone_holder", "park"]],
            "recreate_deleted": ["type": "boolean"], "fold_gmail": ["type": "boolean"],
            "blocked_phones": ["type": "array", "items": ["type": "string"]],
            "blocked_emails": ["type": "array", "items": ["type": "string"]],
        ],
    ]
}
