/// Why a cryptographic operation failed. Says nothing about keys or content.
public enum CryptoError: String, Error, Sendable, Hashable {
    /// A key of the wrong length.
    case invalidKey = "invalid_key"
    /// A nonce of the wrong length.
    case invalidNonce = "invalid_nonce"
    /// The text, its additional data or its tag is not what was sealed.
    case authenticationFailed = "authentication_failed"
    /// The library refused.
    case libraryFailure = "library_failure"
}
