import CSystem

extension EventLoop {
    /// Calls the body once on this loop after the time has passed (to the millisecond, never early). On the loop's
    /// thread only.
    @discardableResult
    public func schedule(after delay: Duration, _ body: @escaping () -> Void) -> LoopTimer {
        schedule(at: MonotonicTime.now + delay, body)
    }

    /// Calls the body once on this loop at the given time. On the loop's thread only.
    @discardableResult
    public func schedule(at deadline: MonotonicTime, _ body: @escaping () -> Void) -> LoopTimer {
        precondition(isCurrent, "timers are made on their loop's thread")
        let timer = LoopTimer(deadline: deadline, sequence: timers.takeSequence(), loop: self, body: body)
        timers.insert(timer)
        return timer
    }

    /// Suspends the task for the time; from each thread.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    public func sleep(for duration: Duration) async throws(CancellationError) {
        let sleeper = Sleeper(loop: self)
        let deadline = MonotonicTime.now + duration
        let finished = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                onLoop { sleeper.begin(until: deadline, continuation) }
            }
        } onCancel: {
            execute { sleeper.cancel() }
        }
        guard finished else { throw CancellationError() }
    }

    /// At once when already on the loop's thread, else soon.
    private func onLoop(_ body: @escaping @Sendable () -> Void) {
        if isCurrent { body() } else { execute(body) }
    }
}

/// One sleeping task. States: new → sleeping → done, new → cancelled → done.
private final class Sleeper: @unchecked Sendable {
    // Unchecked: each method runs on the loop's thread.
    private unowned let loop: EventLoop
    private var timer: LoopTimer?
    private var continuation: UnsafeContinuation<Bool, Never>?
    private var isCancelled = false

    init(loop: EventLoop) { self.loop = loop }

    func begin(until deadline: MonotonicTime, _ continuation: UnsafeContinuation<Bool, Never>) {
        if isCancelled {
            continuation.resume(returning: false)
            return
        }
        self.continuation = continuation
        timer = loop.schedule(at: deadline) { [self] in finish(true) }
    }

    func cancel() {
        isCancelled = true
        finish(false)
    }

    private func finish(_ completed: Bool) {
        timer?.cancel()
        timer = nil
        guard let continuation else { return }
        self.continuation = nil
        continuation.resume(returning: completed)
    }
}
