import JSON

/// Takes the pieces of a streamed body.
public protocol HTTPBodyWriter {
    /// Sends a piece and waits until the connection has room for more.
    /// - Throws: once the client has gone or the server drains.
    func write(_ bytes: [UInt8]) async throws
}

/// An answer.
public struct HTTPResponse: Sendable {
    /// The body.
    public enum Body: Sendable {
        /// All of it at hand; sent with `Content-Length`.
        case bytes([UInt8])
        /// Produced piece by piece until the closure returns; sent chunked. The closure runs on the connection's loop.
        case stream(@Sendable (any HTTPBodyWriter) async throws -> Void)
    }

    /// The status.
    public var status: HTTPStatus
    /// The fields, without those of framing (`Content-Length`, `Transfer-Encoding`, `Connection`, `Date`).
    public var headers: HTTPHeaders
    /// Fields that this answer shares with many others; written behind `headers`.
    public var sharedFields = HTTPFieldBlock.empty
    /// The body.
    public var body: Body

    /// An answer.
    public init(status: HTTPStatus, headers: HTTPHeaders = [:], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// An answer in `application/json`.
    public static func json(_ value: JSON, status: HTTPStatus = .ok) -> HTTPResponse {
        json(bytes: value.encoded(), status: status)
    }

    /// An answer in `application/json` that is written already.
    public static func json(bytes: [UInt8], status: HTTPStatus = .ok) -> HTTPResponse {
        HTTPResponse(status: status, headers: ["Content-Type": "application/json"], body: .bytes(bytes))
    }

    /// An answer in UTF-8 text.
    public static func text(
        _ text: String, type: String = "text/plain; charset=utf-8", status: HTTPStatus = .ok
    ) -> HTTPResponse {
        HTTPResponse(status: status, headers: ["Content-Type": type], body: .bytes(Array(text.utf8)))
    }

    /// The bytes of the body, empty for a streamed one.
    public var bodyBytes: [UInt8] {
        if case .bytes(let bytes) = body { bytes } else { [] }
    }
}

/// Answers requests. Called on the connection's loop.
public protocol HTTPResponder: Sendable {
    /// Answers one request; errors are answers too.
    func respond(to request: HTTPRequest) async -> HTTPResponse
}
