import EventLoop
import FoundationEssentials
import Persistence
import Synchronization

/// What became of a row.
enum InboxOutcome: Sendable, Hashable {
    /// Durable.
    case stored
    /// A copy of an event that is durable already.
    case duplicate(of: UUID)
    /// The database refuses this very row.
    case unstorable
    /// The database cannot be asked; whether the row is stored is unknown, a repeat will tell.
    case unavailable
}

/// Group commit on one loop: rows that arrive while a commit is under way join the next one.
///
/// Unchecked: every member is touched on `loop` only.
final class LoopInbox: @unchecked Sendable {
    private struct Waiter {
        let rows: [InboxRow]
        let continuation: CheckedContinuation<[InboxOutcome], Never>
    }

    let loop: EventLoop
    private let database: Database
    private let time: any TimeSource
    private let limits: InboxWriter.Limits
    private let onWake: @Sendable () -> Void
    private var waiting: [Waiter] = []
    private var writers = 0
    /// Rows of the window under way, when it began in microseconds, and rows a second in the one before; read from other threads.
    private let windowRows = Atomic<Int>(0)
    private let windowStart = Atomic<Int64>(0)
    private let lastRate = Atomic<Int64>(0)
    private var toWake = Set<UUID>()
    private var wakeIsScheduled = false

    init(
        loop: EventLoop, database: Database, time: any TimeSource, limits: InboxWriter.Limits,
        onWake: @escaping @Sendable () -> Void
    ) {
        self.loop = loop
        self.database = database
        self.time = time
        self.limits = limits
        self.onWake = onWake
    }

    /// Returns when the rows are durable, or known not to be. On `loop`.
    func append(_ rows: [InboxRow]) async -> [InboxOutcome] {
        await withCheckedContinuation { continuation in
            waiting.append(Waiter(rows: rows, continuation: continuation))
            guard writers < limits.writers else { return }
            writers += 1
            Task(executorPreference: loop) { await self.write() }
        }
    }

    private func write() async {
        while !waiting.isEmpty {
            var count = 0
            var taken = 0
            while taken < waiting.count, count == 0 || count + waiting[taken].rows.count <= limits.rows {
                count += waiting[taken].rows.count
                taken += 1
            }
            let batch = Array(waiting[..<taken])
            waiting.removeFirst(taken)
            measure(count)
            let rows = batch.flatMap(\.rows)
            let outcomes = await InboxBatch(database: database, now: time.now()).store(rows)
            wake(rows, outcomes)
            var next = 0
            for waiter in batch {
                waiter.continuation.resume(returning: Array(outcomes[next..<(next + waiter.rows.count)]))
                next += waiter.rows.count
            }
        }
        writers -= 1
    }

    /// Counts rows in windows of a tenth of a second.
    private func measure(_ rows: Int) {
        let now = time.now().microseconds
        let length = now - windowStart.load(ordering: .relaxed)
        guard length > 100_000 else {
            windowRows.add(rows, ordering: .relaxed)
            return
        }
        let former = Double(windowRows.exchange(rows, ordering: .relaxed)) / Double(length) * 1e6
        lastRate.store(length < Self.memory ? Int64(former) : 0, ordering: .relaxed)
        windowStart.store(now, ordering: .relaxed)
    }

    /// Rows a second at present; none when nothing came for half a second. A burst is seen while its first window is under way,
    /// before its rows are processed. From any thread.
    func rate(at now: Int64) -> Double {
        let length = now - windowStart.load(ordering: .relaxed)
        guard length < Self.memory else { return 0 }
        let current = Double(windowRows.load(ordering: .relaxed)) / Double(max(length, 50_000)) * 1e6
        return max(Double(lastRate.load(ordering: .relaxed)), current)
    }

    /// How long a window says something about the present, in microseconds.
    private static let memory: Int64 = 500_000

    // MARK: Waking the processing

    private func wake(_ rows: [InboxRow], _ outcomes: [InboxOutcome]) {
        for (row, outcome) in zip(rows, outcomes) where outcome == .stored && row.status == .accepted {
            toWake.insert(row.tenantID)
        }
        scheduleWake(after: limits.wakeDelay)
    }

    private func scheduleWake(after delay: Duration) {
        guard !toWake.isEmpty, !wakeIsScheduled else { return }
        wakeIsScheduled = true
        _ = loop.schedule(after: delay) { [self] in
            Task(executorPreference: loop) { await self.sendWake() }
        }
    }

    private func sendWake() async {
        let tenants = toWake.sorted { $0.uuidString < $1.uuidString }
        toWake = []
        var retry = false
        for start in stride(from: 0, to: tenants.count, by: 500) {
            let part = Array(tenants[start..<min(start + 500, tenants.count)])
            do {
                _ = try await database.run(.tenants(part), InboxStore.wake(part, now: time.now()))
            } catch {
                // The sweep finds them too; this is sooner.
                toWake.formUnion(part)
                retry = true
            }
        }
        if !tenants.isEmpty { onWake() }
        wakeIsScheduled = false
        scheduleWake(after: retry ? .seconds(1) : limits.wakeDelay)
    }
}
