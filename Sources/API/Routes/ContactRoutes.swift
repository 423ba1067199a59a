import HTTP
import JSON
public import Tenancy

/// Reading contacts.
public struct ContactRoutes: RouteGroup {
    private let contacts: ContactService

    /// Routes over a service.
    public init(contacts: ContactService) { self.contacts = contacts }

    /// Adds the routes.
    public func register(in routes: inout TenantRoutes) {
        let contacts = contacts
        routes.on(
            .get, "/api/v0/contacts", .read,
            RouteDescription(
                "List contacts, or find one by an identifier.", tag: "Contacts",
                query: [
                    .init("phone", "A phone number in any spelling with its country code."),
                    .init("email", "An e-mail address."),
                    .init("external_reference_id", "The id in Emarsys."),
                    .init("q", "The beginning of a name, e-mail, phone or id."),
                ] + RouteDescription.paging, item: Self.schema)
        ) { context in
            var filter = ContactService.Filter()
            filter.phone = context.request.queryItem("phone")
            filter.email = context.request.queryItem("email")
            filter.externalReferenceID = context.request.queryItem("external_reference_id")
            filter.text = context.request.queryItem("q")
            let page = try await contacts.list(context.tenant, filter, try context.page())
            var writer = JSONWriter(capacity: 512 * max(1, page.items.count))
            writer.beginEnvelope(count: page.items.count)
            for contact in page.items { contact.write(to: &writer) }
            writer.endEnvelope(next: page.next)
            return .json(bytes: writer.bytes, status: .ok)
        }
        routes.on(
            .get, "/api/v0/contacts/{id}", .read,
            RouteDescription(
                "Read a contact; the id of a merged one answers the survivor.", tag: "Contacts", item: Self.schema,
                problems: [(.notFound, "contact_not_found"), (.gone, "contact_erased")])
        ) { context in
            .contact(try await contacts.find(context.tenant.id, try context.id(notFound: "contact_not_found")))
        }
        routes.on(
            .get, "/api/v0/contacts/{id}/timeline", .read,
            RouteDescription(
                "What happened to a contact, the latest first.", tag: "Contacts", query: RouteDescription.paging,
                item: [
                    "type": "object",
                    "properties": [
                        "id": ["type": "string"], "at": ["type": "string", "format": "date-time"],
                        "type": ["type": "string"],
                        "data": ["type": "object"],
                    ],
                ], problems: [(.notFound, "contact_not_found"), (.gone, "contact_erased")])
        ) { context in
            let page = try await contacts.timeline(
                context.tenant.id, try context.id(notFound: "contact_not_found"), try context.page())
            return .list(page) { $0.json }
        }
        routes.on(
            .get, "/api/v0/contacts/{id}/export", .read,
            RouteDescription(
                "All data of a person, for the right of access.", tag: "Privacy", item: ["type": "object"],
                problems: [(.notFound, "contact_not_found"), (.gone, "contact_erased")])
        ) { context in
            let (contact, data) = try await contacts.export(
                context.tenant.id, try context.id(notFound: "contact_not_found"))
            var writer = JSONWriter(capacity: data.count + 1024)
            writer.beginEnvelope(count: 1)
            writer.beginObject()
            writer.key("contact")
            contact.write(to: &writer)
            // The data is an object of its own: its members follow.
            let members = data.dropFirst().dropLast()
            writer.key("records")
            writer.raw([0x7B] + members + [0x7D])
            writer.endObject()
            writer.endEnvelope()
            return .json(bytes: writer.bytes, status: .ok)
        }
    }

    static let schema: JSON = [
        "type": "object",
        "properties": [
            "id": ["type": "string", "format": "uuid"], "first_name": ["type": ["string", "null"]],
            "last_name": ["type": ["string", "null"]], "phone": ["type": ["string", "null"]],
            "phones": ["type": "array", "items": ["type": "object"]], "email": ["type": ["string", "null"]],
            "emails": ["type": "array", "items": ["type": "object"]],
            "external_reference_id": ["type": ["string", "null"]], "custom_properties": ["type": "object"],
            "opt_in": ["type": ["string", "null"], "enum": ["granted", "denied", "withdrawn", "pending", .null]],
            "segments": ["type": "array", "items": ["type": "string"]], "orders": ["type": "object"],
            "created_at": ["type": "string", "format": "date-time"],
            "updated_at": ["type": "string", "format": "date-time"],
        ],
    ]
}

extension HTTPResponse {
    /// One contact in the envelope.
    static func contact(_ contact: Contact) -> HTTPResponse {
        var writer = JSONWriter(capacity: 1024)
        writer.beginEnvelope(count: 1)
        contact.write(to: &writer)
        writer.endEnvelope()
        return .json(bytes: writer.bytes, status: .ok)
    }
}
