/// Which of the two webhooks an event came by.
public enum EventSource: String, Sendable, Hashable, CaseIterable {
    /// `custom_external_event`
    case custom
    /// `order_external_event`; needs the feature `order_events`.
    case order

    /// The flow trigger that answers to this source.
    public var flowTrigger: FlowTrigger { self == .custom ? .emarsysEvent : .emarsysOrder }
}

/// Where an event stands.
///
/// accepted → processed | rejected | failed; held → accepted (resume); processed, rejected, failed → accepted (replay).
/// A rejected one may be born so: its contact keys were unusable on arrival.
public enum EventStatus: String, Sendable, Hashable, CaseIterable {
    /// Durable, waits for its turn.
    case accepted
    /// Done; the trace says what it did.
    case processed
    /// Cannot be used; kept with the reasons.
    case rejected
    /// Arrived while the connection was paused.
    case held
    /// Processing failed as often as it may.
    case failed
}
