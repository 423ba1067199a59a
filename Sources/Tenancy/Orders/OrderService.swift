import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence

/// Looks at orders, and keeps the daily facts.
public struct OrderService: Sendable {
    private let database: Database

    /// A service over a database.
    public init(database: Database) { self.database = database }

    /// Brings the daily facts up to date.
    public func refreshDailyFacts(tenantID: UUID) async throws {
        _ = try await database.run(.tenant(tenantID), OrderStore.refreshDailyFacts(tenantID: tenantID))
    }

    /// Has the daily facts computed anew of tenants that moved to another time zone.
    public func sweepZones(now: Timestamp) async throws {
        for row in try await database.run(.operator, Query(OrderStore.movedZones)) {
            let tenantID: UUID = try row.get(0)
            _ = try await database.run(.tenant(tenantID), OrderStore.wakeDailyFacts(tenantID: tenantID, now: now))
        }
    }

    /// Orders, newest first by the time they were placed.
    public func list(
        tenantID: UUID, contactID: UUID?, outcome: String?, request: PageRequest
    ) async throws -> Page<JSON> {
        if let outcome, !["linked", "anonymous", "skipped"].contains(outcome) {
            throw Problem.invalid([FieldError(field: "outcome", code: "unknown", message: "is no outcome of an order")])
        }
        let rows = try await database.run(
            .tenant(tenantID),
            OrderStore.list(tenantID: tenantID, contactID: contactID, outcome: outcome, request: request))
        let fetched = try rows.map { (try OrderStore.view($0), try OrderStore.cursor($0)) }
        let hasMore = fetched.count > request.limit
        let items = hasMore ? Array(fetched.prefix(request.limit)) : fetched
        return Page(items: items.map(\.0), next: hasMore ? items.last?.1 : nil)
    }

    /// One order with its history. Throws 404 `order_not_found`.
    public func find(tenantID: UUID, id: UUID) async throws -> JSON {
        let answers = try await database.run(
            .tenant(tenantID),
            [OrderStore.find(tenantID: tenantID, ids: [id]), OrderStore.history(tenantID: tenantID, id: id)])
        guard var order = try answers[0].first.map(OrderStore.view) else {
            throw Problem.notFound("order_not_found", "There is no such order.")
        }
        order["history"] = .array(try answers[1].map(OrderStore.historyEntry))
        return order
    }
}
