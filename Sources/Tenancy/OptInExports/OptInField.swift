public import EventLoop

/// The Emarsys field that carries the opt-in, and how.
public struct OptInField: Sendable, Hashable {
    /// The text field.
    public var fieldID: Int
    /// What is written for a granted opt-in.
    public var grantedValue: String
    /// What is written for a withdrawn or denied one.
    public var withdrawnValue: String
    /// A field for the time of the decision, if chosen.
    public var timestampFieldID: Int?
    /// Whether people whom Emarsys does not know are created there.
    public var createMissing: Bool

    /// A field.
    public init(
        fieldID: Int, grantedValue: String = "granted", withdrawnValue: String = "withdrawn",
        timestampFieldID: Int? = nil, createMissing: Bool = false
    ) {
        self.fieldID = fieldID
        self.grantedValue = grantedValue
        self.withdrawnValue = withdrawnValue
        self.timestampFieldID = timestampFieldID
        self.createMissing = createMissing
    }

    /// The text to write.
    public func value(of optIn: ExportedOptIn) -> String {
        switch optIn {
        case .granted: grantedValue
        case .withdrawn: withdrawnValue
        }
    }
}

/// How a time is written into the timestamp field.
public enum OptInTimeFormat: Sendable, Hashable {
    /// RFC 3339 in UTC, for text fields.
    case text
    /// `YYYY-MM-DD`, for date fields.
    case date

    /// The time in this format.
    public func text(of time: Timestamp) -> String {
        let full = time.rfc3339
        switch self {
        case .text: return full
        case .date: return String(full.prefix(10))
        }
    }
}
