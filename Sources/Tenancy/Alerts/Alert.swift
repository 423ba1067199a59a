public import EventLoop
public import JSON

/// Something that needs a person's attention, by kind. One per kind and tenant is raised at a time.
public enum AlertKind: String, Sendable, Hashable, CaseIterable {
    /// The last import failed.
    case importFailed = "import_failed"
    /// The last import rejected more than a tenth of its rows.
    case importRejections = "import_rejections"
    /// No import has succeeded for longer than two intervals and two hours; before the first one, since the selection.
    case importStale = "import_stale"
    /// A withdrawal has not been passed on for more than a quarter of an hour: it waits, or was given up.
    case withdrawalUnsent = "withdrawal_unsent"
    /// The oldest opt-in change has been waiting for more than an hour.
    case exportBacklog = "export_backlog"
    /// Opt-in changes were given up within the last day, and nothing later told Emarsys.
    case exportsFailed = "exports_failed"
    /// Webhooks with a wrong token come in masses.
    case webhooksUnauthorized = "webhooks_unauthorized"
    /// A phone or e-mail of more than twenty people was taken out of merging within the last day.
    case identifiersQuarantined = "identifiers_quarantined"
    /// A segment comes near the limit of 500,000 people.
    case nearSegmentLimit = "near_segment_limit"
    /// The connection fails.
    case connectionFailing = "connection_failing"
    /// The connection still uses WSSE, which Emarsys ends on 31 December 2026.
    case wsseSunset = "wsse_sunset"
}

/// An alert as it stands.
public struct Alert: Sendable, Hashable {
    /// The kind.
    public let kind: String
    /// `raised` or `recovered`.
    public let state: String
    /// Numbers behind it.
    public let detail: JSON
    /// When it was raised last.
    public let raisedAt: Timestamp
    /// When it recovered; nil while it is raised.
    public let recoveredAt: Timestamp?
}
