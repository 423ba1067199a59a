import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence

/// Works off a tenant's events in the order of their arrival: contact, flows, order, deliveries, trace, all in the transaction
/// that marks them done. What is told to the instance is a row of that transaction too, so nothing is lost or told twice.
public struct EventProcessor: Sendable {
    /// How much one job does.
    public struct Limits: Sendable {
        /// Events in one transaction.
        public var batch = 500
        /// Characters of their bodies in one transaction; the first one may have more.
        public var batchLength = 2_000_000
        /// Transactions before the job makes way for other tenants.
        public var batches = 50
        /// Time before it makes way.
        public var time: Duration = .seconds(2)

        /// The defaults.
        public init() {}
    }

    private let database: Database
    private let contacts: any EventContacts
    private let time: any TimeSource
    private let limits: Limits
    private let pace: EventPace
    private let onDeliveries: @Sendable () -> Void

    /// A processor over a database.
    /// - Parameters:
    ///   - pace: When processing makes way for webhooks that arrive.
    ///   - onDeliveries: Told after events were processed that may have queued deliveries, to look for work at once.
    public init(
        database: Database, contacts: any EventContacts, time: any TimeSource, limits: Limits = Limits(),
        pace: EventPace = .unhurried, onDeliveries: @escaping @Sendable () -> Void = {}
    ) {
        self.database = database
        self.contacts = contacts
        self.time = time
        self.limits = limits
        self.pace = pace
        self.onDeliveries = onDeliveries
    }

    /// Processes what waits. An event that fails is set apart from its neighbours and tried again later.
    public func drain(tenantID: UUID) async throws {
        let begin = time.now()
        for _ in 0..<limits.batches {
            try await pace.turn(time)
            let start = ContinuousClock.now
            do {
                guard let oldest = try await process(tenantID: tenantID, only: nil, limit: limits.batch) else { return }
                pace.ended(after: ContinuousClock.now - start, lag: time.now() - oldest, time)
                onDeliveries()
            } catch {
                if (error as? DatabaseError)?.isTransient == true || error is CancellationError { throw error }
                try await isolate(tenantID: tenantID)
            }
            if time.now() - begin > limits.time { break }
        }
        let now = time.now()
        _ = try await database.run(.tenant(tenantID), EventStore.wake(tenantID, at: now, now: now))
    }

    /// Enqueues processing where events wait and nobody would come: after a crash between an arrival and its wake. Cheap; run it
    /// at start and every half minute.
    public func sweep() async throws {
        let rows = try await database.run(.operator, Query(InboxStore.stranded))
        let now = time.now()
        for row in rows {
            let tenantID: UUID = try row.get(0)
            _ = try await database.run(.tenant(tenantID), EventStore.wake(tenantID, at: now, now: now))
        }
    }

    // MARK: Poison

    /// One event at a time, until the batch that failed is behind.
    private func isolate(tenantID: UUID) async throws {
        let now = time.now()
        let rows = try await database.run(
            .tenant(tenantID),
            EventStore.pending(
                tenantID, only: nil, limit: limits.batch, length: limits.batchLength, now: now)[0])
        for row in rows {
            let id: UUID = try row.get(0)
            let failures = try row.get(6, as: Int.self) + 1
            do {
                _ = try await process(tenantID: tenantID, only: id, limit: 1)
            } catch {
                if (error as? DatabaseError)?.isTransient == true || error is CancellationError { throw error }
                let code = (error as? Problem)?.code ?? "processing_failed"
                let fault = EventFault("", code, "Processing failed: \((error as? DatabaseError)?.description ?? code)")
                _ = try await database.run(
                    .tenant(tenantID),
                    EventStore.fail(
                        id, tenantID: tenantID, failures: failures,
                        retryAt: EventRetryPlan.next(failures: failures, now: now), fault: fault, now: now))
            }
        }
    }

    // MARK: One transaction

    /// Answers when the oldest event of the transaction arrived, replays left aside; nil: there was no event.
    private func process(tenantID: UUID, only: UUID?, limit: Int) async throws -> Timestamp? {
        let now = time.now()
        return try await database.transaction(.tenant(tenantID), statementTimeout: .seconds(30)) { transaction in
            let found = try await transaction.batch(
                [EventStore.tenant(tenantID), EventStore.releaseHeld(tenantID)]
                    + EventStore.pending(tenantID, only: only, limit: limit, length: limits.batchLength, now: now))
            guard let tenant = try found[0].first.map(EventStore.tenant), !tenant.isPaused else { return nil }
            let events = try await Self.events(found[2], attempts: found[3], tenant: tenant)
            if events.isEmpty { return nil }
            let batch = EventBatch(
                tenantID: tenantID, tenant: tenant, contacts: contacts, now: now, transaction: transaction)
            try await batch.process(events)
            return events.first { $0.attempts.contains { $0.reason == "arrival" } }?.receivedAt ?? now
        }
    }

    private static func events(_ rows: Rows, attempts: Rows, tenant: EventTenant) async throws -> [PendingEvent] {
        var waiting: [UUID: [EventAttempt]] = [:]
        for row in attempts {
            let attempt = try EventAttempt(id: row.get(1), reason: row.get(2), flowID: row.get(3))
            waiting[try row.get(0), default: []].append(attempt)
        }
        let policy = WebhookPolicy(
            defaultCountry: tenant.defaultCountry, blanksToUnderscore: tenant.settings.blanksToUnderscore)
        var events: [PendingEvent] = []
        events.reserveCapacity(rows.count)
        for row in rows {
            // The loop acknowledges webhooks as well: five hundred bodies read in one go would let them wait.
            if events.count % 2 == 1 { await Task.yield() }
            let id: UUID = try row.get(0)
            let source = EventSource(rawValue: try row.get(1)) ?? .custom
            var content = EventContent(JSON.stored(try row.get(5)).object ?? JSONObject(), policy: policy)
            if source == .order, content.keys.email == nil { content.keys.email = OrderContent.customerEmail(content) }
            let received: Timestamp = try row.get(4)
            let name: String? = try row.get(2)
            events.append(
                try PendingEvent(
                    id: id, source: source, name: name ?? "",
                    occurredAt: row.get(3, as: Timestamp?.self) ?? received, receivedAt: received, content: content,
                    failures: row.get(6), attempts: waiting[id] ?? [.arrival()]))
        }
        return events
    }
}

extension DatabaseError {
    /// Whether the failure says nothing about the events.
    var isTransient: Bool {
        switch code {
        case .unavailable, .overloaded, .cancelled, .timedOut: true
        default: isRetryable
        }
    }
}

extension TenantSettings {
    /// Blanks in `event_name` become `_`.
    public var blanksToUnderscore: Bool { self["blanks_to_underscore"]?.bool ?? false }
}
