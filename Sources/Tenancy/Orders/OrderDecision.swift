import EventLoop
import FoundationEssentials
import JSON

/// An order as stored, as far as decisions need it.
struct StoredOrder: Sendable {
    var id: UUID
    var orderID: String
    var contactID: UUID?
    var evidence: String
    var orderedAt: Timestamp
    var discounts: JSON
    /// Credit memos by number with their amounts.
    var creditMemos: JSONObject
    var status: String
    var type: String
    var currency: String
    var gross: Amount
    var refund: Amount
    var sourceUpdatedAt: Timestamp?
    var lastEventID: UUID?
    var codes: [String]
    var outcome: String
    var flags: [String]
}

/// What an order event does to what is known.
///
/// unknown → first (recorded); recorded → applied | late (older than what is known: kept in the history only) | repeated (the same
/// event once more, by a replay). Cancelling keeps the order.
enum OrderDecision: Sendable, Hashable {
    /// Seen for the first time.
    case first
    /// Newer than, or as new as, what is known.
    case applied
    /// An update that came too late.
    case late
    /// An event that was applied before.
    case repeated

    static func decide(eventID: UUID, updatedAt: Timestamp, stored: StoredOrder?) -> OrderDecision {
        guard let stored else { return .first }
        if stored.lastEventID == eventID { return .repeated }
        if let known = stored.sourceUpdatedAt, updatedAt < known { return .late }
        return .applied
    }

    /// Whether the event's word counts.
    var isApplied: Bool { self == .first || self == .applied }

    /// Why it was not applied.
    var reason: String? {
        switch self {
        case .first, .applied: nil
        case .late: "older_than_stored"
        case .repeated: "applied_before"
        }
    }
}
