import EventLoop
import Synchronization

/// A bell: ringing it wakes the one who waits, or the next who will.
final class WakeSignal: Sendable {
    private struct State {
        var hasRung = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Wakes the waiter; without one, the next wait ends at once.
    func ring() {
        let waiter = state.withLock { state in
            let waiter = state.waiter
            state.waiter = nil
            state.hasRung = waiter == nil
            return waiter
        }
        waiter?.resume()
    }

    /// Waits for the bell, at most so long, or until the task is cancelled. One waiter at a time.
    func wait(atMost limit: Duration, _ time: any TimeSource) async {
        let timer = Task(executorPreference: EventLoop.current) { [self] in
            try? await time.sleep(for: limit)
            if !Task.isCancelled { ring() }
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDone = state.withLock { state in
                    guard !state.hasRung, !Task.isCancelled else {
                        state.hasRung = false
                        return true
                    }
                    state.waiter = continuation
                    return false
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            ring()
        }
        timer.cancel()
    }
}
