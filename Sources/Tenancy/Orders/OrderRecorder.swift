import Crypto
import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// An order event with the contact that its keys led to.
struct OrderEvent: Sendable {
    let id: UUID
    let occurredAt: Timestamp
    let content: EventContent
    let contactID: UUID?
}

/// What became of an order event.
struct RecordedOrder: Sendable {
    var contactID: UUID?
    var isFirstSight = false
    var faults: [EventFault] = []
    var trace: JSON = .null
    var outgoing: [OutgoingEvent] = []
}

/// Records orders inside the transaction that processes their events.
struct OrderRecorder {
    let tenantID: UUID
    let defaultCurrency: String?
    /// Brings a phone into its comparable form; nil where it is none.
    let normalise: @Sendable (_ phone: String) -> String?
    let coupons: String
    let now: Timestamp
    let transaction: Transaction

    func record(_ event: OrderEvent) async throws -> RecordedOrder {
        var order = OrderContent(event.content, defaultCurrency: defaultCurrency)
        guard order.faults.isEmpty, let orderID = order.orderID else { return refuse(order.faults) }
        let stored = try await transaction.query(OrderStore.lock(tenantID: tenantID, orderID: orderID)).first
            .map(OrderStore.stored)
        let currency = order.isCurrencyAssumed ? stored?.currency ?? order.currency : order.currency ?? stored?.currency
        guard let currency else {
            return refuse([
                EventFault("event_data.currency", "currency_missing", "No currency, and the tenant has no default.")
            ])
        }
        guard let gross = order.gross ?? stored?.gross else {
            return refuse([
                EventFault(
                    "event_data.amount_total_gross", "amount_missing", "No total, and none that items add up to.")
            ])
        }
        if order.isCurrencyAssumed, stored == nil { order.flags.append("currency_assumed") }

        let link = try await link(event, order, stored)
        let updatedAt = order.updatedAt ?? event.occurredAt
        let decision = OrderDecision.decide(eventID: event.id, updatedAt: updatedAt, stored: stored)
        let id = stored?.id ?? SecureRandom.uuid()
        let row = OrderRow(
            id: id, orderID: orderID, currency: currency, gross: gross, content: order, stored: stored,
            contactID: link.contactID, evidence: link.evidence, eventID: event.id, updatedAt: updatedAt,
            orderedAt: order.orderedAt ?? event.occurredAt, now: now)
        let isApplied = decision == .first || decision == .applied
        var queries: [Query] = []
        if isApplied {
            queries.append(OrderStore.write(row, tenantID: tenantID))
            if let items = order.items {
                queries += OrderStore.writeItems(items, order: row, tenantID: tenantID)
            }
        }
        queries.append(
            OrderStore.history(
                id: id, eventID: event.id, isApplied: isApplied, reason: decision.reason, updatedAt: updatedAt,
                snapshot: .object(event.content.data), tenantID: tenantID, now: now))
        if isApplied {
            queries.append(OrderStore.attribute([id], coupons: coupons, tenantID: tenantID))
            let touched = [link.contactID, stored?.contactID].compactMap { $0 }
            if !touched.isEmpty { queries.append(OrderStore.total(touched, tenantID: tenantID)) }
            queries.append(OrderStore.wakeDailyFacts(tenantID: tenantID, now: now))
        }
        _ = try await transaction.batch(queries)
        return try await result(id, decision, row, contactID: link.contactID)
    }

    private func refuse(_ faults: [EventFault]) -> RecordedOrder {
        RecordedOrder(
            faults: faults, trace: ["outcome": .null, "errors": .array(faults.map { .string($0.code) })])
    }

    /// A contact key is the best evidence; then what is known of the order; then the phone typed into an address, which is looked
    /// up and never attached.
    private func link(
        _ event: OrderEvent, _ order: OrderContent, _ stored: StoredOrder?
    ) async throws -> (contactID: UUID?, evidence: String) {
        if let contactID = stored?.contactID ?? event.contactID { return (contactID, "contact_key") }
        if let phone = order.guestPhone,
            let value = normalise(phone),
            let row = try await transaction.query(OrderStore.contact(phone: value, tenantID: tenantID)).first
        {
            return (try row.get(0), "guest_phone")
        }
        return (nil, order.codes.isEmpty && stored?.codes.isEmpty ?? true ? "none" : "discount_code")
    }

    private func result(
        _ id: UUID, _ decision: OrderDecision, _ row: OrderRow, contactID: UUID?
    ) async throws -> RecordedOrder {
        guard
            let view = try await transaction.query(OrderStore.find(tenantID: tenantID, id: id)).first
                .map(OrderStore.view)
        else { return RecordedOrder() }
        var recorded = RecordedOrder(contactID: contactID, isFirstSight: decision == .first)
        recorded.trace = [
            "id": .string(id.text), "order_id": .string(row.orderID), "outcome": .string(row.outcome),
            "decision": .string("\(decision)"), "evidence": .string(row.evidence),
            "flags": .array(row.flags.map(JSON.string)), "attribution": view["attribution"] ?? .null,
        ]
        if decision == .first || decision == .applied {
            recorded.outgoing.append(
                OutgoingEvent(
                    type: decision == .first ? "order.recorded" : "order.updated", contactID: contactID,
                    data: ["order": view]))
        }
        return recorded
    }
}

/// An order about to be written: the event's word where it has one, else what is stored.
struct OrderRow: Sendable {
    let id: UUID
    let orderID: String
    let currency: String
    let gross: Amount
    let content: OrderContent
    let stored: StoredOrder?
    let contactID: UUID?
    let evidence: String
    let eventID: UUID
    let updatedAt: Timestamp
    let orderedAt: Timestamp
    let now: Timestamp

    var outcome: String {
        if contactID != nil { return "linked" }
        return content.codes.isEmpty && (stored?.codes.isEmpty ?? true) ? "skipped" : "anonymous"
    }

    /// Cancelled stays cancelled.
    var status: String {
        if stored?.status == "cancelled" { return "cancelled" }
        return content.status ?? stored?.status ?? "open"
    }

    var type: String { stored?.type == "cancellation" ? "cancellation" : content.type ?? stored?.type ?? "sale" }

    /// Flags that speak of amounts are judged anew with each total.
    var flags: [String] {
        var flags = content.flags
        if content.gross == nil { flags += stored?.flags ?? [] }
        if evidence == "guest_phone" { flags.append("linked_by_guest_phone") }
        if let refund = content.refund ?? stored?.refund, refund > .zero {
            flags.append(refund < gross ? "partially_refunded" : "refunded")
        }
        var seen = Set<String>()
        return flags.filter { seen.insert($0).inserted }
    }
}

extension TenantSettings {
    /// When a discount code attributes an order: `unstitched` (only where it has no contact), `all`, or `off`.
    public var couponAttribution: String {
        let value = self["coupon_attribution"]?.string ?? ""
        return ["all", "off"].contains(value) ? value : "unstitched"
    }
}
