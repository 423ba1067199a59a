import EventLoop
import FoundationEssentials
import Persistence
import Synchronization
import TestSupport
import Testing

@Suite("job lanes")
struct LaneWorkerTests {
    static let shared = Result { try TestDatabase() }
    let test: TestDatabase
    let database: Database
    let queue = "q" + UUID().uuidString

    init() throws {
        test = try Self.shared.get()
        database = try test.open()
    }

    private func tenant(maxRunning: Int = 1) throws -> UUID {
        let id = UUID()
        try test.administer(
            "INSERT INTO app.tenants (tenant_id, instance_name, display_name) VALUES ($1::uuid, $1, 'x')",
            [id.uuidString.lowercased()])
        try test.administer(
            "INSERT INTO app.lanes (tenant_id, queue, max_running) VALUES ($1, $2, $3)",
            [id.uuidString, queue, String(maxRunning)])
        return id
    }

    private func enqueue(_ tenant: UUID, kind: String = "work", count: Int = 1, key: String? = nil) async throws {
        for _ in 0..<count {
            _ = try await database.run(
                .tenant(tenant),
                JobStore.enqueue(tenant, queue: queue, kind: kind, uniqueKey: key, now: SystemTime().now()))
        }
    }

    private func jobs() throws -> [[String?]] {
        try test.administer("SELECT state, attempt, last_error FROM app.jobs WHERE queue = $1 ORDER BY id", [queue])
    }

    private func worker(
        _ handlers: [String: LaneWorker.Handler], _ change: (inout LaneWorker.Configuration) -> Void = { _ in }
    ) -> LaneWorker {
        var configuration = LaneWorker.Configuration(queue: queue)
        configuration.pollInterval = .milliseconds(5)...(.milliseconds(20))
        change(&configuration)
        return LaneWorker(configuration, database: database, group: test.group, handlers: handlers)
    }

    /// Runs a worker until a condition holds, then stops it and waits for its end.
    private func run(_ worker: LaneWorker, until isDone: @escaping @Sendable () throws -> Bool) async throws {
        let task = Task { await worker.run() }
        let limit = MonotonicTime.now + .seconds(20)
        while try !isDone(), MonotonicTime.now < limit { try await Task.sleep(for: .milliseconds(5)) }
        #expect(try isDone())
        task.cancel()
        await task.value
    }

    @Test("each job runs once, none beyond its lane's limit")
    func once() async throws {
        let tenants = [try tenant(), try tenant(maxRunning: 2), try tenant()]
        for tenant in tenants { try await enqueue(tenant, count: 10) }
        struct Seen { var ids: [Int64] = []; var running: [UUID: Int] = [:]; var most: [UUID: Int] = [:] }
        let seen = Mutex(Seen())
        let worker = worker([
            "work": { job in
                seen.withLock {
                    $0.ids.append(job.id)
                    $0.running[job.tenantID, default: 0] += 1
                    $0.most[job.tenantID] = max($0.most[job.tenantID] ?? 0, $0.running[job.tenantID] ?? 0)
                }
                try await SystemTime().sleep(for: .milliseconds(1))
                seen.withLock { $0.running[job.tenantID, default: 0] -= 1 }
                return .finished
            }
        ])
        try await run(worker) { [self] in try jobs().isEmpty }
        let ids = seen.withLock { $0.ids }
        #expect(ids.count == 30)
        #expect(Set(ids).count == 30)
        #expect(seen.withLock { $0.most[tenants[0]] } == 1)
        #expect((seen.withLock { $0.most[tenants[1]] } ?? 0) <= 2)
    }

    @Test("a claim takes no more than it was asked for, of as many tenants as it may, and none of a queue beside it")
    func claiming() async throws {
        let tenants = [try tenant(maxRunning: 9), try tenant(maxRunning: 9), try tenant(maxRunning: 9)]
        for tenant in tenants { try await enqueue(tenant, count: 5) }
        for other in [queue + "a", "a" + queue] {
            try test.administer(
                "INSERT INTO app.jobs (tenant_id, queue, kind) VALUES ($1, $2, 'work')", [tenants[0].uuidString, other])
        }
        func claim(_ count: Int, _ lanes: Int) async throws -> [UUID: Int] {
            let rows = try await database.run(
                .dispatch,
                Query(
                    "SELECT tenant_id FROM app.claim($1, $2, $3, interval '60 s', gen_random_uuid(), $4)",
                    [
                        .text(queue), .int4(Int32(count)), .int4(Int32(lanes)),
                        .timestamp(SystemTime().now() + .seconds(1)),
                    ]))
            var found: [UUID: Int] = [:]
            for row in rows { found[try row.get(0), default: 0] += 1 }
            return found
        }
        // One each: two each would be more than four.
        #expect(try await claim(4, 3).values.sorted() == [1, 1, 1])
        let two = try await claim(6, 2)
        #expect(two.count == 2 && two.values.reduce(0, +) == 6)
        #expect(try await claim(50, 50).values.reduce(0, +) == 6)
        #expect(try await claim(50, 50).isEmpty)
    }

    @Test("an error comes back later, a permanent one dies, the reason says no data")
    func failures() async throws {
        struct Permanent: JobFailure {
            var reason: String { "refused" }
            var isPermanent: Bool { true }
            var retryAt: Timestamp? { nil }
        }
        struct Leaky: Error { var secret = "jane@example.com" }
        try await enqueue(try tenant(), kind: "leaky")
        try await enqueue(try tenant(), kind: "permanent")
        try await enqueue(try tenant(), kind: "again")
        try await enqueue(try tenant(), kind: "unheard-of")
        let worker = worker([
            "leaky": { _ in throw Leaky() }, "permanent": { _ in throw Permanent() },
            "again": { job in
                .again(
                    at: SystemTime().now() + .seconds(60), reason: "busy", countsAttempt: false,
                    args: Array("{\"a\": 1}".utf8))
            },
        ])
        try await run(worker) { [self] in try jobs().allSatisfy { $0[2] != nil } }
        #expect(
            try jobs() == [
                ["4", "1", "Leaky"], ["3", "1", "refused"], ["4", "0", "busy"], ["4", "0", "unknown kind"],
            ])
        #expect(
            try test.administer("SELECT args FROM app.jobs WHERE queue = $1 AND kind = 'again'", [queue]) == [
                ["{\"a\": 1}"]
            ])
    }

    @Test("the last attempt is the last")
    func exhausted() async throws {
        struct Failing: Error {}
        try await enqueue(try tenant())
        try test.administer("UPDATE app.jobs SET max_attempts = 1 WHERE queue = $1", [queue])
        try await run(worker(["work": { _ in throw Failing() }])) { [self] in try jobs().first?[2] != nil }
        #expect(try jobs() == [["3", "1", "Failing"]])
    }

    @Test("stopping gives running jobs back at once, as if not tried")
    func stopping() async throws {
        try await enqueue(try tenant())
        let started = Atomic<Bool>(false)
        let worker = worker([
            "work": { _ in
                started.store(true, ordering: .releasing)
                try await SystemTime().sleep(for: .seconds(60))
                return .finished
            }
        ])
        try await run(worker) { started.load(ordering: .acquiring) }
        #expect(try jobs() == [["0", "0", nil]])
        #expect(worker.runningJobs == 0)
    }

    @Test("a job that another worker took is cancelled, and its outcome discarded")
    func fenced() async throws {
        try await enqueue(try tenant())
        let ended = Mutex<Bool?>(nil)
        let worker = worker([
            "work": { [test, queue] job in
                try test.administer("UPDATE app.jobs SET lease_token = gen_random_uuid() WHERE queue = $1", [queue])
                do { try await SystemTime().sleep(for: .seconds(60)) } catch {}
                ended.withLock { $0 = job.lease.isHeld }
                return .finished
            }
        ]) { $0.renewal = .milliseconds(20) }
        try await run(worker) { ended.withLock { $0 != nil } }
        #expect(ended.withLock { $0 } == false)
        #expect(try jobs() == [["1", "1", nil]])
    }

    @Test("a lease is renewed while the job runs, and one that ran out lets another worker in")
    func leases() async throws {
        try await enqueue(try tenant())
        let runs = Mutex<[Int]>([])
        let first = worker([
            "work": { job in
                runs.withLock { $0.append(job.attempt) }
                try await SystemTime().sleep(for: .milliseconds(900))
                return .finished
            }
        ]) {
            $0.lease = .milliseconds(300)
            $0.renewal = .milliseconds(50)
        }
        let second = worker([
            "work": { job in
                runs.withLock { $0.append(-job.attempt) }; return .finished
            }
        ])
        let other = Task {
            while runs.withLock({ $0.isEmpty }) { try? await Task.sleep(for: .milliseconds(5)) }
            await second.run()
        }
        try await run(first) { [self] in try jobs().isEmpty }
        other.cancel()
        await other.value
        #expect(runs.withLock { $0 } == [1])
        // A crash: the job stays leased with nobody to renew it.
        let crashed = try tenant()
        try await enqueue(crashed)
        try test.administer(
            "UPDATE app.jobs SET state = 1, attempt = 1, lease_until = clock_timestamp() - interval '1 s', lease_token = gen_random_uuid() WHERE queue = $1",
            [queue])
        try await run(second) { [self] in try jobs().isEmpty }
        #expect(runs.withLock { $0 } == [1, -2])
    }

    @Test("work and its end can be one commit of the tenant")
    func settled() async throws {
        let tenant = try tenant()
        try await enqueue(tenant)
        let worker = worker([
            "work": { [database] job in
                let rows = try await database.run(.tenant(job.tenantID), [Query("SELECT 1"), job.finishStatement])
                return try rows[1][0].get(0) ? .settled : .again(at: SystemTime().now(), reason: "lost")
            }
        ])
        try await run(worker) { [self] in try jobs().isEmpty }
    }

    @Test("pauses grow with the fourth power up to the limit")
    func policy() {
        let policy = RetryPolicy()
        #expect(policy.pause(afterAttempt: 1, random: 0) == .seconds(1))
        #expect(policy.pause(afterAttempt: 3, random: 0) == .seconds(81))
        #expect(policy.pause(afterAttempt: 3, random: 1) == .seconds(81) * 1.1)
        #expect(policy.pause(afterAttempt: 25, random: 0) == .seconds(6 * 3600))
        #expect(policy.pause(afterAttempt: .max, random: 0) == .seconds(6 * 3600))
    }
}
