/// The symmetric algorithms of RFC 7518 section 3.2.
public enum JWTAlgorithm: String, Sendable, Hashable, CaseIterable {
    /// HMAC with SHA-256
    case hs256 = "HS256"
    /// HMAC with SHA-384
    case hs384 = "HS384"
    /// HMAC with SHA-512
    case hs512 = "HS512"

    var hash: HashAlgorithm {
        switch self {
        case .hs256: .sha256
        case .hs384: .sha384
        case .hs512: .sha512
        }
    }
}

/// A secret that signs tokens, with the algorithms it may be used with. The token never widens these.
public struct JWTKey: Sendable {
    /// When the key stops counting, in seconds since 1970; nil: never.
    public let validUntil: Int64?
    private let hs256: HMACKey?
    private let hs384: HMACKey?
    private let hs512: HMACKey?

    /// A key.
    /// - Parameters:
    ///   - secret: the bytes of the HMAC key (RFC 7518 asks for as many as a digest has); at least one.
    ///   - algorithms: what the key may be used with.
    ///   - validUntil: seconds since 1970, for a key that is being replaced.
    /// - Throws: `emptySecret`.
    public init(
        secret: [UInt8], algorithms: Set<JWTAlgorithm> = [.hs256, .hs384, .hs512], validUntil: Int64? = nil
    ) throws(JWTError) {
        if secret.isEmpty { throw .emptySecret }
        self.validUntil = validUntil
        hs256 = algorithms.contains(.hs256) ? HMACKey(secret, .sha256) : nil
        hs384 = algorithms.contains(.hs384) ? HMACKey(secret, .sha384) : nil
        hs512 = algorithms.contains(.hs512) ? HMACKey(secret, .sha512) : nil
    }

    /// A key of the UTF-8 bytes of a text.
    public init(
        secret: String, algorithms: Set<JWTAlgorithm> = [.hs256, .hs384, .hs512], validUntil: Int64? = nil
    ) throws(JWTError) {
        try self.init(secret: Array(secret.utf8), algorithms: algorithms, validUntil: validUntil)
    }

    func hmac(_ algorithm: JWTAlgorithm) -> HMACKey? {
        switch algorithm {
        case .hs256: hs256
        case .hs384: hs384
        case .hs512: hs512
        }
    }
}
