/// Why a message is refused. After any of these the connection is answered, where it is a request, and closed; nothing
/// later on it is interpreted (RFC 9112 section 6.3).
public enum HTTPParseError: String, Error, Sendable, Hashable {
    /// A carriage return that no line feed follows.
    case bareCR = "bare_cr"
    /// A line feed that no carriage return precedes.
    case bareLF = "bare_lf"
    /// A control character.
    case controlCharacter = "control_character"
    /// A request line, status line or head that follows no grammar, HTTP/0.9 among them.
    case malformedHead = "malformed_head"
    /// A method outside the registry, or CONNECT.
    case unknownMethod = "unknown_method"
    /// A target in no form that an origin server takes, or with user information.
    case invalidTarget = "invalid_target"
    /// Another major version than 1.
    case unsupportedVersion = "unsupported_version"
    /// A field line without colon, with an invalid name or white space before the colon.
    case malformedField = "malformed_field"
    /// A field line that continues the one before (obs-fold).
    case foldedField = "folded_field"
    /// No `Host`.
    case missingHost = "missing_host"
    /// More than one `Host`.
    case repeatedHost = "repeated_host"
    /// A `Host` that is no host with an optional port.
    case invalidHost = "invalid_host"
    /// An absolute target whose authority is not that of `Host`.
    case hostMismatch = "host_mismatch"
    /// A `Content-Length` that is no single number, occurs twice or is beyond 2^63.
    case invalidContentLength = "invalid_content_length"
    /// A `Transfer-Encoding` other than exactly `chunked`, or one in HTTP/1.0.
    case invalidTransferEncoding = "invalid_transfer_encoding"
    /// `Content-Length` and `Transfer-Encoding` together.
    case conflictingFraming = "conflicting_framing"
    /// An expectation other than `100-continue`.
    case unknownExpectation = "unknown_expectation"
    /// A chunk size, extension or end against the grammar.
    case malformedChunk = "malformed_chunk"
    /// A trailer field that would change framing, routing or identity.
    case forbiddenTrailer = "forbidden_trailer"
    /// A target longer than allowed.
    case targetTooLong = "target_too_long"
    /// More bytes or fields in the head than allowed.
    case headTooLarge = "head_too_large"
    /// A longer body than allowed.
    case bodyTooLarge = "body_too_large"

    /// The status that a client is answered with.
    public var status: HTTPStatus {
        switch self {
        case .unknownMethod: .notImplemented
        case .unsupportedVersion: .httpVersionNotSupported
        case .unknownExpectation: .expectationFailed
        case .targetTooLong: .uriTooLong
        case .headTooLarge: .requestHeaderFieldsTooLarge
        case .bodyTooLarge: .contentTooLarge
        default: .badRequest
        }
    }
}

extension HTTPParseError: ProblemConvertible {
    /// The refusal with the cause as code.
    public var problem: Problem { Problem(status, rawValue) }
}
