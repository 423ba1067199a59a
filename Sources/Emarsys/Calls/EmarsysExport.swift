/// The state of an export that Emarsys prepares.
public struct EmarsysExport: Sendable, Hashable {
    /// How far it is.
    public enum State: String, Sendable, Hashable {
        case scheduled, inProgress, done, failed

        init(_ text: String) {
            switch text.lowercased() {
            case "done", "ready": self = .done
            case "error", "failed": self = .failed
            case "scheduled": self = .scheduled
            default: self = .inProgress
            }
        }
    }

    /// The id.
    public let id: Int64
    /// How far it is.
    public let state: State
    /// The name of the file once there is one.
    public let fileName: String?
}

/// The part of a day-wise export of changed contacts.
public struct EmarsysChangeRange: Sendable, Hashable {
    /// Which changes: by forms, by API, or all. Imports never appear, other changes not reliably.
    public enum Origin: String, Sendable, Hashable {
        case form, api, all
    }

    /// Which changes.
    public var origin: Origin
    /// The first and the last day, `YYYY-MM-DD` in Vienna's time zone.
    public var days: ClosedRange<String>

    /// A range of days.
    public init(origin: Origin = .all, days: ClosedRange<String>) {
        self.origin = origin
        self.days = days
    }
}
