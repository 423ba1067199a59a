import Crypto
public import EventLoop
import FoundationEssentials
import HTTP
public import Persistence

/// The business-scoped user id of WhatsApp: a fourth kind of identifier, never compared with anything of Emarsys.
///
/// A person may write without showing a phone. Later an event carries both, which attests that they belong together: one
/// contact takes both, and two contacts become one where they are compatible, else the case is parked.
public struct WhatsAppIdentity: Sendable {
    private let database: Database
    private let contacts: ContactService
    private let time: any TimeSource

    /// Identities over a database.
    public init(database: Database, time: any TimeSource) {
        self.database = database
        self.time = time
        contacts = ContactService(database: database)
    }

    /// Whether a text is such an id: a country, a dot, letters and digits.
    static func isID(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count == 2, (1...128).contains(parts[1].count) else { return false }
        return parts[0].allSatisfy { (0x41...0x5A).contains($0) }
            && parts[1].allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
            }
    }

    /// The contact of an id, and of the phone that came with it; made where there is none.
    ///
    /// Throws 422 `invalid_wa_bsuid`, `invalid_phone`.
    public func attest(_ id: String, phone raw: String?, tenant: Tenant) async throws -> Contact {
        guard Self.isID(id) else {
            throw Problem.invalid("invalid_wa_bsuid", field: "wa_bsuid", "must be such as DE.1349583245")
        }
        var phone: String?
        if let raw {
            guard case .success(let value) = PhoneNumber.normalise(raw, defaultCountry: tenant.defaultCountry) else {
                throw Problem.invalid("invalid_phone", field: "phone", "is not a phone number with country code")
            }
            phone = value.value
        }
        let policy = IdentityPolicy(tenant.settings, defaultCountry: tenant.defaultCountry)
        let now = time.now()
        let known = phone
        let contact = try await database.transaction(.tenant(tenant.id)) { transaction in
            var locks = ["w" + id]
            if let known { locks.append("p" + known) }
            _ = try await transaction.query(StitchStore.lock(tenant.id, values: locks))
            return try await attest(id, known, tenant.id, policy, transaction, now)
        }
        return try await contacts.find(tenant.id, contact)
    }

    private func attest(
        _ id: String, _ phone: String?, _ tenant: UUID, _ policy: IdentityPolicy, _ transaction: Transaction,
        _ now: Timestamp
    ) async throws -> UUID {
        let byID = try await holder("wa_bsuid", id, tenant, transaction)
        let byPhone = try await phone.asyncFlatMap { try await holder("phone", $0, tenant, transaction) }
        switch (byID, byPhone) {
        case (let a?, let b?) where a.contact.id != b.contact.id:
            // The id that a phone had before is one that WhatsApp has replaced.
            let fits =
                b.whatsAppID == nil
                && IdentityDecision.isCompatible(
                    a.contact, b.contact, IdentityFacts(origin: .webhook, phone: phone), policy)
            guard fits else {
                _ = try await transaction.query(
                    WhatsAppIdentityStore.park(
                        tenant, contacts: [b.contact.id, a.contact.id], id: id, phone: phone, now: now))
                return a.contact.id
            }
            let (survivor, loser) = IdentityDecision.survivor(a.contact, b.contact, preferred: b.contact)
            _ = try await transaction.query(
                StitchStore.merge(
                    tenant, survivor: survivor.id, loser: loser.id, reason: "stitching", actor: "whatsapp",
                    importID: nil, now: now))
            return survivor.id
        case (let a?, _):
            if let phone, byPhone == nil {
                _ = try await transaction.query(
                    WhatsAppIdentityStore.attachPhone(tenant, a.contact.id, phone, now: now))
            }
            return a.contact.id
        case (nil, let b?):
            _ = try await transaction.query(WhatsAppIdentityStore.attach(tenant, b.contact.id, id, now: now))
            return b.contact.id
        case (nil, nil):
            let contact = SecureRandom.uuid()
            _ = try await transaction.query(WhatsAppIdentityStore.create(tenant, contact, id, now: now))
            if let phone {
                _ = try await transaction.query(
                    WhatsAppIdentityStore.attachPhone(tenant, contact, phone, now: now))
            }
            return contact
        }
    }

    private func holder(_ kind: String, _ value: String, _ tenant: UUID, _ transaction: Transaction) async throws
        -> (contact: KnownContact, whatsAppID: String?)?
    {
        guard
            let row = try await transaction.query(WhatsAppIdentityStore.holder(tenant, kind: kind, value: value)).first
        else { return nil }
        let contact = KnownContact(
            id: try row.get(0), externalID: try row.get(1), firstName: try row.get(2), lastName: try row.get(3),
            phoneCount: try row.get(4), emailCount: try row.get(5), hasWhatsApp: try row.get(6),
            isProtected: try row.get(7), createdAt: try row.get(8))
        return (contact, try row.get(9))
    }
}

extension Optional {
    fileprivate func asyncFlatMap<T>(_ body: (Wrapped) async throws -> T?) async rethrows -> T? {
        guard let self else { return nil }
        return try await body(self)
    }
}
