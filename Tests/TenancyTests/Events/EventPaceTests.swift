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
        #expect(abs(EventPace.share(arrivals: arrivals, lag: .seconds(10)) - share) < 0.0001)
    }

    @Test(
        "a burst is only acknowledged until somebody has waited for ten seconds",
        arguments: [(999.0, 9, 0.5005), (1000, 9, 0), (30_000, 9, 0), (30_000, 10, 0.1)])
    func burst(arrivals: Double, seconds: Int, share: Double) {
        #expect(abs(EventPace.share(arrivals: arrivals, lag: .seconds(seconds)) - share) < 0.0001)
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
        let queue = TurnQueue(arrivals: 0)
        await queue.ask()
        queue.pace.ended(after: .milliseconds(100), lag: .seconds(10), queue.time)
        await queue.ask()
        #expect(queue.given == [1, 2])

        queue.arrivals = 30_000
        queue.pace.ended(after: .milliseconds(100), lag: .seconds(10), queue.time)
        await queue.ask()
        await queue.pass(.milliseconds(875))
        #expect(queue.given == [1, 2])
        await queue.pass(.milliseconds(25))
        #expect(queue.given == [1, 2, 3])
    }

    @Test("a burst waits for its end, or for ten seconds")
    func burstTurns() async throws {
        let queue = TurnQueue(arrivals: 5000)
        await queue.ask()
        await queue.pass(.milliseconds(9_975))
        #expect(queue.given.isEmpty)
        await queue.pass(.milliseconds(25))
        #expect(queue.given == [1])
        queue.pace.ended(after: .milliseconds(10), lag: .zero, queue.time)

        await queue.ask()
        await queue.pass(.seconds(1))
        #expect(queue.given == [1])
        queue.arrivals = 20
        await queue.pass(.milliseconds(100))
        #expect(queue.given == [1, 2])
    }

    @Test("turns are given in the order of asking, one at a time")
    func order() async throws {
        let queue = TurnQueue(arrivals: 500)
        for _ in 1...3 { await queue.ask() }
        #expect(queue.given == [1])
        await queue.pass(.milliseconds(200))
        #expect(queue.given == [1, 2])
        // Who is not the next one looks every 25 ms.
        await queue.pass(.milliseconds(225))
        #expect(queue.given == [1, 2, 3])
    }

    @Test("who gives up waiting stands in nobody's way")
    func cancelled() async throws {
        let queue = TurnQueue(arrivals: 500)
        await queue.ask()
        let second = await queue.ask()
        await queue.ask()
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        await queue.pass(.milliseconds(225))
        #expect(queue.given == [1, 3])
    }

    @Test("a wait that one tenant's events had speeds up the turns of all, until it has passed")
    func sharedLag() async throws {
        let queue = TurnQueue(arrivals: 30_000)
        queue.pace.ended(after: .milliseconds(100), lag: .seconds(720), queue.time)
        queue.pace.ended(after: .milliseconds(100), lag: .zero, queue.time)
        // Neither turn has to wait, however many arrive.
        await queue.ask()
        await queue.ask()
        #expect(queue.given == [1, 2])
        await queue.pass(.seconds(11))
        queue.pace.ended(after: .milliseconds(100), lag: .zero, queue.time)
        await queue.ask()
        await queue.pass(.milliseconds(9_975))
        #expect(queue.given == [1, 2])
        await queue.pass(.milliseconds(25))
        #expect(queue.given == [1, 2, 3])
    }
}

/// Tasks that wait for a turn, numbered from 1, while the time is moved on by hand.
private final class TurnQueue: Sendable {
    let pace: EventPace
    let time = ManualTime(Timestamp(seconds: 1_000_000))
    private let rate: Rate
    private let turns = Mutex((asked: 0, ended: 0, given: [Int]()))

    private final class Rate: Sendable {
        let value: Mutex<Double>
        init(_ value: Double) { self.value = Mutex(value) }
    }

    init(arrivals: Double) {
        let rate = Rate(arrivals)
        self.rate = rate
        pace = EventPace { rate.value.withLock { $0 } }
    }

    var arrivals: Double {
        get { rate.value.withLock { $0 } }
        set { rate.value.withLock { $0 = newValue } }
    }

    /// Who had a turn, in its order.
    var given: [Int] { turns.withLock { $0.given } }

    @discardableResult
    func ask() async -> Task<Void, any Error> {
        let number = turns.withLock { turns in
            turns.asked += 1
            return turns.asked
        }
        let task = Task {
            defer { turns.withLock { $0.ended += 1 } }
            try await pace.turn(time)
            turns.withLock { $0.given.append(number) }
        }
        await settle()
        return task
    }

    /// Moves the time on, in steps in which everybody looks again whose pause is over.
    func pass(_ duration: Duration) async {
        var rest = duration
        while rest > .zero {
            await settle()
            time.advance(by: min(rest, .milliseconds(25)))
            rest -= .milliseconds(25)
        }
        await settle()
    }

    /// Everybody sleeps or is through.
    private func settle() async {
        while turns.withLock({ $0.asked - $0.ended }) > time.sleeperCount { await Task.yield() }
    }
}
