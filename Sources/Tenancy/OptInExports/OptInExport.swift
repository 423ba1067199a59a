public import EventLoop
public import FoundationEssentials
public import JSON

/// A change told to Emarsys, or still to be told.
public struct OptInExport: Sendable, Hashable {
    /// How far it is.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// Waits for its turn or for a retry.
        case queued
        /// Under way.
        case sent
        /// Emarsys took it.
        case confirmed
        /// Given up, with its reason; can be re-driven.
        case failed
        /// Emarsys does not know the person.
        case notInEmarsys = "not_in_emarsys"
    }

    /// The export.
    public let id: UUID
    /// Whose.
    public let contactID: UUID
    /// What is told.
    public let optIn: ExportedOptIn
    /// How far it is.
    public let state: State
    /// When the decision was made.
    public let consentAt: Timestamp
    /// The Emarsys contacts that were, or will be, written; several after a merge by hand.
    public let emarsysIDs: [String]
    /// Why it was queued.
    public let reason: String
    /// How often it was sent.
    public let attempts: Int
    /// Why the last attempt failed: `code`, `detail`, `reply_code`.
    public let lastError: JSON?
    /// When the change was queued.
    public let createdAt: Timestamp
    /// Not sent again before.
    public let nextAttemptAt: Timestamp
    /// When it was last sent.
    public let sentAt: Timestamp?
    /// When Emarsys took it.
    public let confirmedAt: Timestamp?

    /// Since when Emarsys has not been told; earlier than ``createdAt`` where the change was given up and driven again.
    public let waitingSince: Timestamp

    /// How long the change has been waiting, or waited until Emarsys took it.
    public func age(now: Timestamp) -> Duration { max(.zero, (confirmedAt ?? now) - waitingSince) }
}
