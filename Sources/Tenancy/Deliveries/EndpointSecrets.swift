import Crypto
import EventLoop
import FoundationEssentials

/// The keys that sign a tenant's deliveries.
struct EndpointSecrets: Sendable {
    private static let table = "delivery_endpoints"

    let box: SecretBox

    /// 32 random bytes.
    static func make() -> [UInt8] { SecureRandom.bytes(32) }

    /// The form that is shown and handed over.
    static func text(_ secret: [UInt8]) -> String { "whsec_" + Base64.encode(secret) }

    /// Seals a secret for its row. Current and previous one share a place, because rotating moves the sealed value.
    func seal(_ secret: [UInt8], tenantID: UUID) async throws -> [UInt8] {
        try await box.seal(secret, table: Self.table, column: "secret", tenant: tenantID, row: tenantID)
    }

    /// The current secret.
    func current(_ stored: StoredEndpoint, tenantID: UUID) async throws -> [UInt8] {
        try await open(stored.secret, tenantID: tenantID)
    }

    /// Signs with the current secret, and with the previous one too inside its overlap.
    func signer(_ stored: StoredEndpoint, tenantID: UUID, now: Timestamp) async throws -> WebhookSigner {
        var secrets = [Self.text(try await current(stored, tenantID: tenantID))]
        if let previous = stored.previousSecret, let until = stored.endpoint.previousValidUntil, now < until {
            secrets.append(Self.text(try await open(previous, tenantID: tenantID)))
        }
        guard let signer = WebhookSigner(secrets: secrets) else { throw SecretError.unknownDataKey }
        return signer
    }

    private func open(_ sealed: [UInt8], tenantID: UUID) async throws -> [UInt8] {
        try await box.open(sealed, table: Self.table, column: "secret", tenant: tenantID, row: tenantID)
    }
}
