public import EventLoop
public import Tenancy

/// The settings of a serving process.
public struct ServiceSettings: Sendable {
    /// PostgreSQL as the role that serves. Holds a password.
    public let databaseURL: String
    /// In lower case, without a dot at either end.
    public let baseDomains: [String]
    /// Keys that wrap the tenants' data keys.
    public let masterKeys: MasterKeys
    /// The bootstrap operator's token.
    public let operatorToken: String?
    /// Where the API listens.
    public let listen: SocketAddress
    /// Where probes and metrics are answered.
    public let managementListen: SocketAddress
    /// Files of certificate chain and key.
    public let tls: (certificate: String, key: String)?
    /// Peers whose `X-Forwarded-Host` counts.
    public let trustedProxies: [CIDRBlock]
    /// Time between imports of a segment.
    public let syncInterval: Duration
    /// Hosts allowed beside `*.emarsys.net`.
    public let emarsysHosts: [String]
    /// Networks that deliveries may reach although they are not public.
    public let allowedPrivateNetworks: [CIDRBlock]
    /// How long a delivery is retried.
    public let deliveryRetryFor: Duration
    /// Connections to PostgreSQL at most.
    public let databaseConnections: Int
    /// Whether statements are prepared once per connection; not behind a PgBouncer older than 1.21 in transaction mode.
    public let preparesStatements: Bool
    /// Lines below it are not logged.
    public let logLevel: Log.Level

    /// Reads the settings. Throws all faults at once.
    public init(environment: [String: String]) throws(SettingFaults) {
        var reader = SettingReader(environment)
        let databaseURL = reader.required("DATABASE_URL")
        baseDomains = reader.baseDomains("CHARLES_BASE_DOMAINS")
        let masterKeys = reader.masterKeys("CHARLES_MASTER_KEYS")
        operatorToken = reader.operatorToken("CHARLES_OPERATOR_TOKEN")
        let listen = reader.address("CHARLES_LISTEN")
        let management = reader.address("CHARLES_MANAGEMENT_LISTEN")
        tls = reader.tls()
        trustedProxies = reader.blocks("CHARLES_TRUSTED_PROXIES")
        syncInterval = reader.duration("CHARLES_SYNC_INTERVAL")
        emarsysHosts = reader.hosts("CHARLES_EMARSYS_HOSTS")
        allowedPrivateNetworks = reader.blocks("CHARLES_ALLOWED_PRIVATE_NETWORKS")
        deliveryRetryFor = reader.duration("CHARLES_DELIVERY_RETRY_FOR")
        databaseConnections = reader.integer("CHARLES_DATABASE_CONNECTIONS", in: 2...500)
        preparesStatements = reader.flag("CHARLES_PREPARED_STATEMENTS")
        logLevel = reader.logLevel("CHARLES_LOG_LEVEL")
        guard reader.faults.isEmpty, let databaseURL, let masterKeys, let listen, let management else {
            throw SettingFaults(faults: reader.faults)
        }
        self.databaseURL = databaseURL
        self.masterKeys = masterKeys
        self.listen = listen
        managementListen = management
    }
}
