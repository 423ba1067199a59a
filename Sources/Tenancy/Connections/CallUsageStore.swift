public import Emarsys
public import EventLoop
public import FoundationEssentials
public import Persistence
import Synchronization

/// Counts calls to Emarsys by tenant, day and kind: gathered in memory, written every few seconds. What a killed process
/// had gathered is lost; nothing else hangs on it.
public final class CallUsage: Service {
    private struct Key: Hashable {
        let tenant: UUID
        let day: String
        let kind: String
    }

    private struct Counts {
        var calls: Int64 = 0
        var errors: Int64 = 0
    }

    private let database: Database
    private let time: any TimeSource
    private let interval: Duration
    private let observer: (@Sendable (EmarsysCallRecord) -> Void)?
    private let counts = Mutex<[Key: Counts]>([:])

    /// A counter that writes every `interval`.
    ///
    /// - Parameter observer: told of each call, for metrics
    public init(
        database: Database, time: any TimeSource, interval: Duration = .seconds(10),
        observer: (@Sendable (EmarsysCallRecord) -> Void)? = nil
    ) {
        self.observer = observer
        self.database = database
        self.time = time
        self.interval = interval
    }

    /// Counts one call.
    public func record(_ call: EmarsysCallRecord, tenant: UUID) {
        observer?(call)
        let key = Key(
            tenant: tenant, day: String(time.now().rfc3339.prefix(10)), kind: call.operation.permission)
        let isError = call.httpStatus == 0 || call.httpStatus >= 400
        counts.withLock { counts in
            counts[key, default: Counts()].calls += 1
            if isError { counts[key, default: Counts()].errors += 1 }
        }
    }

    /// Writes what was gathered until cancelled, and the rest at the end.
    public func run() async throws {
        while !Task.isCancelled {
            do { try await time.sleep(for: interval) } catch { break }
            await write()
        }
        // Cancelled: a task of its own, so that the last write is not.
        await Task { await self.write() }.value
    }

    /// Writes what was gathered. Counts that cannot be written are kept for the next time.
    func write() async {
        let gathered = counts.withLock { counts in
            defer { counts = [:] }
            return counts
        }
        for (tenant, entries) in Dictionary(grouping: gathered, by: \.key.tenant) {
            do {
                _ = try await database.run(
                    .tenant(tenant),
                    Query(
                        """
                        INSERT INTO app.api_usage_daily AS u (tenant_id, day, kind, calls, errors)
                        SELECT $1, x.day, x.kind, x.calls, x.errors
                          FROM unnest($2::date[], $3::text[], $4::bigint[], $5::bigint[]) AS x(day, kind, calls, errors)
                        ON CONFLICT (tenant_id, day, kind) DO UPDATE
                           SET calls = u.calls + EXCLUDED.calls, errors = u.errors + EXCLUDED.errors
                        """,
                        [
                            .uuid(tenant), .textArray(entries.map(\.key.day)), .textArray(entries.map(\.key.kind)),
                            .int8Array(entries.map(\.value.calls)), .int8Array(entries.map(\.value.errors)),
                        ]))
            } catch {
                // A tenant that was deleted meanwhile is no longer counted.
                guard !error.isForeignKeyViolation else { continue }
                counts.withLock { counts in
                    for (key, value) in entries {
                        counts[key, default: Counts()].calls += value.calls
                        counts[key, default: Counts()].errors += value.errors
                    }
                }
            }
        }
    }
}
