import EventLoop

/// What is to be written for a job that ended: a pure decision.
struct Settlement {
    /// The statement, or nil when nothing is to be written.
    let statement: Query?

    /// The handler's task ended with an outcome or an error.
    ///
    /// - Parameters:
    ///   - isStopping: Whether the worker was asked to stop; then a cancelled job goes back as if it had not been tried.
    init(
        _ job: Job, _ result: Result<JobOutcome, any Error>, isStopping: Bool, now: Timestamp, policy: RetryPolicy
    ) {
        guard job.lease.isHeld else {
            statement = nil
            return
        }
        switch result {
        case .success(.finished): statement = JobStore.finish(job.tenantID, job.id, job.lease.token)
        case .success(.settled): statement = nil
        case .success(.again(let time, let reason, let countsAttempt, let args)):
            let isLast = countsAttempt && job.attempt >= job.maxAttempts
            statement = JobStore.release(
                job, runAt: isLast ? nil : time, now: now, reason: reason, countsAttempt: countsAttempt, args: args)
        case .success(.dead(let reason)):
            statement = JobStore.release(job, runAt: nil, now: now, reason: reason, countsAttempt: true, args: nil)
        case .failure(is CancellationError) where isStopping:
            statement = JobStore.release(job, runAt: now, now: now, reason: nil, countsAttempt: false, args: nil)
        case .failure(let error):
            let failure = error as? any JobFailure
            let isOver = job.attempt >= job.maxAttempts || failure?.isPermanent == true
            let time = failure?.retryAt ?? now + policy.pause(afterAttempt: job.attempt)
            statement = JobStore.release(
                job, runAt: isOver ? nil : time, now: now, reason: failure?.reason ?? Self.reason(error),
                countsAttempt: true, args: nil)
        }
    }

    /// Errors may quote data, so only those known to be silent about it speak for themselves.
    private static func reason(_ error: any Error) -> String {
        (error as? DatabaseError)?.description ?? String(describing: type(of: error))
    }
}
