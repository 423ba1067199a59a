public import Crypto
public import FoundationEssentials

/// A tenant as the directory knows it: all that a request needs before it is let in.
///
/// A class, so that handing it on costs one reference; nothing in it changes.
public final class Tenant: Sendable {
    /// Whether the tenant is served.
    public enum Status: String, Sendable, Hashable {
        /// Served.
        case active
        /// Every request on its host is refused.
        case suspended
    }

    /// What the directory knows of the connection to Emarsys.
    public struct ConnectionState: Sendable, Hashable {
        /// `connected`, `failing` or `disconnected`.
        public let status: ConnectionStatus
        /// Whether the tenant has paused the integration: webhooks are held; imports, exports and deliveries wait.
        public let isPaused: Bool

        /// A state.
        public init(status: ConnectionStatus, isPaused: Bool) {
            self.status = status
            self.isPaused = isPaused
        }
    }

    /// An API key that is not revoked.
    public struct Key: Sendable, Hashable {
        /// The key's id.
        public let id: UUID
        /// SHA-256 of the key.
        public let hash: [UInt8]
        /// What it may do.
        public let permissions: PermissionSet

        /// A key.
        public init(id: UUID, hash: [UInt8], permissions: PermissionSet) {
            self.id = id
            self.hash = hash
            self.permissions = permissions
        }
    }

    /// The tenant's id.
    public let id: UUID
    /// The label of its host.
    public let instanceName: String
    /// The name people read.
    public let displayName: String
    /// Whether it is served.
    public let status: Status
    /// What is switched on.
    public let features: FeatureSet
    /// An IANA time zone name such as `Europe/Berlin`.
    public let timeZone: String
    /// ISO 4217, if set.
    public let defaultCurrency: String?
    /// ISO 3166-1 alpha-2, if set: phone numbers without a country are read as numbers of this country.
    public let defaultCountry: String?
    /// The rarely changed switches.
    public let settings: TenantSettings
    /// Keys that are not revoked.
    public let keys: [Key]
    /// Verifies webhooks with the current secret, and with previous ones until their overlap ends; nil without a secret.
    public let webhookVerifier: JWTVerifier?
    /// The connection to Emarsys; nil where there never was one.
    public let connection: ConnectionState?
    /// Where it is on its way between two databases; nil where it is at home.
    public let move: MoveState?

    /// A tenant.
    public init(
        id: UUID, instanceName: String, displayName: String, status: Status = .active, features: FeatureSet = [],
        timeZone: String = "Europe/Berlin", defaultCurrency: String? = nil, defaultCountry: String? = nil,
        settings: TenantSettings = TenantSettings(), keys: [Key] = [], webhookVerifier: JWTVerifier? = nil,
        connection: ConnectionState? = nil, move: MoveState? = nil
    ) {
        self.id = id
        self.instanceName = instanceName
        self.displayName = displayName
        self.status = status
        self.features = features
        self.timeZone = timeZone
        self.defaultCurrency = defaultCurrency
        self.defaultCountry = defaultCountry
        self.settings = settings
        self.keys = keys
        self.webhookVerifier = webhookVerifier
        self.connection = connection
        self.move = move
    }

    /// Whether webhooks are to be held and lanes wait.
    public var isPaused: Bool { connection?.isPaused ?? false }

    /// The key whose hash equals the given one. Each comparison takes the same time wherever the bytes differ.
    public func key(hash: [UInt8]) -> Key? {
        var found: Key?
        for key in keys where constantTimeEqual(key.hash, hash) { found = key }
        return found
    }
}

/// How the connection to Emarsys is doing.
public enum ConnectionStatus: String, Sendable, Hashable, CaseIterable {
    /// The last call worked.
    case connected
    /// Calls fail; see `last_error`.
    case failing
    /// There is none: it was removed, and its secrets with it.
    case disconnected
}
