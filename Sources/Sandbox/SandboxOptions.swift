import EventLoop

/// How a simulated Emarsys account is set up.
public struct SandboxOptions: Sendable {
    /// Loopback unless told otherwise.
    public var address = "127.0.0.1"
    /// 0 lets the system choose.
    public var port = 0
    /// How many contacts the account holds.
    public var contacts = 20_000
    /// Another seed is another account; the same one is the same account, contact for contact.
    public var seed: UInt64 = 20_261_124
    /// The WSSE user.
    public var username = "sandbox001"
    /// The WSSE secret.
    public var secret = "sandbox-secret"
    /// The OAuth client.
    public var clientID = "sandbox-client"
    /// The OAuth client's secret.
    public var clientSecret = "sandbox-client-secret"
    /// What the credentials may do: the 18 permissions of the customer guide unless told otherwise.
    public var permissions = SandboxPermission.guide
    /// Calls a minute and credential.
    public var callsPerMinute = 1000
    /// Life of an OAuth token in seconds.
    public var tokenSeconds = 3600
    /// How the account misbehaves.
    public var quirks = SandboxQuirks()
    /// How many of a thousand contacts share their phone, and how many their e-mail, with another one.
    public var sharedPerMille = 10

    /// The account of the product's demo.
    public init() {}
}

/// What a client needs to know to use a sandbox: the first line that `charles-emarsys sandbox --json` prints.
public struct SandboxInfo: Sendable, Hashable {
    /// Scheme, host and port.
    public let baseURL: String
    /// The WSSE user.
    public let username: String
    /// The WSSE secret.
    public let secret: String
    /// The OAuth client.
    public let clientID: String
    /// The OAuth client's secret.
    public let clientSecret: String
    /// The OAuth token endpoint.
    public let tokenURL: String
}
