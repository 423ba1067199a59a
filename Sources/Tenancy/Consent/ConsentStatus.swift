/// What a person decided about being messaged.
public enum ConsentStatus: String, Sendable, Hashable, CaseIterable {
    /// Asked and not yet answered (double opt-in). No decision: it is told to nobody.
    case pending
    /// Yes.
    case granted
    /// No, when asked.
    case denied
    /// No longer.
    case withdrawn

    /// What Emarsys is told; nil where there is nothing to tell.
    public var exported: ExportedOptIn? {
        switch self {
        case .pending: nil
        case .granted: .granted
        case .denied, .withdrawn: .withdrawn
        }
    }
}

/// The two values that Emarsys knows.
public enum ExportedOptIn: String, Sendable, Hashable, CaseIterable {
    /// May be messaged.
    case granted
    /// May not.
    case withdrawn
}
