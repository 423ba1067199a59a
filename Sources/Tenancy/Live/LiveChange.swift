public import EventLoop
public import FoundationEssentials

/// Something that happened and that an open page may want to show at once.
public struct LiveChange: Sendable, Hashable {
    /// What a page can follow.
    public enum Topic: String, Sendable, CaseIterable {
        /// Import runs: state and numbers.
        case imports
        /// Webhooks that arrived.
        case events
        /// Deliveries to the charles instance: new ones, and what became of the latest.
        case deliveries
        /// Conflicts of identity: new ones, and that one was resolved.
        case conflicts
        /// Alerts: raised and recovered.
        case alerts
    }

    /// The topic.
    public let topic: Topic
    /// The run, event, delivery or conflict; of an alert, an id made from its kind.
    public let id: UUID
    /// Its state.
    public let state: String
    /// The event's name, the delivery's type, the conflict's code or the alert's kind.
    public let name: String?
    /// When it arrived, was queued or raised.
    public let at: Timestamp
    /// Changes whenever the page should look again.
    public let version: Int
}
