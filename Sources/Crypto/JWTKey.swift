import Synchronization

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
///
/// A key schedule is computed when a token first asks for its algorithm: a process that knows thousands of secrets pays for
/// those in use.
public struct JWTKey: Sendable {
    /// When the key stops counting, in seconds since 1970; nil: never.
    public let validUntil: Int64?
    private let schedules: Schedules

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
        schedules = Schedules(secret, JWTAlgorithm.allCases.map(algorithms.contains))
    }

    /// A key of the UTF-8 bytes of a text.
    public init(
        secret: String, algorithms: Set<JWTAlgorithm> = [.hs256, .hs384, .hs512], validUntil: Int64? = nil
    ) throws(JWTError) {
        try self.init(secret: Array(secret.utf8), algorithms: algorithms, validUntil: validUntil)
    }

    /// The key for an algorithm; nil where it is not allowed.
    func hmac(_ algorithm: JWTAlgorithm) -> HMACKey? { schedules.key(algorithm) }
}

/// The key schedules of one secret, each computed at its first use.
private final class Schedules: Sendable {
    private struct Known {
        var hs256: HMACKey?
        var hs384: HMACKey?
        var hs512: HMACKey?
    }

    private let secret: [UInt8]
    private let allows256: Bool
    private let allows384: Bool
    private let allows512: Bool
    private let known = Mutex(Known())

    init(_ secret: [UInt8], _ allowed: [Bool]) {
        self.secret = secret
        (allows256, allows384, allows512) = (allowed[0], allowed[1], allowed[2])
    }

    func key(_ algorithm: JWTAlgorithm) -> HMACKey? {
        known.withLock { known in
            switch algorithm {
            case .hs256: allows256 ? key(&known.hs256, .sha256) : nil
            case .hs384: allows384 ? key(&known.hs384, .sha384) : nil
            case .hs512: allows512 ? key(&known.hs512, .sha512) : nil
            }
        }
    }

    private func key(_ place: inout HMACKey?, _ hash: HashAlgorithm) -> HMACKey {
        if let key = place { return key }
        let key = HMACKey(secret, hash)
        place = key
        return key
    }
}
