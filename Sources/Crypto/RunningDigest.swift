import COpenSSL

/// SHA-256 of bytes that come in pieces. Used by one task at a time.
public final class RunningDigest {
    private let context: OpaquePointer?

    /// The digest of nothing yet.
    public init() {
        context = EVP_MD_CTX_new()
        precondition(EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1, "the library cannot hash")
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Takes further bytes.
    public func update(_ bytes: [UInt8]) {
        let done = bytes.withUnsafeBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
        precondition(done == 1, "the library cannot hash")
    }

    /// The 32 bytes; once, at the end.
    public func finish() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 32) { digest, count in
            let done = EVP_DigestFinal_ex(context, digest.baseAddress, nil)
            precondition(done == 1, "the library cannot hash")
            count = 32
        }
    }
}
