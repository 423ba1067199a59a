import COpenSSL

/// A hash function of the SHA family.
public enum HashAlgorithm: Sendable, Hashable, CaseIterable {
    /// SHA-1, for WSSE alone.
    case sha1
    /// SHA-256
    case sha256
    /// SHA-384
    case sha384
    /// SHA-512
    case sha512

    /// Bytes of a digest.
    public var digestLength: Int {
        switch self {
        case .sha1: 20
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    var name: StaticString {
        switch self {
        case .sha1: "SHA1"
        case .sha256: "SHA256"
        case .sha384: "SHA384"
        case .sha512: "SHA512"
        }
    }

    /// The digest of the bytes.
    public func hash(_ bytes: some Collection<UInt8>) -> [UInt8] {
        let digest: [UInt8]? = bytes.withContiguousStorageIfAvailable { hash(UnsafeRawBufferPointer($0)) }
        return digest ?? Array(bytes).withUnsafeBytes { hash($0) }
    }

    private func hash(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: digestLength) { digest, count in
            let done = EVP_Digest(bytes.baseAddress, bytes.count, digest.baseAddress, nil, Self.function(self), nil)
            precondition(done == 1, "the library cannot hash")
            count = digestLength
        }
    }

    /// Fetched once: to look an algorithm up by name at each use costs more than to hash a short text.
    private static func function(_ algorithm: HashAlgorithm) -> OpaquePointer? {
        switch algorithm {
        case .sha1: functions.sha1
        case .sha256: functions.sha256
        case .sha384: functions.sha384
        case .sha512: functions.sha512
        }
    }

    private static let functions = Functions()

    /// Immutable objects of the library, alive as long as the process; safe to share between threads.
    private struct Functions: @unchecked Sendable {
        let sha1 = EVP_MD_fetch(nil, "SHA1", nil)
        let sha256 = EVP_MD_fetch(nil, "SHA256", nil)
        let sha384 = EVP_MD_fetch(nil, "SHA384", nil)
        let sha512 = EVP_MD_fetch(nil, "SHA512", nil)
    }
}

/// SHA-256 (FIPS 180-4).
public enum SHA256 {
    /// The digest of 32 bytes.
    public static func hash(_ bytes: some Collection<UInt8>) -> [UInt8] { HashAlgorithm.sha256.hash(bytes) }
}

/// SHA-1 (FIPS 180-4); broken for signatures, here for WSSE alone.
public enum SHA1 {
    /// The digest of 20 bytes.
    public static func hash(_ bytes: some Collection<UInt8>) -> [UInt8] { HashAlgorithm.sha1.hash(bytes) }
}
