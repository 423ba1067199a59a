import Crypto
import EventLoop
import FoundationEssentials
import Persistence

/// The secret with which Emarsys signs webhooks: random text whose UTF-8 bytes are the HMAC key.
enum WebhookSecret {
    struct Sealed: Sendable {
        let id: UUID
        let sealed: [UInt8]
    }

    /// 256 bits as base64url: 43 characters, easy to copy.
    static func random() -> String { SecureRandom.token(32) }

    static func place(tenant: UUID, id: UUID) -> SecretPlace {
        SecretPlace(table: "webhook_secrets", column: "secret", tenant: tenant, row: id)
    }

    /// A fresh secret, sealed with a data key at hand.
    static func make(tenant: UUID, key: DataKey) throws(SecretError) -> Sealed {
        let id = SecureRandom.uuid()
        return Sealed(
            id: id, sealed: try SealedValue.seal(Array(random().utf8), key: key, place: place(tenant: tenant, id: id)))
    }
}

/// The SQL of webhook secrets.
enum WebhookSecretStore {
    static func insert(_ tenant: UUID, _ secret: WebhookSecret.Sealed, now: Timestamp) -> Query {
        Query(
            "INSERT INTO app.webhook_secrets (tenant_id, id, secret, created_at) VALUES ($1, $2, $3, $4)",
            [.uuid(tenant), .uuid(secret.id), .bytes(secret.sealed), .timestamp(now)])
    }

    /// Ends the current secret at `until`, and those that ended before `now` for good.
    static func retire(_ tenant: UUID, until: Timestamp, now: Timestamp) -> [Query] {
        [
            Query(
                "DELETE FROM app.webhook_secrets WHERE tenant_id = $1 AND valid_until <= $2",
                [.uuid(tenant), .timestamp(now)]),
            Query(
                "UPDATE app.webhook_secrets SET valid_until = $2 WHERE tenant_id = $1 AND valid_until IS NULL",
                [.uuid(tenant), .timestamp(until)]),
        ]
    }

    /// id, sealed secret, valid_until of those that are valid, the current one first.
    static func valid(_ tenant: UUID, now: Timestamp) -> Query {
        Query(
            """
            SELECT id, secret, valid_until FROM app.webhook_secrets
             WHERE tenant_id = $1 AND (valid_until IS NULL OR valid_until > $2)
             ORDER BY valid_until DESC NULLS FIRST, created_at DESC
            """, [.uuid(tenant), .timestamp(now)])
    }
}
