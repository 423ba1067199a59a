import Crypto
public import EventLoop
import FoundationEssentials
import HTTP
import JSON
public import Persistence

/// The secret with which Emarsys signs webhooks: shown, and replaced with an overlap.
public struct WebhookSecretService: Sendable {
    /// The secret as a customer copies it.
    public struct Current: Sendable {
        /// The text whose UTF-8 bytes are the HMAC key.
        public let secret: String
        /// Until when the secret before it is accepted too.
        public let previousValidUntil: Timestamp?
    }

    private let database: Database
    private let secrets: SecretBox
    private let time: any TimeSource

    /// A service.
    public init(database: Database, secrets: SecretBox, time: any TimeSource) {
        self.database = database
        self.secrets = secrets
        self.time = time
    }

    /// The current secret.
    public func current(_ tenant: Tenant) async throws -> Current {
        let rows = try await database.run(.tenant(tenant.id), WebhookSecretStore.valid(tenant.id, now: time.now()))
        var secret: String?
        var until: Timestamp?
        for row in rows {
            let validUntil: Timestamp? = try row.get(2)
            if let validUntil {
                until = max(until ?? validUntil, validUntil)
                continue
            }
            let id: UUID = try row.get(0)
            let bytes = try await secrets.open(
                row.get(1), table: "webhook_secrets", column: "secret", tenant: tenant.id, row: id)
            secret = secret ?? String(decoding: bytes, as: UTF8.self)
        }
        // A tenant has a secret from its creation on; one that came without gets it here.
        guard let secret else { return try await rotate(tenant, overlap: .zero, actor: "service") }
        return Current(secret: secret, previousValidUntil: until)
    }

    /// Writes down that the secret was shown to somebody.
    public func noteReveal(_ tenant: Tenant, actor: String) async throws {
        _ = try await database.run(
            .tenant(tenant.id),
            AuditStore.insert(tenant.id, at: time.now(), actor: actor, action: "webhook_secret.revealed"))
    }

    /// Makes a new secret; the one before it stays valid for `overlap`.
    public func rotate(_ tenant: Tenant, overlap: Duration, actor: String) async throws -> Current {
        let now = time.now()
        let until = now + overlap
        let text = WebhookSecret.random()
        let id = SecureRandom.uuid()
        let sealed = try await secrets.seal(
            Array(text.utf8), table: "webhook_secrets", column: "secret", tenant: tenant.id, row: id)
        _ = try await database.run(
            .tenant(tenant.id),
            WebhookSecretStore.retire(tenant.id, until: until, now: now) + [
                WebhookSecretStore.insert(tenant.id, WebhookSecret.Sealed(id: id, sealed: sealed), now: now),
                AuditStore.insert(
                    tenant.id, at: now, actor: actor, action: "webhook_secret.rotated",
                    after: ["previous_valid_until": .string(until.rfc3339)]),
                DirectoryStore.touch(tenant.id),
            ])
        return Current(secret: text, previousValidUntil: overlap > .zero ? until : nil)
    }
}
