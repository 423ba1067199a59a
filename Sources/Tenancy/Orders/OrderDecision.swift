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
    var status: String
    var type: String
    var currency: String
    var gross: Amount
    var refund: OrderRefund
    var sourceUpdatedAt: Timestamp?
    var lastEventID: UUID?
    var codes: [String]
    var outcome: String
    var flags: [String]
}

/// What an order event does to what is known.
///
/// unknown → first (recorded); recorded → applied | late (older than what is known: kept in the history only) | lateRefund (older,
/// but it tells of money given back that is not counted yet: that alone counts) | repeated (the same event once more, by a
/// replay). Cancelling keeps the order.
enum OrderDecision: String, Sendable, Hashable {
    /// Seen for the first time.
    case first
    /// Newer than, or as new as, what is known.
    case applied
    /// An update that came too late.
    case late
    /// One that came too late for all but the refund it tells of.
    case lateRefund = "late_refund"
    /// An event that was applied before.
    case repeated

    /// Decides about an event, and what was given back for the order once it is taken.
    static func decide(
        _ content: OrderContent, eventID: UUID, updatedAt: Timestamp, stored: StoredOrder?
    ) -> (OrderDecision, OrderRefund) {
        let refund = stored?.refund ?? OrderRefund()
        guard let stored else {
            return (.first, refund.adding(content, key: eventID.text, at: updatedAt, isLate: false))
        }
        if stored.lastEventID == eventID { return (.repeated, refund) }
        let isLate = stored.sourceUpdatedAt.map { updatedAt < $0 } ?? false
        let after = refund.adding(content, key: eventID.text, at: updatedAt, isLate: isLate)
        guard isLate else { return (.applied, after) }
        return after.differs(from: refund) ? (.lateRefund, after) : (.late, refund)
    }

    /// Whether all that the event says counts.
    var isApplied: Bool { self == .first || self == .applied }
    /// Whether the event changes the order.
    var changesOrder: Bool { isApplied || self == .lateRefund }

    /// Why it was not applied, or not in full.
    var reason: String? {
        switch self {
        case .first, .applied: nil
        case .late: "older_than_stored"
        case .lateRefund: "only_refund_applied"
        case .repeated: "applied_before"
        }
    }
}
