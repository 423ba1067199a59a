public import EventLoop
public import FoundationEssentials
public import JSON

/// A tenant as operators see it.
public struct TenantRecord: Sendable, Hashable {
    /// Figures of the last thirty days.
    public struct Usage: Sendable, Hashable {
        /// Calls to Emarsys.
        public let apiCalls: Int64
        /// Those that failed.
        public let apiErrors: Int64
    }

    /// The last import run.
    public struct LastImport: Sendable, Hashable {
        /// The run.
        public let id: UUID
        /// As the import shows it.
        public let state: String
        /// What failed, if it did.
        public let errorCode: String?
        /// When it ended, if it has.
        public let finishedAt: Timestamp?
    }

    /// How the connection is doing.
    public struct Connection: Sendable, Hashable {
        /// `connected`, `failing` or `disconnected`.
        public let status: ConnectionStatus
        /// `wsse` or `oauth2`.
        public let auth: String
        /// Whether the tenant paused it.
        public let isPaused: Bool
        /// `{code, detail, …}` of the last failure.
        public let lastError: JSON?
    }

    /// An alert that is raised now.
    public struct RaisedAlert: Sendable, Hashable {
        /// Its kind, such as `import_failed`.
        public let kind: String
        /// Numbers behind it.
        public let detail: JSON
        /// Since when.
        public let raisedAt: Timestamp
    }

    /// The id.
    public let id: UUID
    /// The label of the host.
    public let instanceName: String
    /// The name people read.
    public let displayName: String
    /// Whether it is served.
    public let status: Tenant.Status
    /// An IANA time zone name.
    public let timeZone: String
    /// ISO 4217.
    public let defaultCurrency: String?
    /// ISO 3166-1 alpha-2.
    public let defaultCountry: String?
    /// What is switched on.
    public let features: FeatureSet
    /// When it was created.
    public let createdAt: Timestamp
    /// Nil where there never was one.
    public let connection: Connection?
    /// Nil before the first run.
    public let lastImport: LastImport?
    /// What is raised now, by kind.
    public let alerts: [RaisedAlert]
    /// The last thirty days.
    public let usage: Usage

    /// Alerts that announce something: nothing fails yet.
    static let announcements: Set<String> = ["wsse_sunset", "near_segment_limit"]

    /// `ok`, `not_connected`, `paused`, `failing` or `suspended`: the one word for a list.
    public var health: String {
        if status == .suspended { return "suspended" }
        guard let connection, connection.status != .disconnected else { return "not_connected" }
        let isAlarming = alerts.contains { !Self.announcements.contains($0.kind) }
        if connection.status == .failing || isAlarming || lastImport?.state == "failed" { return "failing" }
        return connection.isPaused ? "paused" : "ok"
    }
}

/// An entry of a tenant's audit log.
public struct AuditEntry: Sendable, Hashable {
    /// The id.
    public let id: UUID
    /// When.
    public let at: Timestamp
    /// Who, e.g. `operator:anna` or `api_key:…`.
    public let actor: String
    /// What was done, e.g. `feature.enabled`.
    public let action: String
    /// Which feature, if one.
    public let feature: String?
    /// What held before.
    public let before: JSON?
    /// What holds now.
    public let after: JSON?
    /// Why, in the actor's words.
    public let note: String?
}
