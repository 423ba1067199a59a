import EventLoop

/// How an ``HTTPServer`` listens and what it allows its clients.
public struct HTTPServerConfiguration: Sendable {
    /// Where to listen; port 0 takes a free one.
    public var address: SocketAddress
    /// The certificate for TLS; nil serves plain HTTP.
    public var tls: TLSServerContext?
    /// Bounds on heads; beyond them 431 or 414.
    public var headLimits: HTTPRequestParser.Limits
    /// The bytes that a request's body may have, by its head; beyond them 413. Asked before any of the body is read.
    public var bodyLimit: @Sendable (HTTPRequestHead) -> Int
    /// From the first byte of a head to its end; then 408.
    public var headTimeout: Duration
    /// From the end of the head to the end of the body; then 408.
    public var bodyTimeout: Duration
    /// How long a connection may stay open without a request.
    public var idleTimeout: Duration
    /// How long a client may take none of an answer's bytes.
    public var writeTimeout: Duration
    /// How long requests under way may still take once the server drains.
    public var drainTimeout: Duration
    /// How long an idle connection may still bring one more request once the server drains: what keeps connections open, such
    /// as a proxy, does not learn of it at once. That request is answered and its connection closed behind the answer.
    public var drainGrace: Duration
    /// Connections at once; further ones are closed right away.
    public var maxConnections: Int

    /// The usual limits for an address.
    public init(
        address: SocketAddress,
        tls: TLSServerContext? = nil,
        headLimits: HTTPRequestParser.Limits = HTTPRequestParser.Limits(),
        bodyLimit: @escaping @Sendable (HTTPRequestHead) -> Int = { _ in 1 << 20 },
        headTimeout: Duration = .seconds(30),
        bodyTimeout: Duration = .seconds(60),
        idleTimeout: Duration = .seconds(75),
        writeTimeout: Duration = .seconds(60),
        drainTimeout: Duration = .seconds(25),
        drainGrace: Duration = .seconds(1),
        maxConnections: Int = 16_384
    ) {
        self.address = address
        self.tls = tls
        self.headLimits = headLimits
        self.bodyLimit = bodyLimit
        self.headTimeout = headTimeout
        self.bodyTimeout = bodyTimeout
        self.idleTimeout = idleTimeout
        self.writeTimeout = writeTimeout
        self.drainTimeout = drainTimeout
        self.drainGrace = drainGrace
        self.maxConnections = maxConnections
    }
}
