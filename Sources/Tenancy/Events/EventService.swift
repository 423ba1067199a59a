import Crypto
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence

/// What a list or a replay of events is narrowed to.
public struct EventFilter: Sendable, Hashable {
    /// Where they stand.
    public var status: EventStatus?
    /// Which webhook.
    public var source: EventSource?
    /// The event's name.
    public var eventName: String?
    /// Of one contact.
    public var contactID: UUID?
    /// Received at or after.
    public var from: Timestamp?
    /// Received before.
    public var to: Timestamp?
    /// These only.
    public var ids: [UUID]?

    /// Everything.
    public init() {}

    /// Reads `{status, source, event_name, contact_id, from, to, ids}`. Throws 422.
    public init(_ json: JSON) throws(Problem) {
        var errors: [FieldError] = []
        func read<T>(_ name: String, _ convert: (JSON) -> T?) -> T? {
            guard let value = json[name], !value.isNull else { return nil }
            if let converted = convert(value) { return converted }
            errors.append(FieldError(field: "filter." + name, code: "invalid", message: "is not valid"))
            return nil
        }
        status = read("status") { $0.string.flatMap(EventStatus.init) }
        source = read("source") { $0.string.flatMap(EventSource.init) }
        eventName = read("event_name") { $0.string }
        contactID = read("contact_id") { $0.string.flatMap(UUID.init(uuidString:)) }
        from = read("from") { $0.string.flatMap { Timestamp(rfc3339: $0) } }
        to = read("to") { $0.string.flatMap { Timestamp(rfc3339: $0) } }
        ids = read("ids") { value in
            value.array.flatMap { elements in
                let ids = elements.compactMap { $0.string.flatMap(UUID.init(uuidString:)) }
                return ids.count == elements.count && ids.count <= EventService.replayLimit ? ids : nil
            }
        }
        guard errors.isEmpty else { throw .invalid(errors) }
    }
}

/// Looks at events, and plays them again.
public struct EventService: Sendable {
    /// Events in one replay.
    public static let replayLimit = 10_000

    private let database: Database
    private let time: any TimeSource

    /// A service over a database.
    public init(database: Database, time: any TimeSource) {
        self.database = database
        self.time = time
    }

    /// Events, newest first.
    public func list(tenantID: UUID, filter: EventFilter, request: PageRequest) async throws -> Page<EventView> {
        let rows = try await database.run(
            .tenant(tenantID), EventViewStore.list(tenantID: tenantID, filter: filter, request: request))
        return Page(fetched: try rows.map(EventViewStore.view), request: request) {
            PageCursor(time: $0.receivedAt, id: $0.id)
        }
    }

    /// One event with its attempts. Throws 404 `event_not_found`.
    public func find(tenantID: UUID, id: UUID) async throws -> EventView {
        let answers = try await database.run(
            .tenant(tenantID),
            [
                EventViewStore.find(tenantID: tenantID, id: id), EventViewStore.attempts(tenantID: tenantID, id: id),
                EventViewStore.deliveries(tenantID: tenantID, id: id),
            ])
        guard var event = try answers[0].first.map(EventViewStore.view) else { throw Self.notFound }
        event.attempts = try answers[1].map(EventViewStore.attempt)
        event.deliveries = try answers[2].map(EventViewStore.delivery)
        return event
    }

    /// Plays one event again, all of it or one flow. What it did before stays as it is; the new attempt is a row of its own.
    ///
    /// Throws 404; 409 `event_not_processed` while it waits for its first turn or is held; 404 `flow_not_found`.
    public func replay(tenantID: UUID, id: UUID, flowID: UUID?, actor: String) async throws -> EventView {
        var filter = EventFilter()
        filter.ids = [id]
        let count = try await replay(tenantID: tenantID, filter: filter, flowID: flowID, actor: actor)
        let event = try await find(tenantID: tenantID, id: id)
        if count == 0 {
            throw Problem.conflict(
                "event_not_processed", "The event is \(event.status.rawValue); it has its turn still to come.")
        }
        return event
    }

    /// Plays every event of a filter again, in the order of their arrival; answers how many. The oldest 10,000 at most; events that
    /// wait or are held are left out.
    public func replay(tenantID: UUID, filter: EventFilter, flowID: UUID?, actor: String) async throws -> Int {
        let now = time.now()
        return try await database.transaction(.tenant(tenantID)) { transaction in
            if let flowID, try await FlowStore.find(transaction, tenantID: tenantID, id: flowID) == nil {
                throw Problem.notFound("flow_not_found", "There is no such flow.")
            }
            let rows = try await transaction.query(
                EventViewStore.replay(
                    tenantID: tenantID, filter: filter, flowID: flowID, actor: actor, limit: Self.replayLimit, now: now)
            )
            if !rows.isEmpty { _ = try await transaction.query(EventStore.wake(tenantID, at: now, now: now)) }
            return rows.count
        }
    }

    private static var notFound: Problem { .notFound("event_not_found", "There is no such event.") }
}
