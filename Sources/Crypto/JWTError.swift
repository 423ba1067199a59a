/// Why a token is refused. For logs and counters; clients get one answer for all of them.
public enum JWTError: String, Error, Sendable, Hashable {
    /// Longer than 8 KiB.
    case tooLong = "too_long"
    /// Not three segments of strict base64url, or a header or payload that is no proper JSON object.
    case malformed
    /// The header names no algorithm that a key allows; `none` and asymmetric ones never are.
    case algorithmNotAllowed = "algorithm_not_allowed"
    /// The header demands an extension.
    case criticalExtension = "critical_extension"
    /// No valid key signed this.
    case invalidSignature = "invalid_signature"
    /// `exp` is past.
    case expired
    /// `nbf` is ahead.
    case notYetValid = "not_yet_valid"
    /// `iat` is ahead.
    case issuedInFuture = "issued_in_future"
    /// `exp`, `nbf` or `iat` is no finite number.
    case invalidClaim = "invalid_claim"
    /// A secret without a byte.
    case emptySecret = "empty_secret"
}
