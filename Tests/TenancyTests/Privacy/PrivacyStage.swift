import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Sandbox
import TestSupport
import Testing

@testable import Persistence
@testable import Tenancy

/// A tenant with people of whom everything is known, and the services around their privacy.
struct PrivacyStage {
    let world: ConsentWorld
    let keys: SuppressionKeys
    let erasures: ErasureService
    let consent: ConsentService
    let lookup: StoredContacts

    init(field: String? = "900") throws {
        let world = try ConsentWorld(field: field)
        let masters = try MasterKeys(parsing: "k:" + Base64Text.key)
        let keys = SuppressionKeys(
            database: world.database,
            secrets: SecretBox(database: world.database, masterKeys: masters, time: world.time), time: world.time)
        self.world = world
        self.keys = keys
        lookup = StoredContacts(database: world.database) { try await keys.key(of: $0, creating: false) }
        consent = ConsentService(database: world.database, lookup: lookup, time: world.time)
        erasures = ErasureService(database: world.database, keys: keys, time: world.time)
    }

    /// Erases and does its job once; answers the erasure.
    func erase(_ contact: UUID) async throws -> JSON {
        let erasure = try await erasures.erase(contact, tenant: world.tenant.id, actor: "test")
        return try await work(erasure)
    }

    /// Does the job of an erasure.
    func work(_ erasure: JSON) async throws -> JSON {
        let id = try #require(erasure["id"]?.string.flatMap { UUID(uuidString: $0) })
        let handler = try #require(erasures.handlers["erase_contact"])
        _ = try await handler(job("erase_contact", ["erasure_id": erasure["id"] ?? .null]))
        return try await erasures.find(id, tenant: world.tenant.id)
    }

    func job(_ kind: String, _ args: JSON = [:]) -> Job {
        Job(
            tenantID: world.tenant.id, id: 1, queue: "maintenance", kind: kind, args: args.encoded(), attempt: 1,
            maxAttempts: 5, lease: JobLease(token: UUID()))
    }

    func record(_ status: ConsentStatus, phone: String, at: Timestamp?) async throws -> RecordedConsent {
        try await consent.record(
            ConsentDecision(contact: ContactReference(phone: phone), status: status, occurredAt: at),
            tenant: world.tenant, actor: "test", requestID: nil)
    }

    func count(_ sql: String) throws -> String? { try world.files.administer("SELECT count(*) FROM \(sql)")[0][0] }
}
