/// A request method (RFC 9110 section 9); case-sensitive.
public struct HTTPMethod: RawRepresentable, Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// The token as it stands in the request line.
    public let rawValue: String

    /// A method by its token.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// A method by its token.
    public init(stringLiteral value: String) { rawValue = value }

    /// GET
    public static var get: HTTPMethod { "GET" }
    /// HEAD
    public static var head: HTTPMethod { "HEAD" }
    /// POST
    public static var post: HTTPMethod { "POST" }
    /// PUT
    public static var put: HTTPMethod { "PUT" }
    /// PATCH
    public static var patch: HTTPMethod { "PATCH" }
    /// DELETE
    public static var delete: HTTPMethod { "DELETE" }
    /// OPTIONS
    public static var options: HTTPMethod { "OPTIONS" }
    /// CONNECT
    public static var connect: HTTPMethod { "CONNECT" }

    /// Whether the method only reads (RFC 9110 section 9.2.1), so that no protection against forged writes is needed.
    public var isSafe: Bool { self == .get || self == .head || self == .options || self == "TRACE" }

    /// Whether repeating a request has the effect of one (RFC 9110 section 9.2.2).
    public var isIdempotent: Bool { isSafe || self == .put || self == .delete }

    /// The token.
    public var description: String { rawValue }
}
