import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence

/// A batch of events inside its transaction: looks up what the plan needs, lets it decide, writes what it decided.
struct EventBatch {
    let tenantID: UUID
    let tenant: EventTenant
    let contacts: any EventContacts
    let now: Timestamp
    let transaction: Transaction

    func process(_ events: [PendingEvent]) async throws {
        let stitched = try await stitch(events)
        let recorded = try await recordOrders(events, stitched)
        var plan = try await plan(events, contacts: stitched.values.compactMap(\.contactID) + recorded.contactIDs)
        for (index, event) in events.enumerated() {
            if index % 2 == 1 { await Task.yield() }
            if event.source == .order {
                guard let order = recorded.orders[event.id] else { continue }
                plan.add(
                    order: event, stitched[event.id], contactID: order.contactID, order: order.trace,
                    faults: order.faults, startsFlows: order.isFirstSight && order.contactID != nil)
                for told in order.outgoing { plan.tell(told) }
            } else {
                plan.add(
                    event, stitched[event.id] ?? EventStitching(action: .none(code: "no_usable_identifier")))
            }
        }
        try await write(plan)
    }

    // MARK: Contacts

    /// Finds or creates the contacts: events with the same keys ask once.
    private func stitch(_ events: [PendingEvent]) async throws -> [UUID: EventStitching] {
        var rows: [ContactKeys: Int] = [:]
        var keys: [ContactKeys] = []
        for event in events where !event.content.keys.isEmpty && rows[event.content.keys] == nil {
            rows[event.content.keys] = keys.count
            keys.append(event.content.keys)
        }
        if keys.isEmpty { return [:] }
        let outcomes = try await contacts.stitch(
            keys, tenantID: tenantID, tenant: tenant, in: transaction, now: now)
        var result: [UUID: EventStitching] = [:]
        var seen = Set<Int>()
        for event in events {
            guard let row = rows[event.content.keys] else { continue }
            var outcome = outcomes[row]
            // Later events of the same keys find what the first one made.
            if !seen.insert(row).inserted, outcome.contactID != nil { outcome.action = .unchanged }
            result[event.id] = outcome
        }
        return result
    }

    // MARK: Flows

    private func plan(_ events: [PendingEvent], contacts: [UUID]) async throws -> EventPlan {
        let sources = EventSource.allCases.compactMap { source -> Query? in
            let names = Set(events.filter { $0.source == source }.map(\.name))
            if names.isEmpty { return nil }
            return FlowStore.waiting(tenantID: tenantID, trigger: source.flowTrigger, names: Array(names))
        }
        let flows = try await transaction.batch(sources).flatMap { try $0.map(FlowStore.flow) }
        var byID: [UUID: FlowContact] = [:]
        if !flows.isEmpty, !contacts.isEmpty {
            for row in try await transaction.query(
                EventStore.summaries(tenantID, contacts: Array(Set(contacts))))
            {
                let contact = try EventStore.contact(row)
                byID[contact.id] = contact
            }
        }
        var recent: [EventPlan.CapKey: Int] = [:]
        let pairs = flows.flatMap { flow in
            flow.frequencyCap.map { cap in byID.keys.map { (flowID: flow.id, contactID: $0, hours: cap.hours) } } ?? []
        }
        if !pairs.isEmpty {
            for row in try await transaction.query(FlowRunStore.recent(pairs, tenantID: tenantID, now: now)) {
                let pair = pairs[try row.get(0, as: Int.self) - 1]
                recent[EventPlan.CapKey(flowID: pair.flowID, contactID: pair.contactID)] = try row.get(1)
            }
        }
        return EventPlan(contacts: byID, flows: flows, recentRuns: recent)
    }

    // MARK: Orders

    private func recordOrders(
        _ events: [PendingEvent], _ stitched: [UUID: EventStitching]
    ) async throws -> (orders: [UUID: RecordedOrder], contactIDs: [UUID]) {
        let orderEvents = events.filter { $0.source == .order }
        if orderEvents.isEmpty { return ([:], []) }
        let recorder = OrderRecorder(
            tenantID: tenantID, defaultCurrency: tenant.defaultCurrency,
            normalise: { [contacts, tenant] in
                try? contacts.phone($0, defaultCountry: tenant.defaultCountry).get()
            },
            coupons: tenant.settings.couponAttribution, now: now, transaction: transaction)
        let orders = try await recorder.record(
            orderEvents.map {
                OrderEvent(
                    id: $0.id, occurredAt: $0.occurredAt, content: $0.content, contactID: stitched[$0.id]?.contactID,
                    isOfErasedPerson: stitched[$0.id]?.action == EventStitching.Action.none(code: "suppressed"))
            })
        return (orders, orders.values.compactMap(\.contactID))
    }

    // MARK: Writing

    private func write(_ plan: EventPlan) async throws {
        var queries: [Query] = []
        if !plan.runs.isEmpty {
            queries.append(FlowRunStore.insert(plan.runs, tenantID: tenantID, now: now))
            let started = plan.runs.filter { $0.state == .queued }
            if !started.isEmpty { queries.append(EventStore.touches(started, tenantID: tenantID, now: now)) }
        }
        queries += DeliveryOutbox.queries(tenant: tenantID, plan.outgoing, now: now)
        queries += EventStore.finish(plan.done, tenantID: tenantID, now: now)
        _ = try await transaction.batch(queries)
    }
}
