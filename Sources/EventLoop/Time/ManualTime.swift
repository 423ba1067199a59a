import Synchronization

/// A clock that stands still until a test moves it.
public final class ManualTime: TimeSource {
    private struct State {
        var now: Timestamp
        var nextKey: UInt64 = 0
        var sleepers: [UInt64: Sleeper] = [:]
        /// Sleeps that were cancelled, perhaps before they began.
        var cancelled: Set<UInt64> = []
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []

        mutating func takeWatchers() -> [CheckedContinuation<Void, Never>] {
            let count = sleepers.count
            let ready = watchers.filter { $0.count <= count }
            watchers.removeAll { $0.count <= count }
            return ready.map(\.continuation)
        }
    }

    private struct Sleeper {
        let time: Timestamp
        let continuation: CheckedContinuation<Bool, Never>
    }

    private let state: Mutex<State>

    /// A clock that shows the time.
    public init(_ now: Timestamp = Timestamp(seconds: 1_767_225_600)) {
        state = Mutex(State(now: now))
    }

    /// What the clock shows.
    public func now() -> Timestamp { state.withLock { $0.now } }

    /// Suspends until a test has moved the clock far enough.
    public func sleep(until time: Timestamp) async throws {
        let key = state.withLock { state in
            state.nextKey += 1
            return state.nextKey
        }
        let isFinished = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                lieDown(Sleeper(time: time, continuation: continuation), key: key)
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                state.cancelled.insert(key)
                return state.sleepers.removeValue(forKey: key)
            }
            sleeper?.continuation.resume(returning: false)
        }
        state.withLock { _ = $0.cancelled.remove(key) }
        guard isFinished else { throw CancellationError() }
    }

    private func lieDown(_ sleeper: Sleeper, key: UInt64) {
        var immediately: Bool?
        let watchers = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            if sleeper.time <= state.now {
                immediately = true
            } else if state.cancelled.contains(key) {
                immediately = false
            } else {
                state.sleepers[key] = sleeper
            }
            return state.takeWatchers()
        }
        if let immediately { sleeper.continuation.resume(returning: immediately) }
        for watcher in watchers { watcher.resume() }
    }

    /// Moves the clock and wakes everybody whose time has come, earliest first.
    public func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now = state.now + duration
            let due = state.sleepers.filter { $0.value.time <= state.now }
            for key in due.keys { state.sleepers[key] = nil }
            return due.values.sorted { $0.time < $1.time }
        }
        for sleeper in due { sleeper.continuation.resume(returning: true) }
    }

    /// How many tasks sleep on this clock.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// Returns when at least so many tasks sleep: what a test awaits before it advances the clock.
    public func waitForSleepers(_ count: Int = 1) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isEnough = state.withLock { state in
                if state.sleepers.count >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isEnough { continuation.resume() }
        }
    }
}
