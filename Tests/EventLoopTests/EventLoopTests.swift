import EventLoop
import Synchronization
import Testing

/// Runs the body on the first loop of a fresh group and stops the group afterwards.
func onLoop<Result: Sendable>(
    loops: Int = 1, _ body: @escaping @Sendable (EventLoopGroup) async throws -> Result
) async throws -> Result {
    let group = EventLoopGroup(loops: loops)
    let task = Task(executorPreference: group.loops[0]) { try await body(group) }
    let result = await task.result
    group.shutDown()
    return try result.get()
}

@Suite("An event loop")
struct EventLoopTests {
    @Test("runs tasks that prefer it on its own thread, also after they slept")
    func runsTasks() async throws {
        try await onLoop { group in
            #expect(EventLoop.current === group.loops[0])
            try await group.loops[0].sleep(for: .milliseconds(2))
            #expect(EventLoop.current === group.loops[0])
        }
        #expect(EventLoop.current == nil)
    }

    @Test("runs bodies given by another thread in their order")
    func executesInOrder() async throws {
        let group = EventLoopGroup(loops: 1)
        let seen = Mutex<[Int]>([])
        await withCheckedContinuation { continuation in
            for number in 0..<1000 {
                group.loops[0].execute {
                    seen.withLock { $0.append(number) }
                    if number == 999 { continuation.resume() }
                }
            }
        }
        group.shutDown()
        #expect(seen.withLock { $0 } == Array(0..<1000))
    }

    @Test("fires timers in the order of their deadlines and forgets cancelled ones")
    func timers() async throws {
        let seen = try await onLoop { group in
            let loop = group.loops[0]
            let seen = Mutex<[Int]>([])
            for delay in [5, 1, 4, 2, 3] {
                loop.schedule(after: .milliseconds(delay)) { seen.withLock { $0.append(delay) } }
            }
            let cancelled = loop.schedule(after: .milliseconds(3)) { seen.withLock { $0.append(-1) } }
            cancelled.cancel()
            #expect(!cancelled.isPending)
            try await loop.sleep(for: .milliseconds(10))
            return seen.withLock { $0 }
        }
        #expect(seen == [1, 2, 3, 4, 5])
    }

    @Test("ends a sleep as soon as its task is cancelled")
    func cancelledSleep() async throws {
        try await onLoop { group in
            let loop = group.loops[0]
            let task = Task(executorPreference: loop) { try await loop.sleep(for: .seconds(3600)) }
            await Task.yield()
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            let early = Task(executorPreference: loop) { try await loop.sleep(for: .seconds(3600)) }
            early.cancel()
            await #expect(throws: CancellationError.self) { try await early.value }
        }
    }

    @Test("keeps one object of a type for each loop")
    func localObjects() async throws {
        final class Counter {}
        try await onLoop { group in
            let loop = group.loops[0]
            let first = loop.local(Counter.self) { Counter() }
            #expect(loop.local(Counter.self) { Counter() } === first)
        }
    }
}
