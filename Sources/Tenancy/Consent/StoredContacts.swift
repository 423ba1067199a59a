public import EventLoop
public import FoundationEssentials
import HTTP
public import Persistence

/// Finds contacts by their identifiers in the database.
public struct StoredContacts: ContactLookup {
    /// The key to the hashes of a tenant's erased people; nil where nobody was ever erased.
    public typealias Suppressions = @Sendable (_ tenantID: UUID) async throws -> SuppressionKey?

    private let database: Database
    private let suppressions: Suppressions

    /// A look-up over a database.
    public init(database: Database, suppressions: @escaping Suppressions = { _ in nil }) {
        self.database = database
        self.suppressions = suppressions
    }

    /// By id, Emarsys id, phone, e-mail, in this order; a new contact for a phone or e-mail that nobody has.
    public func contact(for reference: ContactReference, tenant: Tenant, now: Timestamp) async throws
        -> (id: UUID, phone: String?)
    {
        let keys = try await spelled(try Self.normalised(reference, tenant), tenant)
        if let id = try await find(reference, keys, tenant) { return (id, keys.phone) }
        guard reference.id == nil, reference.externalReferenceID == nil || keys.phone != nil || keys.email != nil,
            keys.phone != nil || keys.email != nil
        else { throw Problem.notFound("contact_not_found", "No contact has this key.") }
        return (try await create(reference, tenant, now: now), keys.phone)
    }

    private func create(_ reference: ContactReference, _ tenant: Tenant, now: Timestamp) async throws -> UUID {
        let suppressions = try await suppressions(tenant.id)
        let row = IncomingContact(phone: reference.phone, email: reference.email)
        let outcome = try await database.transaction(.tenant(tenant.id)) { transaction in
            try await Stitching.stitch(
                [row], source: .api, policy: IdentityPolicy(tenant.settings, defaultCountry: tenant.defaultCountry),
                in: transaction, now: now, suppressions: suppressions
            ).first
        }
        if let id = outcome?.contactID { return id }
        switch outcome?.action {
        case .skipped: throw Problem.gone("contact_erased", "The person was erased and does not come back by itself.")
        case .rejected(let code): throw Problem.invalid(code, field: "contact", "does not identify a person")
        default: throw Problem.notFound("contact_not_found", "No contact has this key.")
        }
    }

    /// By the hashes of phone and e-mail.
    public func readmit(
        _ reference: ContactReference, tenant: Tenant, grantedAt: Timestamp, actor: String, now: Timestamp
    ) async throws {
        guard reference.phone != nil || reference.email != nil, let key = try await suppressions(tenant.id) else {
            return
        }
        let keys = try Self.normalised(reference, tenant)
        let hashes = [("phone", keys.phone?.value), ("email", keys.email)].compactMap { kind, value in
            value.map { key.hash(kind, $0) }
        }
        _ = try await database.run(
            .tenant(tenant.id),
            SuppressionStore.lift(tenant.id, hashes, grantedAt: grantedAt, actor: actor, now: now))
    }

    /// By id, Emarsys id, phone, e-mail, in this order.
    public func existing(_ reference: ContactReference, tenant: Tenant) async throws -> UUID {
        let keys = try await spelled(try Self.normalised(reference, tenant), tenant)
        guard let id = try await find(reference, keys, tenant) else {
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

    /// The phone as it is stored: a number that is known by another spelling of the same line (Brazil's ninth digit) is that
    /// one, or what is decided about it would be decided about nobody.
    private func spelled(_ keys: (phone: NormalisedPhone?, email: String?), _ tenant: Tenant) async throws
        -> (phone: String?, email: String?)
    {
        guard let phone = keys.phone, !phone.variants.isEmpty else { return (keys.phone?.value, keys.email) }
        let rows = try await database.run(
            .tenant(tenant.id), ConsentStore.heldPhones([phone.value] + phone.variants, tenant: tenant.id))
        let held = try rows.map { try $0.get(0, as: String.self) }
        if held.contains(phone.value) || held.count != 1 { return (phone.value, keys.email) }
        return (held[0], keys.email)
    }

    /// As stitching would write them, so that what is looked up is what was stored.
    private static func normalised(_ reference: ContactReference, _ tenant: Tenant) throws(Problem)
        -> (phone: NormalisedPhone?, email: String?)
    {
        var phone: NormalisedPhone?
        if let raw = reference.phone {
            switch PhoneNumber.normalise(raw, defaultCountry: tenant.defaultCountry) {
            case .success(let normalised): phone = normalised
            case .failure(let fault):
                throw .invalid("invalid_phone", field: "contact.phone", "is no phone to write to: \(fault.rawValue)")
            }
        }
        var email: String?
        if let raw = reference.email {
            switch EmailAddress.normalise(raw) {
            case .success(let normalised): email = normalised.value
            case .failure(let fault):
                throw .invalid("invalid_email", field: "contact.email", "is no e-mail address: \(fault.rawValue)")
            }
        }
        return (phone, email)
    }
}
