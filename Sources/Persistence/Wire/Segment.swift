import EventLoop

/// Statements under way up to one Sync, and the task that waits for them. Belongs to one connection's loop.
final class Segment {
    /// What a statement of the segment is.
    enum Step {
        /// Prepares a statement; the result is of no interest, a failure is noted at the statement.
        case prepare(PreparedStatement)
        /// Runs a statement; `prepared` is nil where preparing is switched off.
        case execute(StaticString, prepared: PreparedStatement?)
        /// A statement whose result nobody reads: entering the scope, BEGIN.
        case prelude(StaticString, prepared: PreparedStatement?)
    }

    let steps: [Step]
    var reader: SegmentReader
    private(set) var results: [ResultBox] = []
    private(set) var error: DatabaseError?
    private(set) var isFinished = false
    /// Why the statement is being cancelled, if it is.
    var cancellation: DatabaseError.Code?
    let submitted: MonotonicTime
    /// Whether an explicit transaction surrounds it.
    let isInTransaction: Bool
    /// When the segment is cancelled or, after that, given up.
    var deadline: MonotonicTime
    private var waiter: UnsafeContinuation<Void, Never>?

    init(
        _ steps: [Step], submitted: MonotonicTime, deadline: MonotonicTime, isInTransaction: Bool = false
    ) {
        self.steps = steps
        self.isInTransaction = isInTransaction
        self.submitted = submitted
        self.deadline = deadline
        reader = SegmentReader(statements: steps.count)
    }

    /// Keeps a statement's result.
    func keep(_ result: ResultBox, of index: Int) {
        if case .execute = steps[index] { results.append(result) }
    }

    /// Notes the first failure; later ones are its consequences.
    func fail(_ error: DatabaseError) {
        if self.error == nil { self.error = error }
    }

    /// Wakes the waiting task. Further calls do nothing.
    func finish() {
        guard !isFinished else { return }
        isFinished = true
        waiter?.resume()
        waiter = nil
    }

    /// Waits until the segment is finished. At most one task may wait.
    func wait() async {
        if isFinished { return }
        await withUnsafeContinuation { waiter = $0 }
    }
}
