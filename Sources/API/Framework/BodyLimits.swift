public import HTTP

/// How large a request's body may be.
public enum BodyLimits {
    /// Webhooks: contract with Emarsys.
    public static let webhook = 256 << 10
    /// Everything else.
    public static let other = 1 << 20

    /// The limit of a request by its path.
    public static func limit(_ head: HTTPRequestHead) -> Int {
        head.pathBytes.starts(with: "/api/v0/webhooks/".utf8) ? webhook : other
    }
}
