import EventLoop
import FoundationEssentials
import JSON
import Persistence
import Tenancy

/// Stands around every handler of jobs: the job's trace is the current one while it runs, and how it ended is counted; what
/// failed stands in the log.
struct JobWatch: Sendable {
    let metrics: ServiceMetrics
    let database: Database
    let log: Log

    func around(_ queue: String, _ kind: String, _ handler: @escaping LaneWorker.Handler) -> LaneWorker.Handler {
        { job in
            let trace = job.trace?.child() ?? .make()
            let begin = MonotonicTime.now
            do {
                let outcome = try await TraceContext.$current.withValue(trace) { try await handler(job) }
                await ended(job, outcome, trace, MonotonicTime.now - begin)
                return outcome
            } catch {
                failed(job, error, trace, MonotonicTime.now - begin)
                throw error
            }
        }
    }

    private func ended(_ job: Job, _ outcome: JobOutcome, _ trace: TraceContext, _ duration: Duration) async {
        switch outcome {
        case .finished, .settled:
            metrics.worked(job.queue, job.kind, "finished", duration)
            write(.debug, "job_finished", job, trace, duration)
            if job.kind == "import_run" { await countImport(job) }
        case .again(_, let reason, let countsAttempt, _):
            metrics.worked(job.queue, job.kind, countsAttempt ? "retried" : "again", duration)
            write(countsAttempt ? .warning : .debug, "job_again", job, trace, duration, reason)
        case .dead(let reason):
            metrics.worked(job.queue, job.kind, "dead", duration)
            write(.error, "job_dead", job, trace, duration, reason)
        }
    }

    private func failed(_ job: Job, _ error: any Error, _ trace: TraceContext, _ duration: Duration) {
        if error is CancellationError {
            metrics.worked(job.queue, job.kind, "cancelled", duration)
            return write(.debug, "job_cancelled", job, trace, duration)
        }
        metrics.worked(job.queue, job.kind, "failed", duration)
        // Types and codes only: an error's text may hold what somebody sent.
        let reason =
            (error as? any JobFailure)?.reason ?? (error as? DatabaseError)?.description ?? "\(type(of: error))"
        write(.warning, "job_failed", job, trace, duration, reason)
    }

    private func write(
        _ level: Log.Level, _ event: String, _ job: Job, _ trace: TraceContext, _ duration: Duration,
        _ reason: String? = nil
    ) {
        var fields: JSONObject = [
            "queue": .string(job.queue), "kind": .string(job.kind), "attempt": .int(job.attempt),
            "duration_ms": .int(duration.nanoseconds / 1_000_000),
            "tenant_id": .string(job.tenantID.uuidString.lowercased()), "trace_id": .string(trace.traceID),
        ]
        if let reason { fields["reason"] = .string(reason) }
        log(level, event, fields)
    }

    /// How the run of an import ended is in its row.
    private func countImport(_ job: Job) async {
        guard let id = (try? JSON.parse(job.args))?["import_id"]?.string.flatMap({ UUID(uuidString: $0) }),
            let run = try? await ImportService(database: database, time: SystemTime()).find(job.tenantID, id)
        else { return }
        metrics.imported(run.state.rawValue)
    }
}
