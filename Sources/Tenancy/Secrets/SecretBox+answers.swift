import Crypto
import FoundationEssentials

extension SecretBox {
    /// Seals a remembered answer: with the tenant's data key, or for operators with the master key.
    public func sealAnswer(_ bytes: [UInt8], scope: IdempotencyScope) async throws -> [UInt8] {
        switch scope {
        case .tenant(let id):
            return try await seal(bytes, table: "idempotency_keys", column: "response", tenant: id, row: id)
        case .operator:
            return try sealForService(bytes, purpose: "operator_idempotency_keys.response")
        }
    }

    /// Opens a remembered answer.
    public func openAnswer(_ sealed: [UInt8], scope: IdempotencyScope) async throws -> [UInt8] {
        switch scope {
        case .tenant(let id):
            return try await open(sealed, table: "idempotency_keys", column: "response", tenant: id, row: id)
        case .operator:
            return try openForService(sealed, purpose: "operator_idempotency_keys.response")
        }
    }

    /// Seals something that belongs to the service itself, directly with a master key: `id length (1) | id | nonce | ct | tag`.
    func sealForService(_ plaintext: [UInt8], purpose: String) throws(SecretError) -> [UInt8] {
        guard let key = master.key(master.currentID) else { throw .unknownMasterKey(id: master.currentID) }
        let nonce = SecureRandom.bytes(12)
        let aad = SealedValue.lengthPrefixed([Array("service".utf8), Array(purpose.utf8)])
        do {
            let sealed = try AESGCM.seal(plaintext, key: key.bytes, nonce: nonce, aad: aad)
            return [UInt8(key.id.utf8.count)] + Array(key.id.utf8) + nonce + sealed
        } catch { throw .malformed }
    }

    /// Opens what `sealForService` sealed for the same purpose.
    func openForService(_ stored: [UInt8], purpose: String) throws(SecretError) -> [UInt8] {
        guard let length = stored.first.map(Int.init), stored.count >= 1 + length + 28 else { throw .malformed }
        let id = String(decoding: stored[1..<(1 + length)], as: UTF8.self)
        guard let key = master.key(id) else { throw .unknownMasterKey(id: id) }
        let nonce = Array(stored[(1 + length)..<(13 + length)])
        let aad = SealedValue.lengthPrefixed([Array("service".utf8), Array(purpose.utf8)])
        do { return try AESGCM.open(Array(stored[(13 + length)...]), key: key.bytes, nonce: nonce, aad: aad) } catch {
            throw .refused
        }
    }
}

extension SecretBox {
    /// Seals what an operator's browser keeps for us.
    public func sealCookie(_ bytes: [UInt8]) throws(SecretError) -> [UInt8] {
        try sealForService(bytes, purpose: "operator cookie")
    }

    /// Opens an operator's cookie.
    public func openCookie(_ sealed: [UInt8]) throws(SecretError) -> [UInt8] {
        try openForService(sealed, purpose: "operator cookie")
    }
}
