public import EventLoop
import FoundationEssentials
import Synchronization

/// Takes jobs of one queue out of their lanes and runs them: fairly over the tenants, at most so many at once, each under a lease
/// that is renewed while it runs.
///
/// Polling is the truth; `wake()` is a hint for work that this process has just put in. When the task that runs it is
/// cancelled, running jobs are cancelled and given back at once, so that another replica can take them.
public final class LaneWorker: Service {
    /// How a worker works.
    public struct Configuration: Sendable {
        /// The lane it serves.
        public var queue: String
        /// How many jobs it runs at once.
        public var concurrency = 8
        /// How many tenants one claim may serve.
        public var lanes = 16
        /// How long a job stays ours without renewal: after a crash, another worker takes it after this.
        public var lease: Duration = .seconds(35)
        /// How often leases are renewed.
        public var renewal: Duration = .seconds(10)
        /// Shortest and longest pause between polls that find nothing; doubled from one to the next, with jitter.
        public var pollInterval: ClosedRange<Duration> = .milliseconds(50)...(.seconds(1))
        /// Pauses between attempts.
        public var retryPolicy = RetryPolicy()

        /// - Parameter queue: The lane to serve.
        public init(queue: String) { self.queue = queue }
    }

    /// Does the jobs of one kind.
    public typealias Handler = @Sendable (Job) async throws -> JobOutcome

    private struct Running {
        let job: Job
        var task: Task<Void, Never>?
        var renewedAt: MonotonicTime
    }

    private struct State {
        var running: [UInt64: Running] = [:]
        var nextKey: UInt64 = 0
        var unwritten: [Query] = []
        var isWriting = false
        var isStopping = false
    }

    private let configuration: Configuration
    private let database: Database
    private let group: EventLoopGroup
    private let time: any TimeSource
    private let handlers: [String: Handler]
    private let state = Mutex(State())
    private let signal = WakeSignal()
    private let settled = WakeSignal()

    /// - Parameters:
    ///   - configuration: How to work.
    ///   - database: Where the lanes are.
    ///   - group: The loops on which handlers run.
    ///   - time: Where the time comes from.
    ///   - handlers: A handler for each kind of job. A job of another kind is given back for a newer replica.
    public init(
        _ configuration: Configuration, database: Database, group: EventLoopGroup, time: any TimeSource = SystemTime(),
        handlers: [String: Handler]
    ) {
        self.configuration = configuration
        self.database = database
        self.group = group
        self.time = time
        self.handlers = handlers
    }

    /// Says that there may be work: the next poll comes at once.
    public func wake() { signal.ring() }

    /// How many jobs are running here.
    public var runningJobs: Int { state.withLock { $0.running.count } }

    /// Works until the task is cancelled; returns when every running job has ended or was given back.
    public func run() async {
        await Hop.onto(group.next()) { [self] in await work() }
    }

    private func work() async {
        state.withLock { $0.isStopping = false }
        let renewals = Task(executorPreference: group.next()) { [self] in await renewLeases() }
        var pause = configuration.pollInterval.lowerBound
        while !Task.isCancelled {
            let free = configuration.concurrency - runningJobs
            var claimed = 0
            if free > 0 {
                let jobs = await claim(free)
                for job in jobs { start(job) }
                claimed = jobs.count
            }
            if free > 0, claimed == free { continue }
            if claimed > 0 { pause = configuration.pollInterval.lowerBound }
            await signal.wait(atMost: pause * Double.random(in: 0.8...1.2), time)
            pause = claimed > 0 ? pause : min(pause * 2, configuration.pollInterval.upperBound)
        }
        await stop()
        renewals.cancel()
        await renewals.value
    }

    private func stop() async {
        let running = state.withLock { state in
            state.isStopping = true
            return state.running.values.map(\.task)
        }
        for task in running { task?.cancel() }
        // A task of its own, since this one is cancelled and would not wait.
        await Task(executorPreference: group.next()) { [self] in
            for task in running { await task?.value }
            while state.withLock({ !$0.running.isEmpty || $0.isWriting || !$0.unwritten.isEmpty }) {
                await settled.wait(atMost: .milliseconds(20), SystemTime())
            }
        }.value
    }

    private func claim(_ count: Int) async -> [Job] {
        let token = UUID()
        let query = JobStore.claim(
            configuration.queue, count: count, lanes: min(count, configuration.lanes), lease: configuration.lease,
            token: token, now: time.now())
        do {
            return try JobStore.jobs(
                try await database.run(.dispatch, query), queue: configuration.queue, token: token)
        } catch {
            // Unreachable or overloaded: the pause between polls is the answer. Jobs claimed by a commit we did not hear of come
            // back when their lease ends.
            return []
        }
    }

    private func start(_ job: Job) {
        let key = state.withLock { state in
            state.nextKey += 1
            state.running[state.nextKey] = Running(job: job, task: nil, renewedAt: .now)
            return state.nextKey
        }
        let task = Task(executorPreference: group.next()) { [self] in await perform(job, key) }
        let mustCancel = state.withLock { state in
            state.running[key]?.task = task
            return state.isStopping
        }
        if mustCancel { task.cancel() }
    }

    private func perform(_ job: Job, _ key: UInt64) async {
        let result: Result<JobOutcome, any Error>
        if let handler = handlers[job.kind] {
            do { result = .success(try await handler(job)) } catch { result = .failure(error) }
        } else {
            let time = time.now() + .seconds(30)
            result = .success(.again(at: time, reason: "unknown kind", countsAttempt: false))
        }
        let now = time.now()
        let mustWrite = state.withLock { state in
            let settlement = Settlement(
                job, result, isStopping: state.isStopping, now: now, policy: configuration.retryPolicy)
            state.running[key] = nil
            if let statement = settlement.statement { state.unwritten.append(statement) }
            guard !state.unwritten.isEmpty, !state.isWriting else { return false }
            state.isWriting = true
            return true
        }
        if mustWrite {
            // Of its own, since this task may be cancelled.
            Task(executorPreference: EventLoop.current ?? group.next()) { [self] in await write() }
        } else {
            wake()
        }
    }

    /// Writes what jobs ended with; whatever ends during a commit joins the next.
    private func write() async {
        var failures = 0
        while true {
            let batch = state.withLock { state in
                let batch = Array(state.unwritten.prefix(200))
                if batch.isEmpty { state.isWriting = false }
                return batch
            }
            if batch.isEmpty { break }
            do {
                _ = try await database.run(.dispatch, batch)
                failures = 0
            } catch  where error.isCausedByInput {
                // One statement must not keep the others from being written.
                for statement in batch { _ = try? await database.run(.dispatch, statement) }
            } catch {
                failures += 1
                // After a lease's time the jobs are somebody else's anyway.
                if failures < 8 {
                    try? await SystemTime().sleep(for: .milliseconds(100 << failures))
                    continue
                }
                failures = 0
            }
            state.withLock { $0.unwritten.removeFirst(batch.count) }
            wake()
        }
        settled.ring()
        wake()
    }

    private func renewLeases() async {
        while !Task.isCancelled {
            do { try await time.sleep(for: configuration.renewal) } catch { return }
            let running = state.withLock { $0.running }
            if running.isEmpty { continue }
            let entries = Array(running)
            let started = MonotonicTime.now
            let queries = entries.map { _, entry in
                JobStore.renew(entry.job.tenantID, entry.job.id, entry.job.lease.token, lease: configuration.lease)
            }
            let rows = try? await database.run(.dispatch, queries)
            for (index, (key, entry)) in entries.enumerated() {
                let isRenewed = rows.map { (try? $0[index][0].get(0, as: Bool.self)) ?? false }
                settle(key, entry, isRenewed, started)
            }
        }
    }

    /// Notes a renewal; a job that is lost, or could not be renewed for as long as its lease, is cancelled.
    private func settle(_ key: UInt64, _ entry: Running, _ isRenewed: Bool?, _ started: MonotonicTime) {
        if isRenewed == true {
            state.withLock { $0.running[key]?.renewedAt = started }
        } else if isRenewed == false || MonotonicTime.now - entry.renewedAt > configuration.lease {
            // A job that ended while it was being renewed is not lost.
            guard state.withLock({ $0.running[key] != nil }) else { return }
            entry.job.lease.lose()
            entry.task?.cancel()
        }
    }
}
