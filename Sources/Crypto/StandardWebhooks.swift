/// Signs webhooks by the Standard Webhooks specification 1.0 (standardwebhooks.com), symmetric signatures `v1`.
public struct WebhookSigner: Sendable {
    /// The three fields of a delivery.
    public struct Signature: Sendable, Hashable {
        /// `webhook-id`
        public let id: String
        /// `webhook-timestamp`: seconds since 1970.
        public let timestamp: String
        /// `webhook-signature`: one `v1,<base64>` for each key, separated by spaces.
        public let signature: String

        /// The fields as a receiver got them.
        public init(id: String, timestamp: String, signature: String) {
            self.id = id
            self.timestamp = timestamp
            self.signature = signature
        }
    }

    /// Bytes that a secret may have.
    public static let secretLengths = 24...64
    /// Seconds by which a timestamp may differ when a signature is checked.
    public static let tolerance: Int64 = 300

    private let keys: [HMACKey]

    /// A signer.
    /// - Parameter secrets: `whsec_` and base64 of 24 to 64 bytes; during a rotation the new one first.
    /// - Returns: nil for no secret or an invalid one.
    public init?(secrets: [String]) {
        var keys: [HMACKey] = []
        for secret in secrets {
            guard let bytes = Self.bytes(of: secret) else { return nil }
            keys.append(HMACKey(bytes))
        }
        guard !keys.isEmpty else { return nil }
        self.keys = keys
    }

    /// A new secret of 32 random bytes.
    public static func makeSecret() -> String {
        "whsec_" + Base64.encode(SecureRandom.bytes(32))
    }

    /// The bytes of a secret; nil where it is invalid.
    public static func bytes(of secret: String) -> [UInt8]? {
        guard secret.hasPrefix("whsec_"), let bytes = Base64.decode(String(secret.dropFirst(6))),
            secretLengths.contains(bytes.count)
        else { return nil }
        return bytes
    }

    /// Signs a delivery.
    /// - Parameters:
    ///   - id: the same for each attempt; without a dot.
    ///   - timestamp: seconds since 1970 of this attempt.
    ///   - body: the bytes that are sent.
    public func sign(id: String, timestamp: Int64, body: [UInt8]) -> Signature {
        let start = Array("\(id).\(timestamp).".utf8)
        let signatures = keys.map { "v1," + Base64.encode($0.authenticate(pieces: [start, body])) }
        return Signature(id: id, timestamp: String(timestamp), signature: signatures.joined(separator: " "))
    }

    /// Checks a delivery, as a receiver does.
    /// - Parameter now: seconds since 1970.
    public func isValid(_ signature: Signature, body: [UInt8], now: Int64) -> Bool {
        guard let timestamp = Int64(signature.timestamp), (now - Self.tolerance...now + Self.tolerance) ~= timestamp
        else {
            return false
        }
        let start = Array("\(signature.id).\(signature.timestamp).".utf8)
        let given = signature.signature.split(separator: " ").filter { $0.hasPrefix("v1,") }
            .compactMap { Base64.decode(String($0.dropFirst(3))) }
        return keys.contains { key in
            let expected = key.authenticate(pieces: [start, body])
            return given.contains { constantTimeEqual($0, expected) }
        }
    }
}
