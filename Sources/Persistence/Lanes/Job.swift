public import EventLoop
public import FoundationEssentials
import Synchronization

/// A claimed job: work of one tenant that a worker holds under a lease.
public struct Job: Sendable {
    /// Whose work it is.
    public let tenantID: UUID
    /// Its number within the tenant.
    public let id: Int64
    /// The lane it came from.
    public let queue: String
    /// Which handler does it.
    public let kind: String
    /// Its arguments as JSON text.
    public let args: [UInt8]
    /// Which attempt this is, from 1.
    public let attempt: Int
    /// After how many attempts it is given up.
    public let maxAttempts: Int
    /// The trace of whoever put it into its lane.
    public internal(set) var trace: TraceContext?
    /// The hold on it.
    public let lease: JobLease

    /// The statement that removes the job, for the tenant's own transaction: then its work and its end are one commit. Such a
    /// handler returns `.settled`. It answers false when the lease was lost; then the transaction must not commit.
    public var finishStatement: Query { JobStore.finish(tenantID, id, lease.token) }
}

/// The hold on a job. Lost when it could not be renewed in time or another worker took the job; the handler's task is
/// cancelled then, and whatever it answers is discarded.
public final class JobLease: Sendable {
    /// The fencing token: nobody without it can finish, renew or release the job.
    public let token: UUID
    private let lost = Atomic<Bool>(false)

    init(token: UUID) { self.token = token }

    /// Whether the job is still ours, as far as is known.
    public var isHeld: Bool { !lost.load(ordering: .acquiring) }

    /// Throws `CancellationError` when the job is not ours any more: for handlers to ask between steps.
    public func checkHeld() throws {
        if !isHeld { throw CancellationError() }
    }

    func lose() { lost.store(true, ordering: .releasing) }
}

/// How a job ended.
public enum JobOutcome: Sendable {
    /// It is done and leaves its lane.
    case finished
    /// The handler's own transaction has removed it by `finishStatement`.
    case settled
    /// It is to run again.
    ///
    /// - `at`: when.
    /// - `reason`: what to show; no secret, no e-mail, no phone.
    /// - `countsAttempt`: false for a wait that is nobody's failure.
    /// - `args`: new arguments, e.g. a checkpoint; nil keeps the old ones.
    case again(at: Timestamp, reason: String, countsAttempt: Bool = true, args: [UInt8]? = nil)
    /// It cannot succeed; it is kept with its reason until someone re-drives it.
    case dead(reason: String)
}

/// An error that says what becomes of the job which threw it. Any other error means: again by the retry policy, dead after the last attempt,
/// with the error's type as the reason.
public protocol JobFailure: Error {
    /// What to show; no secret, no e-mail, no phone.
    var reason: String { get }
    /// Whether another attempt is pointless.
    var isPermanent: Bool { get }
    /// When to try again; nil leaves it to the retry policy.
    var retryAt: Timestamp? { get }
}

/// Pauses between attempts: attempt⁴ seconds up to a limit, plus up to a tenth, never less.
public struct RetryPolicy: Sendable {
    /// The longest pause before jitter.
    public var limit: Duration

    /// - Parameter limit: The longest pause before jitter.
    public init(limit: Duration = .seconds(6 * 3600)) { self.limit = limit }

    /// The pause after an attempt, counted from 1.
    ///
    /// - Parameter random: 0 to 1.
    public func pause(afterAttempt attempt: Int, random: Double = .random(in: 0...1)) -> Duration {
        let base = max(1, min(attempt, 1000))
        return min(.seconds(base * base * base * base), limit) * (1 + random / 10)
    }
}
