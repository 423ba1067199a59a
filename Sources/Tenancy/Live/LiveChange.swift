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
    }

    /// The topic.
    public let topic: Topic
    /// The run or event.
    public let id: UUID
    /// Its state.
    public let state: String
    /// The event's name, for events.
    public let eventName: String?
    /// When it arrived or was queued.
    public let at: Timestamp
    /// Changes whenever the page should look again.
    public let version: Int
}
