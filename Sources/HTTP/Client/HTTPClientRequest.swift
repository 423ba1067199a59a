/// A request to another server.
public struct HTTPClientRequest: Sendable {
    /// The method.
    public var method: HTTPMethod
    /// Where to.
    public var url: HTTPURL
    /// The fields, without `Host`, `Content-Length`, `Transfer-Encoding` and `Connection`, which the client sets.
    public var headers: HTTPHeaders
    /// The body.
    public var body: [UInt8]
    /// For everything: name look-up, connection, TLS, request and answer.
    public var timeout: Duration
    /// For one connection attempt, TLS included.
    public var connectTimeout: Duration
    /// The bytes that the body of the answer may have.
    public var maxResponseBytes: Int
    /// To which addresses the call may go.
    public var addressPolicy: AddressPolicy
    /// Whether the request may be sent again, once, when a kept connection turns out to be dead. By default what the
    /// method says; true is right for a POST that only reads.
    public var isIdempotent: Bool

    /// A request.
    public init(
        method: HTTPMethod = .get,
        url: HTTPURL,
        headers: HTTPHeaders = [:],
        body: [UInt8] = [],
        timeout: Duration = .seconds(30),
        connectTimeout: Duration = .seconds(10),
        maxResponseBytes: Int = 16 << 20,
        addressPolicy: AddressPolicy = .any,
        isIdempotent: Bool? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.connectTimeout = connectTimeout
        self.maxResponseBytes = maxResponseBytes
        self.addressPolicy = addressPolicy
        self.isIdempotent = isIdempotent ?? method.isIdempotent
    }

    /// The bytes to send, or nil where a part cannot be written.
    func encoded() -> [UInt8]? {
        let own = ["Host", "Content-Length", "Transfer-Encoding", "Connection"]
        guard headers.areWritable, !method.rawValue.isEmpty, method.rawValue.utf8.allSatisfy(HTTPGrammar.isToken),
            !own.contains(where: headers.contains)
        else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512 + body.count)
        bytes.append(contentsOf: "\(method.rawValue) \(url.target) HTTP/1.1\r\nHost: \(url.authority)\r\n".utf8)
        if !headers.contains("User-Agent") { bytes.append("User-Agent: charles-emarsys\r\n") }
        if !headers.contains("Accept") { bytes.append("Accept: */*\r\n") }
        for field in headers { bytes.append(contentsOf: "\(field.name): \(field.value)\r\n".utf8) }
        if !body.isEmpty || [.post, .put, .patch].contains(method) {
            bytes.append("Content-Length: ")
            bytes.append(decimal: body.count)
            bytes.append("\r\n")
        }
        bytes.append("\r\n")
        bytes.append(contentsOf: body)
        return bytes
    }
}

/// A server's answer. Redirects are answers like others and never followed.
public struct HTTPClientResponse: Sendable {
    /// The status.
    public var status: HTTPStatus
    /// The fields in order.
    public var headers: HTTPHeaders
    /// The whole body.
    public var body: [UInt8]

    /// An answer; for doubles in tests.
    public init(status: HTTPStatus, headers: HTTPHeaders = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
