import EventLoop
import Synchronization
import Testing

@testable import Tenancy

@Suite("Making way for webhooks")
struct EventPaceTests {
    @Test(
        "processing takes what acknowledging leaves, a tenth at least",
        arguments: [(0.0, 1.0), (99, 1), (150, 0.925), (1000, 0.5), (1800, 0.1), (30_000, 0.1)])
    func room(arrivals: Double, share: Double) {
        #expect(abs(EventPace.share(arrivals: arrivals, lag: .zero) - share) < 0.0001)
    }

    @Test(
        "a backlog that grows old takes its time back",
        arguments: [(60, 0.1), (120, 0.1), (420, 0.5), (720, 1), (9000, 1)])
    func age(seconds: Int, share: Double) {
        #expect(abs(EventPace.share(arrivals: 30_000, lag: .seconds(seconds)) - share) < 0.0001)
    }

    @Test("no steady load below what processing can do builds up a backlog without end", arguments: [150.0, 900, 2500])
    func steady(arrivals: Double) {
        // Events a second that processing works off when nothing else is to do.
        let capacity = 3000.0
        var (backlog, lag) = (0.0, 0.0)
        var largest = 0.0
        for _ in 0..<7200 {
            backlog += arrivals
            backlog = max(0, backlog - capacity * EventPace.share(arrivals: arrivals, lag: .seconds(lag)))
            lag = backlog / arrivals
            largest = max(largest, lag)
        }
        #expect(largest < 720)
        if arrivals < 1000 { #expect(backlog == 0) }
    }

    @Test("a turn waits for its share of the time, and not at all while little arrives")
    func turns() async throws {
        let arrivals = Mutex(0.0)
        let pace = EventPace { arrivals.withLock { $0 } }
        let time = ManualTime(Timestamp(seconds: 1_000_000))
        try await pace.turn(time)
        pace.ended(after: .milliseconds(100), lag: .zero, time)
        try await pace.turn(time)

        arrivals.withLock { $0 = 30_000 }
        try await pace.turn(time)
        pace.ended(after: .milliseconds(100), lag: .zero, time)
        let isThrough = Mutex(false)
        let waiting = Task {
            try await pace.turn(time)
            isThrough.withLock { $0 = true }
        }
        for _ in 0..<100 { await Task.yield() }
        time.advance(by: .milliseconds(800))
        for _ in 0..<100 { await Task.yield() }
        #expect(!isThrough.withLock { $0 })
        time.advance(by: .milliseconds(101))
        try await waiting.value
    }

    @Test("a wait that one tenant's events had speeds up the turns of all, until it has passed")
    func sharedLag() async throws {
        let pace = EventPace { 30_000 }
        let time = ManualTime(Timestamp(seconds: 1_000_000))
        pace.ended(after: .milliseconds(100), lag: .seconds(720), time)
        pace.ended(after: .milliseconds(100), lag: .zero, time)
        // Neither turn has to wait, however many arrive.
        try await pace.turn(time)
        try await pace.turn(time)
        time.advance(by: .seconds(11))
        pace.ended(after: .milliseconds(100), lag: .zero, time)
        let waiting = Task { try await pace.turn(time) }
        for _ in 0..<100 { await Task.yield() }
        time.advance(by: .milliseconds(901))
        try await waiting.value
    }
}
