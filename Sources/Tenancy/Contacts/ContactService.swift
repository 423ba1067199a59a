public import EventLoop
public import FoundationEssentials
import HTTP
public import JSON
public import Persistence

/// The reading of contacts.
public struct ContactService: Sendable {
    /// What a list of contacts is narrowed by.
    public struct Filter: Sendable, Hashable {
        /// A phone, in whatever spelling.
        public var phone: String?
        /// An e-mail address.
        public var email: String?
        /// The contact's id in Emarsys.
        public var externalReferenceID: String?
        /// The beginning of a name, e-mail, phone or id.
        public var text: String?

        /// No narrowing.
        public init() {}
    }

    /// Something that happened to a contact.
    public struct Happening: Sendable {
        /// When.
        public let at: Timestamp
        /// Its id.
        public let id: UUID
        /// `event`, `flow_run`, `delivery`, `order`, `opt_in`, `opt_in_export`, `touch`, `merge`, `phone_changed`, `import`,
        /// `segment_entered` or `segment_left`.
        public let type: String
        /// What is known of it.
        public let data: JSON

        /// The happening as clients see it.
        public var json: JSON {
            ["id": .string(id.uuidString.lowercased()), "at": .string(at.rfc3339), "type": .string(type), "data": data]
        }
    }

    private let database: Database

    /// A service over a database.
    public init(database: Database) { self.database = database }

    /// A page of contacts, the latest first. An identifier finds at most one.
    public func list(_ tenant: Tenant, _ filter: Filter, _ page: PageRequest) async throws -> Page<Contact> {
        if filter.phone != nil || filter.email != nil || filter.externalReferenceID != nil {
            return Page(items: try await identified(tenant, filter), next: nil)
        }
        var query = ContactStore.list(tenant.id, page)
        if let text = filter.text.map(IdentifierText.trimmed), !text.isEmpty {
            let digits = text.utf8.filter { $0 >= 0x30 && $0 <= 0x39 }
            let isPhone = digits.count >= 3 && text.allSatisfy { $0.isNumber || " +-./()".contains($0) }
            let phone = String(decoding: digits, as: UTF8.self)
            query = ContactStore.search(
                tenant.id, prefix: Self.pattern(text), phone: isPhone ? "%" + phone.drop { $0 == "0" } + "%" : nil,
                exact: text, page)
        }
        let rows = try await database.run(.tenant(tenant.id), query)
        return Page(fetched: try rows.map(ContactStore.contact), request: page) {
            PageCursor(time: $0.createdAt, id: $0.id)
        }
    }

    /// Contacts that have every identifier of the filter.
    private func identified(_ tenant: Tenant, _ filter: Filter) async throws -> [Contact] {
        var found: [[Contact]] = []
        if let raw = filter.phone {
            // A plus in a query string reads as a blank.
            let text = raw.hasPrefix(" ") ? "+" + raw.dropFirst() : raw
            guard case .success(let phone) = PhoneNumber.normalise(text, defaultCountry: tenant.defaultCountry) else {
                return []
            }
            var contacts = try await contacts(
                tenant, ContactStore.byIdentifier(tenant.id, kind: "phone", values: [phone.value]))
            if contacts.isEmpty, !phone.variants.isEmpty {
                contacts = try await self.contacts(
                    tenant, ContactStore.byIdentifier(tenant.id, kind: "phone", values: phone.variants))
                if contacts.count > 1 { contacts = [] }
            }
            found.append(contacts)
        }
        if let raw = filter.email {
            guard case .success(let email) = EmailAddress.normalise(raw) else { return [] }
            found.append(
                try await contacts(tenant, ContactStore.byIdentifier(tenant.id, kind: "email", values: [email.value])))
        }
        if let raw = filter.externalReferenceID {
            guard let id = ExternalID.normalise(raw) else { return [] }
            found.append(try await contacts(tenant, ContactStore.byExternalID(tenant.id, id)))
        }
        let first = found.first ?? []
        return first.filter { contact in found.allSatisfy { $0.contains { $0.id == contact.id } } }
    }

    private func contacts(_ tenant: Tenant, _ query: Query) async throws -> [Contact] {
        try await database.read(.tenant(tenant.id), query).map(ContactStore.contact)
    }

    /// The beginning of a text as a pattern, its wildcards taken literally.
    static func pattern(_ text: String) -> String {
        var pattern = ""
        for character in text.prefix(200) where character != "\0" {
            if character == "%" || character == "_" || character == "\\" { pattern.append("\\") }
            pattern.append(character)
        }
        return pattern + "%"
    }

    /// One contact; the id of a merged one leads to its survivor. Throws 404 `contact_not_found`, 410 `contact_erased`.
    public func find(_ tenant: UUID, _ id: UUID) async throws -> Contact {
        let rows = try await database.read(.tenant(tenant), ContactStore.byID(tenant, id))
        guard let row = rows.first else { throw Problem.notFound("contact_not_found") }
        let contact = try ContactStore.contact(row)
        if contact.isErased { throw Problem.gone("contact_erased", "The contact was erased.") }
        return contact
    }

    /// What happened to a contact, the latest first.
    public func timeline(_ tenant: UUID, _ id: UUID, _ page: PageRequest) async throws -> Page<Happening> {
        let contact = try await find(tenant, id)
        let rows = try await database.run(.tenant(tenant), ContactStore.timeline(tenant, contact.id, page))
        let items = try rows.map { row in
            let data: [UInt8] = try row.get(3)
            return Happening(
                at: try row.get(0), id: try row.get(1), type: try row.get(2), data: (try? JSON.parse(data)) ?? .null)
        }
        return Page(fetched: items, request: page) { PageCursor(time: $0.at, id: $0.id) }
    }

    /// All data of a person: the contact and its history, as one JSON text.
    public func export(_ tenant: UUID, _ id: UUID) async throws -> (contact: Contact, data: [UInt8]) {
        let contact = try await find(tenant, id)
        let rows = try await database.run(.tenant(tenant), ContactStore.data(tenant, contact.id))
        return (contact, try rows[0].get(0))
    }
}
