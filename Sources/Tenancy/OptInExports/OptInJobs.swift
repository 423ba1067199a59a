import Emarsys
public import EventLoop
import FoundationEssentials
import HTTP
import JSON
public import Persistence

/// The jobs of the lane `exports`.
public struct OptInJobs: Sendable {
    private let exporter: OptInExporter
    private let sweeper: OptInSweeper
    private let time: any TimeSource

    /// The jobs of an exporter and a sweeper.
    public init(exporter: OptInExporter, sweeper: OptInSweeper, time: any TimeSource) {
        self.exporter = exporter
        self.sweeper = sweeper
        self.time = time
    }

    /// A handler for each kind.
    public var handlers: [String: LaneWorker.Handler] {
        [
            "export_opt_ins": { job in
                switch try await exporter.drain(tenantID: job.tenantID, mayContinue: { job.lease.isHeld }) {
                case .done: return .finished
                case .later(let time): return .again(at: time, reason: "waits", countsAttempt: false)
                }
            },
            OptInSweep.check.rawValue: { job in try await sweep(.check, job) },
            OptInSweep.backfill.rawValue: { job in try await sweep(.backfill, job) },
            OptInSweep.reconcile.rawValue: { job in try await sweep(.reconcile, job) },
        ]
    }

    private func sweep(_ sweep: OptInSweep, _ job: Job) async throws -> JobOutcome {
        let args = try? JSON.parse(job.args)
        let after = args?["after"]?.string.flatMap { UUID(uuidString: $0) }
        do {
            try await sweeper.run(sweep, tenantID: job.tenantID, after: after)
            return .finished
        } catch let problem as Problem {
            // Not connected, paused or switched off: connecting starts it anew, the others pass.
            if problem.code == "not_connected" { return .finished }
            return .again(at: time.now() + .seconds(60), reason: problem.code, countsAttempt: false)
        } catch let error as EmarsysError {
            try await sweeper.note(error, tenantID: job.tenantID)
            // Nobody waits for a comparison: it comes again when the other side feels better.
            return .again(
                at: time.now() + (error.retryAfter ?? .seconds(3600)), reason: error.code, countsAttempt: false)
        }
    }
}
