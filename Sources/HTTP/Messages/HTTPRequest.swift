import EventLoop

/// A request with its body.
public struct HTTPRequest: Sendable {
    /// The head as it came.
    public let head: HTTPRequestHead
    /// The body, without transfer coding.
    public var body: [UInt8]
    /// The id that the answer carries as `X-Request-Id`.
    public var requestID: String

    /// Where the connection comes from; nil for a request made in the process.
    public var remoteAddress: SocketAddress?

    /// A request with a parsed head.
    public init(
        head: HTTPRequestHead, body: [UInt8] = [], requestID: String = "", remoteAddress: SocketAddress? = nil
    ) {
        self.head = head
        self.body = body
        self.requestID = requestID
        self.remoteAddress = remoteAddress
    }

    /// A request made in the process, for tests and probes: written out and parsed like one from the wire.
    /// - Parameters:
    ///   - headers: without `Host` and `Content-Length`, which are added.
    /// - Throws: `HTTPParseError` where the parts make no valid request.
    public init(
        method: HTTPMethod, target: String, host: String = "localhost", headers: HTTPHeaders = [:],
        body: [UInt8] = [], requestID: String = ""
    ) throws(HTTPParseError) {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n"
        for field in headers { text += "\(field.name): \(field.value)\r\n" }
        if !body.isEmpty { text += "Content-Length: \(body.count)\r\n" }
        var parser = HTTPRequestParser()
        guard case .head(let head, _) = try parser.head(of: Array((text + "\r\n").utf8).span.bytes) else {
            throw .malformedHead
        }
        self.init(head: head, body: body, requestID: requestID)
    }

    /// The method.
    public var method: HTTPMethod { head.method }

    /// The request target as it came.
    public var target: String { head.target }

    /// The path, still percent-encoded.
    public var path: String { head.path }

    /// The query, still percent-encoded.
    public var query: String? { head.query }

    /// The value of `Host` as it came.
    public var host: String? { head.host }

    /// All fields; ask for one by `header(_:)` instead where that is enough.
    public var headers: HTTPHeaders { head.headers }

    /// The value of the first field of the name.
    public func header(_ name: String) -> String? { head.header(name) }

    /// The first value of a query parameter, percent-decoded with `+` as space; nil where it is missing or no valid text.
    public func queryItem(_ name: String) -> String? {
        queryItems.first { $0.name == name }?.value
    }

    /// The parameters of the query in order, percent-decoded with `+` as space. Those that decode to no valid text are left out.
    public var queryItems: [(name: String, value: String)] {
        guard let range = head.queryRange else { return [] }
        return HTTPForm.items(head.slice(range))
    }
}
