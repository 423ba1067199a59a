public import EventLoop
import FoundationEssentials
public import Persistence
import Synchronization

/// Sees to it that every tenant is cleared away after once a day, whether it imports or not, and that nothing of a removed
/// tenant stays: jobs that were put in during its removal, and the row that told the replicas of it.
///
/// Each replica looks; the unique key of a job lets one of them put it in.
public struct Housekeeping: Service {
    /// How often it looks.
    public static let interval = Duration.seconds(300)

    private let database: Database
    private let time: any TimeSource
    private let onFailure: @Sendable (any Error) -> Void
    private let horizon = Horizon()

    /// A housekeeping.
    public init(
        database: Database, time: any TimeSource, onFailure: @escaping @Sendable (any Error) -> Void = { _ in }
    ) {
        self.database = database
        self.time = time
        self.onFailure = onFailure
    }

    /// Looks until the task is cancelled, for the first time soon after the start.
    public func run() async throws {
        var wait = Duration.seconds(10)
        while !Task.isCancelled {
            try await time.sleep(for: wait * Double.random(in: 0.8...1.2))
            do { try await look() } catch is CancellationError { throw CancellationError() } catch { onFailure(error) }
            wait = Self.interval
        }
    }

    /// Looks once.
    public func look() async throws {
        _ = try await database.run(.dispatch, HousekeepingStore.keepHouse(now: time.now()))
        _ = try await database.run(.operator, HousekeepingStore.forgetAnswers(now: time.now()))
        // Replicas poll twice a second: what was written before the look before this one is known everywhere.
        let former = horizon.former.withLock { $0 }
        let rows = try await database.run(
            .operator,
            former.map { [HousekeepingStore.forgetRemoved(before: $0), HousekeepingStore.horizon] }
                ?? [HousekeepingStore.horizon])
        if let next: String = try rows.last?.first?.get(0) { horizon.former.withLock { $0 = next } }
    }

    /// The oldest transaction that was open at the last look.
    private final class Horizon: Sendable {
        let former = Mutex<String?>(nil)
    }
}

/// The SQL of the housekeeping.
enum HousekeepingStore {
    static func keepHouse(now: Timestamp) -> Query {
        Query("SELECT app.keep_house($1)", [.timestamp(now)])
    }

    /// Answers remembered for operators' repeats, which belong to no tenant.
    static func forgetAnswers(now: Timestamp) -> Query {
        Query(
            "DELETE FROM app.operator_idempotency_keys WHERE created_at <= $1",
            [.timestamp(now - .seconds(2 * 86_400))])
    }

    static let horizon = Query("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")

    static func forgetRemoved(before: String) -> Query {
        Query(
            """
            DELETE FROM app.directory_changes d
             WHERE d.changed_xid < $1::text::xid8 AND NOT EXISTS (SELECT 1 FROM app.tenants t WHERE t.tenant_id = d.tenant_id)
            """, [.text(before)])
    }
}
