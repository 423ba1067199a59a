/// The place where one task at a time waits for the loop to tell it something. Loop-confined.
///
/// States: idle → waiting (``wait(on:deadline:)``) → idle (``resume(_:)``, the deadline, or cancellation).
final class Waiter<Value: Sendable> {
    private var continuation: UnsafeContinuation<Result<Value, StreamError>, Never>?
    private var ticket: UInt64 = 0
    private var timer: LoopTimer?

    var isWaiting: Bool { continuation != nil }

    func wait(on loop: EventLoop, deadline: MonotonicTime = .distantFuture) async throws(StreamError) -> Value {
        precondition(continuation == nil, "two tasks wait at the same place")
        ticket += 1
        let ticket = ticket
        // Unchecked: the cancellation handler only passes the waiter on to the loop's thread.
        nonisolated(unsafe) let waiter = self
        let result = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                self.continuation = continuation
                if deadline != .distantFuture {
                    timer = loop.schedule(at: deadline) { [self] in resume(.failure(.timedOut)) }
                }
            }
        } onCancel: {
            loop.execute { waiter.cancel(ticket) }
        }
        return try result.get()
    }

    /// Waits without looking at deadline and cancellation, which costs less: for waits that whoever cancels the task
    /// ends by closing what is waited for.
    func park() async throws(StreamError) -> Value {
        precondition(continuation == nil, "two tasks wait at the same place")
        ticket += 1
        let result = await withUnsafeContinuation { continuation = $0 }
        return try result.get()
    }

    /// Ends the wait; without effect when nobody waits.
    func resume(_ result: Result<Value, StreamError>) {
        guard let continuation else { return }
        self.continuation = nil
        timer?.cancel()
        timer = nil
        continuation.resume(returning: result)
    }

    /// The ticket keeps a late cancellation of one wait away from the next one, which may be another task's.
    private func cancel(_ ticket: UInt64) {
        if ticket == self.ticket { resume(.failure(.cancelled)) }
    }
}
