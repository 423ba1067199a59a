import EventLoop
import FoundationEssentials
import Persistence

/// The statements of contacts. Each read is one statement, so that it is one round trip.
public enum ContactStore {
    /// Which of these phones somebody holds.
    static func heldPhones(_ tenant: UUID, _ phones: [String]) -> Query {
        Query(
            """
            SELECT value FROM app.contact_identifiers
             WHERE tenant_id = $1 AND kind = 'phone' AND status = 'active' AND value = ANY ($2)
            """, [.uuid(tenant), .textArray(phones)])
    }

    static func contact(_ row: Row) throws(DatabaseError) -> Contact {
        let identifiers: [String] = try row.get(11)
        let totals: [String] = try row.get(13)
        let lastOrderAt: Timestamp? = try row.get(14)
        func values(_ kind: Character) -> [Contact.Value] {
            identifiers.compactMap { text in
                guard text.dropFirst().first == kind else { return nil }
                return Contact.Value(value: String(text.dropFirst(2)), isPrimary: text.first == "*")
            }
        }
        return Contact(
            id: try row.get(0), firstName: try row.get(1), lastName: try row.get(2), phone: try row.get(3),
            email: try row.get(4), externalReferenceID: try row.get(5), customProperties: try row.get(6),
            optIn: try row.get(7), phones: values("p"), emails: values("e"), segments: try row.get(12),
            totals: totals.compactMap { text in
                let parts = text.split(separator: " ")
                guard parts.count == 3, let count = Int(parts[1]) else { return nil }
                return Contact.Total(
                    currency: String(parts[0]), amount: String(parts[2]), count: count, lastOrderAt: lastOrderAt)
            }, createdAt: try row.get(8), updatedAt: try row.get(9), isErased: try row.get(10))
    }

    /// The holder of an identifier: by `phone` or `email`, normalised.
    static func byIdentifier(_ tenant: UUID, kind: String, values: [String]) -> Query {
        Query(
            """
            SELECT c.id, c.first_name, c.last_name, c.phone, c.email, c.external_reference_id, c.custom_properties, c.opt_in,
                   c.created_at, c.updated_at, c.erased_at IS NOT NULL, c.identifiers, c.segments, c.order_totals, c.last_order_at
              FROM app.contact_identifiers k
              JOIN app.contact_cards c ON c.tenant_id = $1 AND c.id = k.contact_id
             WHERE k.tenant_id = $1 AND k.kind = $2 AND k.value = ANY ($3) AND k.status = 'active' LIMIT 2
            """, [.uuid(tenant), .text(kind), .textArray(values)])
    }

    /// The holder of an id in Emarsys, whichever kind it is, also of one that Emarsys has no longer.
    static func byExternalID(_ tenant: UUID, _ id: String) -> Query {
        Query(
            """
            SELECT c.id, c.first_name, c.last_name, c.phone, c.email, c.external_reference_id, c.custom_properties, c.opt_in,
                   c.created_at, c.updated_at, c.erased_at IS NOT NULL, c.identifiers, c.segments, c.order_totals, c.last_order_at
              FROM app.contact_cards c
             WHERE c.tenant_id = $1 AND c.erased_at IS NULL AND c.merged_into IS NULL AND c.id IN (
                   SELECT k.contact_id FROM app.contact_identifiers k
                    WHERE k.tenant_id = $1 AND k.kind IN ('emarsys_contact_id', 'emarsys_customer_id') AND k.value = $2
                      AND k.status = 'active'
                   UNION ALL
                   SELECT k.contact_id FROM app.contact_identifiers k
                    WHERE k.tenant_id = $1 AND k.kind = 'emarsys_contact_id' AND k.value = $2 AND k.status = 'gone')
             LIMIT 2
            """, [.uuid(tenant), .text(id)])
    }

    /// The contact of an id; that of a merged one leads to its survivor.
    static func byID(_ tenant: UUID, _ id: UUID) -> Query {
        Query(
            """
            SELECT c.id, c.first_name, c.last_name, c.phone, c.email, c.external_reference_id, c.custom_properties, c.opt_in,
                   c.created_at, c.updated_at, c.erased_at IS NOT NULL, c.identifiers, c.segments, c.order_totals, c.last_order_at
              FROM app.contact_cards c
             WHERE c.tenant_id = $1 AND c.id = (SELECT coalesce(o.merged_into, o.id) FROM app.contacts o
                                                 WHERE o.tenant_id = $1 AND o.id = $2)
            """, [.uuid(tenant), .uuid(id)])
    }

    /// All contacts, the latest first.
    static func list(_ tenant: UUID, _ page: PageRequest) -> Query {
        Query(
            """
            SELECT c.id, c.first_name, c.last_name, c.phone, c.email, c.external_reference_id, c.custom_properties, c.opt_in,
                   c.created_at, c.updated_at, c.erased_at IS NOT NULL, c.identifiers, c.segments, c.order_totals, c.last_order_at
              FROM app.contact_cards c
             WHERE c.tenant_id = $1 AND c.merged_into IS NULL AND c.erased_at IS NULL AND (c.created_at, c.id) < ($2, $3)
             ORDER BY c.created_at DESC, c.id DESC LIMIT $4
            """, [.uuid(tenant), .timestamp(page.fallingTime), .uuid(page.fallingID), .int4(page.fetchCount)])
    }

    /// Contacts whose name, e-mail, phone or id begins with a text.
    ///
    /// - Parameters:
    ///   - prefix: a LIKE pattern
    ///   - phone: a LIKE pattern for phones; nil where the text is none
    ///   - exact: the text, for ids in Emarsys
    static func search(_ tenant: UUID, prefix: String, phone: String?, exact: String, _ page: PageRequest) -> Query {
        Query(
            """
            SELECT c.id, c.first_name, c.last_name, c.phone, c.email, c.external_reference_id, c.custom_properties, c.opt_in,
                   c.created_at, c.updated_at, c.erased_at IS NOT NULL, c.identifiers, c.segments, c.order_totals, c.last_order_at
              FROM app.contact_cards c
             WHERE c.tenant_id = $1 AND c.merged_into IS NULL AND c.erased_at IS NULL AND (c.created_at, c.id) < ($2, $3)
               AND (c.first_name ILIKE $5 OR c.last_name ILIKE $5 OR c.first_name || ' ' || c.last_name ILIKE $5
                    OR c.email ILIKE $5 OR c.phone LIKE $6 OR c.external_reference_id = $7 OR c.id::text LIKE $5)
             ORDER BY c.created_at DESC, c.id DESC LIMIT $4
            """,
            [
                .uuid(tenant), .timestamp(page.fallingTime), .uuid(page.fallingID), .int4(page.fetchCount),
                .text(prefix),
                .optional(text: phone), .text(exact),
            ])
    }

    static func timeline(_ tenant: UUID, _ contact: UUID, _ page: PageRequest) -> Query {
        Query(
            "SELECT at, id, type, data FROM app.contact_timeline($1, $2, $3, $4, $5)",
            [
                .uuid(tenant), .uuid(contact), .timestamp(page.fallingTime), .uuid(page.fallingID),
                .int4(page.fetchCount),
            ])
    }

    static func data(_ tenant: UUID, _ contact: UUID) -> Query {
        Query("SELECT app.contact_data($1, $2)", [.uuid(tenant), .uuid(contact)])
    }
}
