import EventLoop
import Glibc
import Testing

@Suite("Blocking work and signals", .serialized)
struct BlockingTests {
    @Test("blocking work runs on other threads and comes back to the loop")
    func blockingWork() async throws {
        try await onLoop { group in
            let wasOnLoop = try await BlockingExecutor.shared.run { EventLoop.current != nil }
            #expect(!wasOnLoop)
            #expect(EventLoop.current === group.loops[0])
        }
    }

    @Test("names and addresses resolve")
    func resolve() async throws {
        try await onLoop { _ in
            let blocking = BlockingExecutor.shared
            #expect(try await blocking.resolve("::1", port: 7) == [.ip(.v6(high: 0, low: 1), port: 7)])
            let addresses = try await blocking.resolve("localhost", port: 80)
            #expect(!addresses.isEmpty)
            #expect(addresses.allSatisfy { $0.isLoopback && $0.port == 80 })
            await #expect(throws: ResolutionError.self) { try await blocking.resolve("", port: 80) }
        }
    }

    @Test("a signal arrives at the task that waits for it")
    func signals() async throws {
        try await onLoop { _ in
            let source = try SignalSource([SIGUSR1, SIGUSR2])
            kill(getpid(), SIGUSR1)
            #expect(try await source.next() == SIGUSR1)
            kill(getpid(), SIGUSR2)
            #expect(try await source.next() == SIGUSR2)
        }
    }
}
