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
        for event in events {
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
        try await write(plan, stitched: stitched)
    }

    // MARK: Contacts

    /// Finds or creates the contacts. Events that share a key but say different things about it go one after the other.
    private func stitch(_ events: [PendingEvent]) async throws -> [UUID: EventStitching] {
        var result: [UUID: EventStitching] = [:]
        var waves: [StitchWave] = []
        var known: [ContactKeys: (wave: Int, row: Int)] = [:]
        var members: [(event: UUID, wave: Int, row: Int)] = []
        for event in events where !event.content.keys.isEmpty {
            let keys = event.content.keys
            if let place = known[keys] {
                members.append((event.id, place.wave, place.row))
                continue
            }
            let wave = (waves.lastIndex { $0.shares(keys) } ?? -1) + 1
            if wave == waves.count { waves.append(StitchWave()) }
            let row = waves[wave].add(keys)
            known[keys] = (wave, row)
            members.append((event.id, wave, row))
        }
        var outcomes: [[EventStitching]] = []
        for wave in waves {
            outcomes.append(
                try await contacts.stitch(
                    wave.keys, tenantID: tenantID, tenant: tenant, in: transaction, now: now))
        }
        var seen = Set<[Int]>()
        for member in members {
            var outcome = outcomes[member.wave][member.row]
            // Later events of the same keys find what the first one made.
            if !seen.insert([member.wave, member.row]).inserted, outcome.contactID != nil {
                outcome.action = .unchanged
            }
            result[member.event] = outcome
        }
        return result
    }

    // MARK: Flows

    private func plan(_ events: [PendingEvent], contacts: [UUID]) async throws -> EventPlan {
        var queries = [EventStore.summaries(tenantID, contacts: Array(Set(contacts)))]
        queries += EventSource.allCases.map { source in
            FlowStore.waiting(
                tenantID: tenantID, trigger: source.flowTrigger,
                names: Array(Set(events.filter { $0.source == source }.map(\.name))))
        }
        let answers = try await transaction.batch(queries)
        var byID: [UUID: FlowContact] = [:]
        for row in answers[0] {
            let contact = try EventStore.contact(row)
            byID[contact.id] = contact
        }
        let flows = try answers[1...].flatMap { try $0.map(FlowStore.flow) }
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
        var orders: [UUID: RecordedOrder] = [:]
        let recorder = OrderRecorder(
            tenantID: tenantID, defaultCurrency: tenant.defaultCurrency,
            normalise: { [contacts, tenant] in
                try? contacts.phone($0, defaultCountry: tenant.defaultCountry).get()
            },
            coupons: tenant.settings.couponAttribution, now: now, transaction: transaction)
        for event in events where event.source == .order {
            orders[event.id] = try await recorder.record(
                OrderEvent(
                    id: event.id, occurredAt: event.occurredAt, content: event.content,
                    contactID: stitched[event.id]?.contactID))
        }
        return (orders, orders.values.compactMap(\.contactID))
    }

    // MARK: Writing

    private func write(_ plan: EventPlan, stitched: [UUID: EventStitching]) async throws {
        var queries: [Query] = []
        if !plan.runs.isEmpty {
            queries.append(FlowRunStore.insert(plan.runs, tenantID: tenantID, now: now))
            let started = plan.runs.filter { $0.state == .queued }
            if !started.isEmpty { queries.append(EventStore.touches(started, tenantID: tenantID, now: now)) }
        }
        queries += DeliveryOutbox.queries(tenant: tenantID, plan.outgoing, now: now)
        let toExport = Set(stitched.values.filter(\.changesExport).compactMap(\.contactID))
        if !toExport.isEmpty {
            queries.append(EventStore.queueOptInExports(Array(toExport), tenantID: tenantID, now: now))
        }
        queries += EventStore.finish(plan.done, tenantID: tenantID, now: now)
        _ = try await transaction.batch(queries)
    }
}

/// Rows that can be stitched at once: no two of them share a key.
private struct StitchWave {
    private(set) var keys: [ContactKeys] = []
    private var values = Set<String>()

    mutating func add(_ keys: ContactKeys) -> Int {
        self.keys.append(keys)
        values.formUnion(Self.values(keys))
        return self.keys.count - 1
    }

    func shares(_ keys: ContactKeys) -> Bool { Self.values(keys).contains { values.contains($0) } }

    /// Looser than the normaliser on purpose: two spellings of one number must meet, two numbers may.
    private static func values(_ keys: ContactKeys) -> [String] {
        var values: [String] = []
        if let id = keys.externalReferenceID { values.append("e" + id) }
        if let phone = keys.phone {
            let digits = phone.utf8.filter { (48...57).contains($0) }.suffix(8)
            values.append("p" + String(decoding: digits, as: UTF8.self))
        }
        if let email = keys.email { values.append("m" + email.lowercased()) }
        return values
    }
}
