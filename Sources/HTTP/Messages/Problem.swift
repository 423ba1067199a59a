import JSON

/// One fault of the input.
public struct FieldError: Sendable, Hashable {
    /// The path of the field, such as `mappings[2].destination`.
    public let field: String
    /// Stable, snake_case.
    public let code: String
    /// For people.
    public let message: String

    /// A fault of a field.
    public init(field: String, code: String, message: String) {
        self.field = field
        self.code = code
        self.message = message
    }
}

/// A refusal as the client sees it (RFC 9457).
public struct Problem: Error, Sendable {
    /// The status of the answer.
    public var status: HTTPStatus
    /// Stable, snake_case; what clients decide on.
    public var code: String
    /// A short summary that is the same for each occurrence.
    public var title: String
    /// What happened here; no text of a database, no secret.
    public var detail: String
    /// Faults of the input.
    public var errors: [FieldError]
    /// Fields for the answer, such as `Retry-After`.
    public var headers: HTTPHeaders
    /// Further members of the answer, such as `feature`.
    public var extensions: JSONObject

    /// A refusal.
    /// - Parameters:
    ///   - title: by default the phrase of the status.
    ///   - detail: by default what can be said of every refusal of this status.
    public init(
        _ status: HTTPStatus, _ code: String, title: String? = nil, detail: String? = nil, errors: [FieldError] = [],
        headers: HTTPHeaders = [:], extensions: JSONObject = [:]
    ) {
        self.status = status
        self.code = code
        self.title = title ?? status.reasonPhrase
        self.detail = detail ?? Self.detail(of: status, code)
        self.errors = errors
        self.headers = headers
        self.extensions = extensions
    }
}

/// An error that knows its answer.
public protocol ProblemConvertible: Error {
    /// The answer to give.
    var problem: Problem { get }
}

extension Problem: ProblemConvertible {
    /// Itself.
    public var problem: Problem { self }
}

extension Problem {
    /// The answer in `application/problem+json`.
    /// - Parameter requestID: the id of the request; left out where empty.
    public func response(requestID: String = "") -> HTTPResponse {
        var writer = JSONWriter(capacity: 256)
        writer.beginObject()
        writer.key("type")
        writer.string("urn:problem:" + code)
        writer.key("title")
        writer.string(title)
        writer.key("status")
        writer.int(status.code)
        writer.key("code")
        writer.string(code)
        writer.key("detail")
        writer.string(detail)
        if !requestID.isEmpty {
            writer.key("request_id")
            writer.string(requestID)
        }
        if !errors.isEmpty {
            writer.key("errors")
            writer.beginArray()
            for error in errors {
                writer.beginObject()
                writer.key("field")
                writer.string(error.field)
                writer.key("code")
                writer.string(error.code)
                writer.key("message")
                writer.string(error.message)
                writer.endObject()
            }
            writer.endArray()
        }
        for member in extensions {
            writer.key(dynamic: member.key)
            writer.value(member.value)
        }
        writer.endObject()
        var headers = headers
        headers.set("Content-Type", "application/problem+json")
        var response = HTTPResponse(status: status, headers: headers, body: .bytes(writer.bytes))
        response.sharedFields = Self.inert
        return response
    }

    /// What is refused before anybody knows what was asked for has them, too: a browser does nothing with it.
    private static let inert = HTTPFieldBlock([
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    ])
}
