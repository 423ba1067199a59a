import Testing

@testable import EventLoop

@Suite("A waiter")
struct WaiterTests {
    @Test("keeps a cancellation that comes too late away from the next wait")
    func lateCancellation() async throws {
        try await onLoop { group in
            let loop = group.loops[0]
            nonisolated(unsafe) let waiter = Waiter<Int>()
            let first = Task(executorPreference: loop) { try await waiter.wait(on: loop) }
            while !waiter.isWaiting { await Task.yield() }
            // Resumed but not yet running: its cancellation reaches the loop when the next wait has begun.
            waiter.resume(.success(1))
            first.cancel()
            await #expect(throws: StreamError.timedOut) {
                try await waiter.wait(on: loop, deadline: .now + .milliseconds(20))
            }
            let value = try await first.value
            #expect(value == 1)
        }
    }
}
