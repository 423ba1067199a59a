import EventLoop
import JSON

/// What was given back for an order, in whatever order the word of it arrives.
///
/// Shops speak of it in two ways: by a sum of all refunds so far, of which the latest dated one counts, and by single refunds
/// and credit memos with a number, each of which counts once. Either is money that moved, so one that arrives after a newer
/// update of its order counts like one that came in time, while nothing else that the late event says does.
struct OrderRefund: Sendable, Hashable {
    /// The shop's own sum; nil where it never said one.
    private(set) var sum: Amount?
    /// What time that sum is of, by the shop's word.
    private(set) var sumAt: Timestamp?
    /// Single refunds by number.
    private(set) var singles: [String: Amount]

    /// Nothing yet.
    init() { singles = [:] }

    /// As stored.
    ///
    /// - Parameters:
    ///   - total: What counts by the order's row. Where it is more than the parts say (a row from before they were kept; details
    ///     that went with an erased person) it is taken for the shop's sum.
    ///   - updatedAt: What time the order's row is of.
    init(total: Amount, sum: Amount?, sumAt: Timestamp?, singles: JSONObject, updatedAt: Timestamp?) {
        self.sum = sum
        self.sumAt = sumAt
        self.singles = [:]
        for (number, amount) in singles.members { self.singles[number] = Amount(amount) }
        if total > self.total {
            self.sum = total
            self.sumAt = updatedAt
        }
    }

    /// What was given back in all: the larger of the sum, which may know of refunds without a number, and of the single ones,
    /// which may be newer. Adding them up would count most of them twice.
    var total: Amount { max(sum ?? .zero, singles.values.reduce(.zero) { $0.plus($1) ?? $0 }) }

    /// With what one more event says.
    ///
    /// - Parameters:
    ///   - key: The number of a single refund that has none.
    ///   - time: What time the event's word is of.
    ///   - isLate: Whether the order's row is of a later time. A number that is known then keeps its amount.
    func adding(_ content: OrderContent, key: String, at time: Timestamp, isLate: Bool) -> OrderRefund {
        var refund = self
        if let said = content.refund, sumAt.map({ $0 <= time }) ?? true {
            refund.sum = said
            refund.sumAt = time
        }
        for (number, amount) in content.singleRefunds {
            let number = number.isEmpty ? key : number
            if !isLate || singles[number] == nil { refund.singles[number] = amount }
        }
        return refund
    }

    /// Whether more or other money was given back by this than by `former`.
    func differs(from former: OrderRefund) -> Bool { total != former.total || singles != former.singles }

    /// Single refunds as they are stored.
    var singlesJSON: JSON {
        .object(JSONObject(singles.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value.text)) }))
    }

    /// How flags of an order speak of it.
    func flag(of gross: Amount) -> String? {
        guard total > .zero else { return nil }
        return total < gross ? Self.partial : Self.full
    }

    /// Flags that are judged anew with each word of a refund.
    static let flags = [partial, full]
    private static let partial = "partially_refunded"
    private static let full = "refunded"
}
