/// Why a call brought no answer.
public struct HTTPClientError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The stable reasons; raw values are fit for logs, metrics and clients.
    public enum Code: String, Sendable, Hashable {
        /// A method or field that cannot be written, or a field of framing that the client sets itself.
        case invalidRequest = "invalid_request"
        /// The address policy forbids every address of the host.
        case addressRefused = "address_refused"
        /// The host has no address.
        case nameNotFound = "name_not_found"
        /// The name server gave no answer.
        case nameUnavailable = "name_unavailable"
        /// No address of the host accepted a connection.
        case connectionFailed = "connection_failed"
        /// TLS could not be agreed on.
        case tlsFailed = "tls_failed"
        /// The server's certificate is not trusted, has expired or is another host's.
        case certificateRefused = "certificate_refused"
        /// The time-out passed.
        case timedOut = "timed_out"
        /// The connection ended before the whole answer had come.
        case connectionLost = "connection_lost"
        /// The answer follows no grammar.
        case invalidResponse = "invalid_response"
        /// The answer is larger than allowed.
        case responseTooLarge = "response_too_large"
        /// The calling task was cancelled.
        case cancelled = "cancelled"
    }

    /// The reason.
    public let code: Code
    /// For logs: what was attempted. Holds no field, body, path or query of the request.
    public let detail: String
    /// Whether the server may have got the request, so that repeating it may do its work twice.
    public let mayHaveArrived: Bool

    /// An error with its reason.
    public init(_ code: Code, detail: String = "", mayHaveArrived: Bool = false) {
        self.code = code
        self.detail = detail
        self.mayHaveArrived = mayHaveArrived
    }

    /// Reason and detail.
    public var description: String { detail.isEmpty ? code.rawValue : "\(code.rawValue): \(detail)" }
}
