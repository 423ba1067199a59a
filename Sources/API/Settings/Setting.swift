/// One environment variable that the service reads.
public struct Setting: Sendable {
    /// The variable's name.
    public let name: String
    /// What holds where it is not set; nil where nothing does.
    public let fallback: String?
    /// What it is, in one line, with its form.
    public let text: String

    /// Every setting, in the order of their importance.
    public static let all: [Setting] = [
        Setting(
            name: "DATABASE_URL", fallback: nil,
            text:
                "PostgreSQL as the role that serves: never a superuser, the owner or a role that bypasses row security"),
        Setting(
            name: "CHARLES_OWNER_DATABASE_URL", fallback: nil,
            text:
                "PostgreSQL as the role that migrates; for `migrate` alone, which also creates the role of DATABASE_URL"
        ),
        Setting(
            name: "CHARLES_TARGET_DATABASE_URL", fallback: nil,
            text: "PostgreSQL to which `tenant move` moves, as the role that serves there; for `tenant move` alone"),
        Setting(
            name: "CHARLES_BASE_DOMAINS", fallback: nil, text: "base domains of the instances' hosts, comma-separated"),
        Setting(
            name: "CHARLES_MASTER_KEYS", fallback: nil,
            text: "<id>:<base64 of 32 bytes>, comma-separated: the first encrypts, all decrypt"),
        Setting(
            name: "CHARLES_OPERATOR_TOKEN", fallback: nil,
            text: "bearer token of the first operator, 32 random characters are good; further ones: `operator create`"),
        Setting(name: "CHARLES_LISTEN", fallback: "127.0.0.1:8080", text: "address and port, or unix:<path>"),
        Setting(
            name: "CHARLES_MANAGEMENT_LISTEN", fallback: "127.0.0.1:9090",
            text: "address and port of /healthz, /readyz and /metrics"),
        Setting(
            name: "CHARLES_TLS_CERTIFICATE", fallback: nil,
            text: "PEM file of the certificate chain; read again on SIGHUP. Together with CHARLES_TLS_KEY"),
        Setting(name: "CHARLES_TLS_KEY", fallback: nil, text: "PEM file of the private key"),
        Setting(
            name: "CHARLES_TRUSTED_PROXIES", fallback: "",
            text: "addresses or CIDR blocks whose X-Forwarded-Host counts, comma-separated"),
        Setting(
            name: "CHARLES_SYNC_INTERVAL", fallback: "12h", text: "time between imports of a segment: 3s, 10m, 12h"),
        Setting(
            name: "CHARLES_EMARSYS_HOSTS", fallback: "",
            text: "hosts allowed as base_url and token_url beside *.emarsys.net, plain http too, comma-separated"),
        Setting(
            name: "CHARLES_ALLOWED_PRIVATE_NETWORKS", fallback: "",
            text: "CIDR blocks that deliveries may reach although they are not public, comma-separated"),
        Setting(
            name: "CHARLES_DELIVERY_RETRY_FOR", fallback: "72h",
            text: "how long a delivery is retried before it is dead"),
        Setting(
            name: "CHARLES_DATABASE_CONNECTIONS", fallback: "8",
            text: "connections to PostgreSQL at most, 2 to 500; webhooks have four more for each core"),
        Setting(
            name: "CHARLES_PREPARED_STATEMENTS", fallback: "on",
            text: "on or off: off behind a PgBouncer older than 1.21 in transaction mode, which cannot keep them"),
        Setting(name: "CHARLES_LOG_LEVEL", fallback: "info", text: "debug, info, warning or error"),
    ]
}

/// What is wrong with a setting. Never repeats a value that may be secret.
public struct SettingFault: Sendable, Hashable {
    /// The variable's name.
    public let setting: String
    /// What is wrong with it.
    public let message: String
}

/// All settings at fault.
public struct SettingFaults: Error, Sendable {
    /// One for each setting.
    public let faults: [SettingFault]
}
