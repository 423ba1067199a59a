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
    /// Whether the person was erased: the sums count, addresses and what else was sent are not kept.
    var isOfErasedPerson = false
}

/// What became of an order event.
struct RecordedOrder: Sendable {
    var contactID: UUID?
    var isFirstSight = false
    var faults: [EventFault] = []
    var trace: JSON = .null
    var outgoing: [OutgoingEvent] = []
}

/// Records orders inside the transaction that processes their events: many at once, in as many round trips as one.
struct OrderRecorder {
    let tenantID: UUID
    let defaultCurrency: String?
    /// Brings a phone into its comparable form; nil where it is none.
    let normalise: @Sendable (_ phone: String) -> String?
    let coupons: String
    let now: Timestamp
    let transaction: Transaction

    /// Events of different orders go side by side, those of one order after one another. Answers by the event's id.
    func record(_ events: [OrderEvent]) async throws -> [UUID: RecordedOrder] {
        var results: [UUID: RecordedOrder] = [:]
        var waiting = events
        while !waiting.isEmpty {
            var round: [OrderReading] = []
            var later: [OrderEvent] = []
            var taken = Set<String>()
            for event in waiting {
                var content = OrderContent(event.content, defaultCurrency: defaultCurrency)
                if event.isOfErasedPerson { content.details = JSONObject() }
                guard content.faults.isEmpty, let orderID = content.orderID else {
                    results[event.id] = Self.refuse(content.faults)
                    continue
                }
                if taken.insert(orderID).inserted {
                    round.append(OrderReading(event: event, orderID: orderID, content: content))
                } else {
                    later.append(event)
                }
            }
            if !round.isEmpty { try await record(round, &results) }
            waiting = later
        }
        return results
    }

    private func record(_ readings: [OrderReading], _ results: inout [UUID: RecordedOrder]) async throws {
        let stored = try await stored(readings)
        let holders = try await holders(readings, stored)
        var decided: [(row: OrderRow, decision: OrderDecision)] = []
        for reading in readings {
            let known = stored[reading.orderID]
            let link = link(reading, known, holders)
            switch decide(reading, known, link) {
            case .success(let entry): decided.append(entry)
            case .failure(let refusal): results[reading.event.id] = Self.refuse([refusal.fault])
            }
        }
        if decided.isEmpty { return }
        let answers = try await transaction.batch(queries(decided))
        var views: [UUID: JSON] = [:]
        for row in answers[answers.count - 1] { views[try row.get(0)] = try OrderStore.view(row) }
        for (row, decision) in decided {
            results[row.eventID] = Self.result(row, decision, views[row.id] ?? .null)
        }
    }

    // MARK: What is known

    private func stored(_ readings: [OrderReading]) async throws -> [String: StoredOrder] {
        let rows = try await transaction.query(OrderStore.lock(tenantID: tenantID, orderIDs: readings.map(\.orderID)))
        var stored: [String: StoredOrder] = [:]
        for row in rows {
            let order = try OrderStore.stored(row)
            stored[order.orderID] = order
        }
        return stored
    }

    /// Who holds the phones that were typed into addresses, for orders that nothing better links.
    private func holders(_ readings: [OrderReading], _ stored: [String: StoredOrder]) async throws -> [String: UUID] {
        let phones = readings.compactMap { reading -> String? in
            guard stored[reading.orderID]?.contactID == nil, reading.event.contactID == nil else { return nil }
            return reading.content.guestPhone.flatMap(normalise)
        }
        if phones.isEmpty { return [:] }
        var holders: [String: UUID] = [:]
        for row in try await transaction.query(OrderStore.holders(ofPhones: phones, tenantID: tenantID)) {
            holders[try row.get(0)] = try row.get(1, as: UUID.self)
        }
        return holders
    }

    // MARK: Deciding

    private struct Refusal: Error { let fault: EventFault }

    private func decide(
        _ reading: OrderReading, _ stored: StoredOrder?, _ link: (contactID: UUID?, evidence: String)
    ) -> Result<(row: OrderRow, decision: OrderDecision), Refusal> {
        var order = reading.content
        let currency = order.isCurrencyAssumed ? stored?.currency ?? order.currency : order.currency ?? stored?.currency
        guard let currency else {
            return .failure(
                Refusal(
                    fault: EventFault(
                        "event_data.currency", "currency_missing", "No currency, and the tenant has no default.")))
        }
        guard let gross = order.gross ?? stored?.gross else {
            return .failure(
                Refusal(
                    fault: EventFault(
                        "event_data.amount_total_gross", "amount_missing", "No total, and none that items add up to.")))
        }
        if order.isCurrencyAssumed, stored == nil { order.flags.append("currency_assumed") }
        let event = reading.event
        let updatedAt = order.updatedAt ?? event.occurredAt
        let (decision, refund) = OrderDecision.decide(order, eventID: event.id, updatedAt: updatedAt, stored: stored)
        let row = OrderRow(
            id: stored?.id ?? SecureRandom.uuid(), orderID: reading.orderID, currency: currency, gross: gross,
            content: order, refund: refund, stored: stored, contactID: link.contactID, evidence: link.evidence,
            eventID: event.id,
            updatedAt: updatedAt, orderedAt: order.orderedAt ?? stored?.orderedAt ?? event.occurredAt, now: now,
            snapshot: .object(event.isOfErasedPerson ? JSONObject() : event.content.data))
        return .success((row, decision))
    }

    /// A contact key is the best evidence, what is known of the order otherwise; then the phone typed into an address, which is
    /// looked up and never attached, and gives way to a contact key that comes later.
    private func link(
        _ reading: OrderReading, _ stored: StoredOrder?, _ holders: [String: UUID]
    ) -> (contactID: UUID?, evidence: String) {
        if let contactID = stored?.contactID, stored?.evidence != "guest_phone" || reading.event.contactID == nil {
            return (contactID, stored?.evidence ?? "contact_key")
        }
        if let contactID = reading.event.contactID { return (contactID, "contact_key") }
        if let phone = reading.content.guestPhone.flatMap(normalise), let contactID = holders[phone] {
            return (contactID, "guest_phone")
        }
        return (nil, reading.content.codes.isEmpty && stored?.codes.isEmpty ?? true ? "none" : "discount_code")
    }

    // MARK: Writing

    private func queries(_ decided: [(row: OrderRow, decision: OrderDecision)]) -> [Query] {
        let applied = decided.filter(\.decision.isApplied).map(\.row)
        let refunded = decided.filter { $0.decision == .lateRefund }.map(\.row)
        var queries: [Query] = []
        let known = (applied + refunded).filter { $0.stored != nil }.map(\.id)
        if !known.isEmpty { queries.append(OrderStore.noteDays(of: known, tenantID: tenantID, now: now)) }
        if !refunded.isEmpty { queries.append(OrderStore.writeRefunds(refunded, tenantID: tenantID)) }
        if !applied.isEmpty {
            queries.append(OrderStore.write(applied, tenantID: tenantID))
            queries += OrderStore.writeItems(of: applied, tenantID: tenantID)
            queries.append(OrderStore.alignItems(of: applied.map(\.id), tenantID: tenantID))
        }
        queries.append(OrderStore.history(decided, tenantID: tenantID, now: now))
        if !applied.isEmpty {
            queries.append(OrderStore.attribute(applied.map(\.id), coupons: coupons, tenantID: tenantID, now: now))
        }
        let contacts = Set(
            applied.flatMap { [$0.contactID, $0.stored?.contactID].compactMap { $0 } }
                + refunded.compactMap(\.stored?.contactID))
        if !contacts.isEmpty { queries.append(OrderStore.total(Array(contacts), tenantID: tenantID)) }
        queries.append(OrderStore.find(tenantID: tenantID, ids: decided.map(\.row.id)))
        return queries
    }

    // MARK: Answering

    private static func refuse(_ faults: [EventFault]) -> RecordedOrder {
        RecordedOrder(
            faults: faults, trace: ["outcome": .null, "errors": .array(faults.map { .string($0.code) })])
    }

    private static func result(_ row: OrderRow, _ decision: OrderDecision, _ view: JSON) -> RecordedOrder {
        var recorded = RecordedOrder(contactID: row.contactID, isFirstSight: decision == .first)
        recorded.trace = [
            "id": .string(row.id.text), "order_id": .string(row.orderID), "outcome": .string(row.outcome),
            "decision": .string(decision.rawValue), "evidence": .string(row.evidence),
            "flags": .array(row.flags.map(JSON.string)), "attribution": view["attribution"] ?? .null,
        ]
        if decision.changesOrder {
            recorded.outgoing.append(
                OutgoingEvent(
                    type: decision == .first ? "order.recorded" : "order.updated", contactID: row.contactID,
                    data: ["order": view]))
        }
        return recorded
    }
}

/// An order event that names its order.
private struct OrderReading {
    let event: OrderEvent
    let orderID: String
    let content: OrderContent
}

/// An order about to be written: the event's word where it has one, else what is stored.
struct OrderRow: Sendable {
    let id: UUID
    let orderID: String
    let currency: String
    let gross: Amount
    let content: OrderContent
    /// What was given back, the event's word included.
    let refund: OrderRefund
    let stored: StoredOrder?
    let contactID: UUID?
    let evidence: String
    let eventID: UUID
    let updatedAt: Timestamp
    let orderedAt: Timestamp
    let now: Timestamp
    /// The event's data, for the history.
    let snapshot: JSON

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

    /// What is kept beside the columns.
    var details: JSONObject {
        var details = content.details
        if !content.singleRefunds.isEmpty { details["credit_memos"] = refund.singlesJSON }
        return details
    }

    /// Flags that speak of amounts are judged anew with each total, those that speak of refunds with each event.
    var flags: [String] {
        var flags = content.flags
        if content.gross == nil { flags += stored?.flags ?? [] }
        if evidence == "guest_phone" { flags.append("linked_by_guest_phone") }
        return withRefund(flags, of: gross)
    }

    /// The flags of an order that keeps all but its refund.
    var keptFlags: [String] { withRefund(stored?.flags ?? [], of: stored?.gross ?? gross) }

    private func withRefund(_ flags: [String], of gross: Amount) -> [String] {
        var seen = Set(OrderRefund.flags)
        return flags.filter { seen.insert($0).inserted } + [refund.flag(of: gross)].compactMap { $0 }
    }
}

extension TenantSettings {
    /// When a discount code attributes an order: `unstitched` (only where it has no contact), `all`, or `off`.
    public var couponAttribution: String {
        let value = self["coupon_attribution"]?.string ?? ""
        return ["all", "off"].contains(value) ? value : "unstitched"
    }
}

extension OrderRow {
    /// As the statement that writes orders reads it.
    var json: JSON {
        func money(_ amount: Amount?) -> JSON { .optional(amount?.text) }
        return [
            "id": .string(id.text), "order_id": .string(orderID), "order_number": .optional(content.orderNumber),
            "type": .string(type), "status": .string(status), "currency": .string(currency),
            "gross": .string(gross.text), "net": money(content.net), "tax": money(content.tax),
            "shipping": money(content.shipping), "discount": money(content.discount),
            "refund": .string(refund.total.text), "refund_sum": money(refund.sum),
            "refund_sum_at": .optional(refund.sumAt?.rfc3339), "items_gross": money(content.itemsGross),
            "discounts": content.discounts ?? stored?.discounts ?? [],
            "codes": .array(content.codes.map(JSON.string)), "details": .object(details),
            "flags": .array(flags.map(JSON.string)), "outcome": .string(outcome),
            "contact_id": .optional(contactID?.text), "event_id": .string(eventID.text),
            "updated_at": .string(updatedAt.rfc3339), "ordered_at": .string(orderedAt.rfc3339),
            "evidence": .string(evidence),
        ]
    }

    /// As the statement that writes refunds alone reads it.
    var refundJSON: JSON {
        [
            "id": .string(id.text), "refund": .string(refund.total.text), "refund_sum": .optional(refund.sum?.text),
            "refund_sum_at": .optional(refund.sumAt?.rfc3339), "flags": .array(keptFlags.map(JSON.string)),
            "credit_memos": refund.singles.isEmpty ? .null : refund.singlesJSON,
        ]
    }
}
