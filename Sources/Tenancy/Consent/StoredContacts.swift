public import EventLoop
public import FoundationEssentials
import HTTP
public import Persistence

/// Finds contacts by their identifiers in the database.
public struct StoredContacts: ContactLookup {
    private let database: Database

    /// A look-up over a database.
    public init(database: Database) { self.database = database }

    /// By id, Emarsys id, phone, e-mail, in this order; a new contact for a phone or e-mail that nobody has.
    public func contact(for reference: ContactReference, tenant: Tenant, now: Timestamp) async throws
        -> (id: UUID, phone: String?)
    {
        let keys = try Self.normalised(reference)
        if let id = try await find(reference, keys, tenant) { return (id, keys.phone) }
        guard reference.id == nil, reference.externalReferenceID == nil || keys.phone != nil || keys.email != nil,
            keys.phone != nil || keys.email != nil
        else { throw Problem.notFound("contact_not_found", "No contact has this key.") }
        let created = try await database.run(
            .tenant(tenant.id),
            ConsentStore.createContact(phone: keys.phone, email: keys.email, tenant: tenant.id, now: now))
        if let id: UUID = try created.first?.get(0) { return (id, keys.phone) }
        // Somebody else was faster.
        guard let id = try await find(reference, keys, tenant) else { throw Problem.notFound("contact_not_found") }
        return (id, keys.phone)
    }

    /// By id, Emarsys id, phone, e-mail, in this order.
    public func existing(_ reference: ContactReference, tenant: Tenant) async throws -> UUID {
        guard let id = try await find(reference, try Self.normalised(reference), tenant) else {
            throw Problem.notFound("contact_not_found", "No contact has this key.")
        }
        return id
    }

    private func find(_ reference: ContactReference, _ keys: (phone: String?, email: String?), _ tenant: Tenant)
        async throws -> UUID?
    {
        if let id = reference.id { return try await survivor(id, tenant) }
        let values = [
            ("emarsys_contact_id", reference.externalReferenceID),
            ("emarsys_customer_id", reference.externalReferenceID),
            ("phone", keys.phone), ("email", keys.email),
        ]
        for case (let kind, let value?) in values {
            let rows = try await database.run(
                .tenant(tenant.id), ConsentStore.owner(kind: kind, value: value, tenant: tenant.id))
            if let owner: UUID = try rows.first?.get(0) { return try await survivor(owner, tenant) }
        }
        return nil
    }

    private func survivor(_ id: UUID, _ tenant: Tenant) async throws -> UUID? {
        let rows = try await database.run(.tenant(tenant.id), ConsentStore.survivor(of: id, tenant: tenant.id))
        guard let row = rows.first else { return nil }
        if try row.get(1, as: Bool.self) { throw Problem.gone("contact_erased", "The contact was erased.") }
        return try row.get(0)
    }

    private static func normalised(_ reference: ContactReference) throws(Problem) -> (phone: String?, email: String?) {
        var phone: String?
        if let raw = reference.phone {
            var digits = raw.filter { !" -./()".contains($0) }
            if digits.hasPrefix("00") { digits = "+" + digits.dropFirst(2) }
            if !digits.hasPrefix("+") { digits = "+" + digits }
            guard (8...16).contains(digits.utf8.count),
                digits.utf8.dropFirst().allSatisfy({ (0x30...0x39).contains($0) }),
                digits.utf8.dropFirst().first != 0x30
            else { throw .invalid("invalid_phone", field: "contact.phone", "must be a phone with its country code") }
            phone = digits
        }
        var email: String?
        if let raw = reference.email {
            let trimmed = raw.filter { !$0.isWhitespace }.lowercased()
            let parts = trimmed.split(separator: "@", omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, parts[1].contains("."), trimmed.utf8.count <= 254 else {
                throw .invalid("invalid_email", field: "contact.email", "must be an e-mail address")
            }
            email = trimmed
        }
        return (phone, email)
    }
}
