import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// The statements of WhatsApp ids.
enum WhatsAppIdentityStore {
    static func holder(_ tenant: UUID, kind: String, value: String) -> Query {
        Query(
            """
            SELECT c.id, c.external_reference_id, c.first_name, c.last_name,
                   (SELECT count(*)::int FROM app.contact_identifiers i WHERE i.tenant_id = $1 AND i.contact_id = c.id
                       AND i.kind = 'phone' AND i.status = 'active'),
                   (SELECT count(*)::int FROM app.contact_identifiers i WHERE i.tenant_id = $1 AND i.contact_id = c.id
                       AND i.kind = 'email' AND i.status = 'active'),
                   EXISTS (SELECT 1 FROM app.consents k WHERE k.tenant_id = $1 AND k.contact_id = c.id)
                       OR EXISTS (SELECT 1 FROM app.touches t WHERE t.tenant_id = $1 AND t.contact_id = c.id
                                     AND t.kind <> 'flow'),
                   c.protected OR c.erased_at IS NOT NULL, c.created_at,
                   (SELECT i.value FROM app.contact_identifiers i WHERE i.tenant_id = $1 AND i.contact_id = c.id
                       AND i.kind = 'wa_bsuid' AND i.status = 'active' LIMIT 1)
              FROM app.contact_identifiers k
              JOIN app.contacts c ON c.tenant_id = $1 AND c.id = k.contact_id
             WHERE k.tenant_id = $1 AND k.kind = $2 AND k.value = $3 AND k.status = 'active'
            """, [.uuid(tenant), .text(kind), .text(value)])
    }

    static func create(_ tenant: UUID, _ contact: UUID, _ id: String, now: Timestamp) -> Query {
        Query(
            "SELECT app.create_whatsapp_contact($1, $2, $3, $4)",
            [.uuid(tenant), .uuid(contact), .text(id), .timestamp(now)])
    }

    /// Attaches an id; one that the contact had before is released, since WhatsApp makes a new one with a new phone.
    static func attach(_ tenant: UUID, _ contact: UUID, _ id: String, now: Timestamp) -> Query {
        Query(
            "SELECT app.attach_whatsapp_id($1, $2, $3, $4)",
            [.uuid(tenant), .uuid(contact), .text(id), .timestamp(now)])
    }

    static func attachPhone(_ tenant: UUID, _ contact: UUID, _ phone: String, now: Timestamp) -> Query {
        Query(
            "SELECT app.attach_attested_phone($1, $2, $3, $4)",
            [.uuid(tenant), .uuid(contact), .text(phone), .timestamp(now)])
    }

    static func park(_ tenant: UUID, contacts: [UUID], id: String, phone: String?, now: Timestamp) -> Query {
        let conflict: JSON = [
            [
                "n": 0, "code": "whatsapp_id_mismatch",
                "contacts": .array(contacts.map { .string($0.uuidString.lowercased()) }),
                "values": ["wa_bsuid": .string(id), "phone": .optional(phone)],
            ]
        ]
        return Query(
            "SELECT n, id, is_new FROM app.park_conflicts($1, $2, 'whatsapp', NULL, $3)",
            [.uuid(tenant), .jsonb(conflict.encoded()), .timestamp(now)])
    }
}
