import EventLoop
import Synchronization

/// What all calls of a process over the same connection share: token, rate budget, and whose turn it is to have a
/// segment evaluated. One instance per process; entries come into being on use and go with ``forget(_:)``.
public final class EmarsysSharedState: Sendable {
    struct Entry {
        var budget: RateBudget
        var token = TokenPlan()
        var tokenWaiters: [CheckedContinuation<Void, Never>] = []
        var segmentTurn: (segment: Int64, until: Timestamp)?
    }

    private let entries = Mutex<[String: Entry]>([:])
    private let callsPerMinute: Int

    /// - Parameter callsPerMinute: this process' share of each API user's budget
    public init(callsPerMinute: Int = 1000) {
        self.callsPerMinute = callsPerMinute
    }

    /// Runs `body` on the connection's entry under the lock; `body` must neither block nor call out.
    func with<T: Sendable>(_ key: String, _ body: (inout sending Entry) -> sending T) -> T {
        entries.withLock { body(&$0[key, default: Entry(budget: RateBudget(limit: callsPerMinute))]) }
    }

    /// The budget of a connection, for reports.
    public func budget(of key: String) -> RateBudget {
        with(key) { $0.budget }
    }

    /// The budgets of all connections, for metrics.
    public var budgets: [RateBudget] { entries.withLock { $0.values.map(\.budget) } }

    /// Drops everything known about a connection: it was removed or has a new credential.
    public func forget(_ key: String) {
        let waiters = entries.withLock { $0.removeValue(forKey: key)?.tokenWaiters ?? [] }
        for waiter in waiters { waiter.resume() }
    }

    /// Like `with`, but leaves a forgotten connection forgotten.
    func withExisting<T: Sendable>(_ key: String, _ body: (inout sending Entry) -> sending T) -> T? {
        entries.withLock { entries in
            guard var entry = entries.removeValue(forKey: key) else { return nil }
            let result = body(&entry)
            entries[key] = entry
            return result
        }
    }

    /// Claims or prolongs the connection's turn to have a segment evaluated; false while another segment has it.
    ///
    /// Emarsys evaluates one segment at a time for an API user. The claim lapses at `until`, so that a caller that
    /// polls from a job queue, or dies, does not hold it for ever.
    func claimSegment(_ segment: Int64, key: String, now: Timestamp, until: Timestamp) -> Bool {
        with(key) {
            if let turn = $0.segmentTurn, turn.segment != segment, now < turn.until { return false }
            $0.segmentTurn = (segment, until)
            return true
        }
    }

    /// Gives the turn back.
    func releaseSegment(_ segment: Int64, key: String) {
        withExisting(key) { if $0.segmentTurn?.segment == segment { $0.segmentTurn = nil } }
    }
}
