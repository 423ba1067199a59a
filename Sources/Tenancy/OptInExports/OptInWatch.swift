public import EventLoop
import FoundationEssentials
public import Persistence

/// Looks every minute over all connected tenants for changes whose job is gone, and for sweeps that nobody has asked for:
/// whatever a job came to, a due change is taken up again, and every tenant is compared and checked.
///
/// Each replica looks; a job's unique key lets one of them put it in.
public struct OptInWatch: Service {
    /// How often it looks.
    public static let interval = Duration.seconds(60)
    /// A due row may wait for its own job this long.
    static let patience = Duration.seconds(30)

    private let database: Database
    private let time: any TimeSource
    private let onFailure: @Sendable (any Error) -> Void

    /// A watch.
    public init(
        database: Database, time: any TimeSource, onFailure: @escaping @Sendable (any Error) -> Void = { _ in }
    ) {
        self.database = database
        self.time = time
        self.onFailure = onFailure
    }

    /// Looks until the task is cancelled.
    public func run() async throws {
        while !Task.isCancelled {
            // Spread over the interval, so that replicas do not look at once.
            try await time.sleep(for: Self.interval * Double.random(in: 0.8...1.2))
            do { try await look() } catch is CancellationError { throw CancellationError() } catch { onFailure(error) }
        }
    }

    /// Looks once.
    public func look() async throws {
        let now = time.now()
        let rows = try await database.run(.operator, OptInWatchStore.missing(before: now - Self.patience))
        for row in rows {
            let tenant: UUID = try row.get(0)
            var queries: [Query] = []
            if try row.get(1) { queries.append(OptInExportStore.wake(tenant: tenant, at: now, now: now)) }
            for (column, sweep) in [(2, OptInSweep.check), (3, .reconcile)] where try row.get(column) {
                // Within the hour, not all tenants at once.
                let wait = Duration.seconds(Int64.random(in: 60...3600))
                queries.append(
                    OptInExportStore.proceed(sweep, tenant: tenant, after: nil, at: now + wait, now: now))
            }
            _ = try await database.run(.tenant(tenant), queries)
        }
    }
}

/// The SQL of the watch.
enum OptInWatchStore {
    /// Connected tenants with a due change and no job for it, or without the job of a check or a comparison.
    static func missing(before: Timestamp) -> Query {
        Query(
            """
            SELECT m.tenant_id, m.drain, m.no_check, m.no_comparison
              FROM (SELECT c.tenant_id,
                           NOT coalesce(j.drain, false)
                           AND (EXISTS (SELECT 1 FROM app.opt_in_exports x
                                         WHERE x.tenant_id = c.tenant_id AND x.state = 'queued' AND x.next_attempt_at <= $1)
                             OR EXISTS (SELECT 1 FROM app.opt_in_exports x
                                         WHERE x.tenant_id = c.tenant_id AND x.state = 'sent' AND x.sent_at <= $1)) AS drain,
                           NOT coalesce(j.looks, false) AS no_check, NOT coalesce(j.compares, false) AS no_comparison
                      FROM app.connections c
                      JOIN app.tenants n ON n.tenant_id = c.tenant_id AND n.status = 'active'
                      CROSS JOIN LATERAL (
                          SELECT bool_or(b.kind = 'export_opt_ins') AS drain, bool_or(b.kind = 'check_opt_ins') AS looks,
                                 bool_or(b.kind IN ('reconcile_opt_ins', 'backfill_opt_ins')) AS compares
                            FROM app.jobs b
                           WHERE b.tenant_id = c.tenant_id AND b.queue = 'exports' AND b.state IN (0, 1, 4)) j
                     WHERE c.status <> 'disconnected') m
             WHERE m.drain OR m.no_check OR m.no_comparison
            """, [.timestamp(before)])
    }
}
