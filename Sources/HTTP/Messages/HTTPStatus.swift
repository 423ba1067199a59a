/// A status code with the phrase of its registration (RFC 9110 section 15 and the IANA registry).
public struct HTTPStatus: Hashable, Sendable, CustomStringConvertible, ExpressibleByIntegerLiteral {
    /// 100 to 599.
    public let code: Int

    /// A status by its code.
    public init(_ code: Int) { self.code = code }
    /// A status by its code.
    public init(integerLiteral value: Int) { code = value }

    /// 100
    public static var `continue`: HTTPStatus { 100 }
    /// 200
    public static var ok: HTTPStatus { 200 }
    /// 201
    public static var created: HTTPStatus { 201 }
    /// 202
    public static var accepted: HTTPStatus { 202 }
    /// 204
    public static var noContent: HTTPStatus { 204 }
    /// 302
    public static var found: HTTPStatus { 302 }
    /// 303
    public static var seeOther: HTTPStatus { 303 }
    /// 304
    public static var notModified: HTTPStatus { 304 }
    /// 400
    public static var badRequest: HTTPStatus { 400 }
    /// 401
    public static var unauthorized: HTTPStatus { 401 }
    /// 403
    public static var forbidden: HTTPStatus { 403 }
    /// 404
    public static var notFound: HTTPStatus { 404 }
    /// 405
    public static var methodNotAllowed: HTTPStatus { 405 }
    /// 406
    public static var notAcceptable: HTTPStatus { 406 }
    /// 408
    public static var requestTimeout: HTTPStatus { 408 }
    /// 409
    public static var conflict: HTTPStatus { 409 }
    /// 410
    public static var gone: HTTPStatus { 410 }
    /// 411
    public static var lengthRequired: HTTPStatus { 411 }
    /// 412
    public static var preconditionFailed: HTTPStatus { 412 }
    /// 413
    public static var contentTooLarge: HTTPStatus { 413 }
    /// 414
    public static var uriTooLong: HTTPStatus { 414 }
    /// 415
    public static var unsupportedMediaType: HTTPStatus { 415 }
    /// 417
    public static var expectationFailed: HTTPStatus { 417 }
    /// 422
    public static var unprocessableContent: HTTPStatus { 422 }
    /// 428
    public static var preconditionRequired: HTTPStatus { 428 }
    /// 429
    public static var tooManyRequests: HTTPStatus { 429 }
    /// 431
    public static var requestHeaderFieldsTooLarge: HTTPStatus { 431 }
    /// 500
    public static var internalServerError: HTTPStatus { 500 }
    /// 501
    public static var notImplemented: HTTPStatus { 501 }
    /// 502
    public static var badGateway: HTTPStatus { 502 }
    /// 503
    public static var serviceUnavailable: HTTPStatus { 503 }
    /// 504
    public static var gatewayTimeout: HTTPStatus { 504 }
    /// 505
    public static var httpVersionNotSupported: HTTPStatus { 505 }

    /// Whether the code is of the class 2xx.
    public var isSuccess: Bool { 200..<300 ~= code }

    /// Whether an answer of this status never has a body (RFC 9112 section 6.3).
    public var isBodiless: Bool { code < 200 || code == 204 || code == 304 }

    /// The registered phrase; empty where there is none.
    public var reasonPhrase: String { Self.phrases[code] ?? "" }

    /// Code and phrase.
    public var description: String { "\(code) \(reasonPhrase)" }

    private static let phrases: [Int: String] = [
        100: "Continue", 101: "Switching Protocols", 103: "Early Hints",
        200: "OK", 201: "Created", 202: "Accepted", 203: "Non-Authoritative Information", 204: "No Content",
        205: "Reset Content", 206: "Partial Content", 207: "Multi-Status",
        300: "Multiple Choices", 301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified",
        307: "Temporary Redirect", 308: "Permanent Redirect",
        400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
        405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required",
        408: "Request Timeout", 409: "Conflict", 410: "Gone", 411: "Length Required", 412: "Precondition Failed",
        413: "Content Too Large", 414: "URI Too Long", 415: "Unsupported Media Type", 416: "Range Not Satisfiable",
        417: "Expectation Failed", 421: "Misdirected Request", 422: "Unprocessable Content", 423: "Locked",
        424: "Failed Dependency", 425: "Too Early", 426: "Upgrade Required", 428: "Precondition Required",
        429: "Too Many Requests", 431: "Request Header Fields Too Large", 451: "Unavailable For Legal Reasons",
        500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
        504: "Gateway Timeout", 505: "HTTP Version Not Supported", 507: "Insufficient Storage",
    ]
}
