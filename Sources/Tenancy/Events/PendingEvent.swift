import Crypto
import EventLoop
import FoundationEssentials
import JSON

/// One processing of an event: its arrival, or a replay that somebody asked for.
struct EventAttempt: Sendable, Hashable {
    let id: UUID
    /// `arrival` or `replay`.
    let reason: String
    /// A replay of one flow only.
    let flowID: UUID?

    static func arrival() -> EventAttempt { EventAttempt(id: SecureRandom.uuid(), reason: "arrival", flowID: nil) }
}

/// An event that waits for its turn.
struct PendingEvent: Sendable {
    let id: UUID
    let source: EventSource
    let name: String
    let occurredAt: Timestamp
    let receivedAt: Timestamp
    let content: EventContent
    /// Failed processings so far.
    let failures: Int
    /// What is to be done with it; an event without a replay is processed because it arrived.
    let attempts: [EventAttempt]
}

/// When an event whose processing failed is tried again.
enum EventRetryPlan {
    private static let steps = [5, 30, 120, 600, 1800]

    /// nil: it has failed as often as it may.
    static func next(failures: Int, now: Timestamp) -> Timestamp? {
        failures <= steps.count ? now + .seconds(steps[max(failures, 1) - 1]) : nil
    }
}
