public import EventLoop
public import FoundationEssentials
public import JSON

/// The connection to Emarsys as the database has it, the secret still sealed.
public struct StoredConnection: Sendable, Hashable {
    /// How calls are signed.
    public enum Auth: String, Sendable, Hashable, CaseIterable {
        /// API user and secret; ends on 2026-12-31.
        case wsse
        /// OAuth 2.0 client credentials.
        case oauth2
    }

    /// Changes with every new credential.
    public let id: UUID
    /// What the customer calls it.
    public let name: String
    /// How calls are signed.
    public let auth: Auth
    /// API user or client id.
    public let principal: String
    /// OAuth alone; nil means the default.
    public let tokenURL: String?
    /// Nil means the default.
    public let baseURL: String?
    /// How it is doing.
    public let status: ConnectionStatus
    /// `{code, detail, advice, at}` of the last failure.
    public let lastError: JSON?
    /// When a call last worked.
    public let lastOKAt: Timestamp?
    /// What the last test found, one object for each permission.
    public let permissions: JSON?
    /// Whether the tenant has paused it.
    public let isPaused: Bool
    /// When it was first set up.
    public let createdAt: Timestamp
    /// When it last changed.
    public let updatedAt: Timestamp

    let sealedSecret: [UInt8]?
}
