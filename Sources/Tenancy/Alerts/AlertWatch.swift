public import EventLoop
public import FoundationEssentials
import JSON
public import Persistence

/// Looks three times a minute at what is the case, and says once when it begins and once when it is over: as a delivery to the charles
/// instance and on the operators' page of the tenant.
///
/// Each replica looks; the row of the alert decides which of them says it. States of an alert: none → raised → recovered → raised …
public struct AlertWatch: Service {
    /// How often it looks.
    public static let interval = Duration.seconds(20)
    /// A burst of refused webhooks is known to one process alone, so the others let it stand for this long.
    static let burstStands = Duration.seconds(1800)

    private let database: Database
    private let time: any TimeSource
    private let refusals: RefusedWebhooks
    private let syncInterval: Duration
    private let onFailure: @Sendable (any Error) -> Void

    /// A watch.
    ///
    /// - Parameter syncInterval: between imports of a segment that has no interval of its own
    public init(
        database: Database, refusals: RefusedWebhooks, time: any TimeSource, syncInterval: Duration = .seconds(43_200),
        onFailure: @escaping @Sendable (any Error) -> Void = { _ in }
    ) {
        self.database = database
        self.refusals = refusals
        self.time = time
        self.syncInterval = syncInterval
        self.onFailure = onFailure
    }

    /// Looks until the task is cancelled.
    public func run() async throws {
        while !Task.isCancelled {
            // Spread over the interval, so that replicas do not look at once.
            try await time.sleep(for: Self.interval * Double.random(in: 0.8...1.2))
            do {
                try await look()
                // A login can lift its own time-out.
                _ = try await database.run(.operator, AlertStore.endLongReports)
            } catch is CancellationError { throw CancellationError() } catch { onFailure(error) }
        }
    }

    /// The alerts of a tenant, raised ones first.
    public func alerts(tenant: UUID) async throws -> [Alert] {
        try await database.run(.tenant(tenant), AlertStore.list(tenant: tenant)).map(AlertStore.alert)
    }

    /// Compares what is the case with what was said, once.
    public func look() async throws {
        let now = time.now()
        let rows = try await database.run(
            .operator, [AlertStore.firing(now: now, interval: syncInterval), AlertStore.raised])
        var firing: [Key: [UInt8]] = [:]
        for row in rows[0] { firing[Key(tenant: try row.get(0), kind: try row.get(1))] = try row.get(2) }
        for (tenant, count) in refusals.bursts() {
            let detail: JSON = ["count": .number(JSONNumber(count))]
            firing[Key(tenant: tenant, kind: AlertKind.webhooksUnauthorized.rawValue)] = detail.encoded()
        }
        var raised: [Key: Timestamp] = [:]
        for row in rows[1] { raised[Key(tenant: try row.get(0), kind: try row.get(1))] = try row.get(2) }
        for (key, detail) in firing where raised[key] == nil {
            try await say(
                isBeginning: true, key, detail,
                AlertStore.raise(key.kind, detail: detail, tenant: key.tenant, now: now),
                now)
        }
        for (key, since) in raised where firing[key] == nil {
            if key.kind == AlertKind.webhooksUnauthorized.rawValue, now - since < Self.burstStands { continue }
            try await say(
                isBeginning: false, key, nil, AlertStore.recover(key.kind, tenant: key.tenant, now: now), now)
        }
    }

    private struct Key: Hashable {
        let tenant: UUID
        let kind: String
    }

    /// The type of a message. That of a failing connection is the same whether the call that failed says it or this watch.
    static func type(of kind: String, isBeginning: Bool) -> String {
        if kind == AlertKind.connectionFailing.rawValue {
            return isBeginning ? "connection.failing" : "connection.recovered"
        }
        return isBeginning ? "alert.raised" : "alert.recovered"
    }

    private func say(isBeginning: Bool, _ key: Key, _ detail: [UInt8]?, _ change: Query, _ now: Timestamp) async throws
    {
        try await database.transaction(.tenant(key.tenant)) { transaction in
            // No row: another replica has said it.
            guard try await !transaction.query(change).isEmpty else { return }
            let data: JSON = [
                "kind": .string(key.kind), "at": .string(now.rfc3339),
                "detail": detail.flatMap { try? JSON.parse($0) } ?? .null,
            ]
            _ = try await transaction.batch(
                DeliveryOutbox.queries(
                    tenant: key.tenant,
                    [OutgoingEvent(type: Self.type(of: key.kind, isBeginning: isBeginning), data: data)], now: now))
        }
    }
}
