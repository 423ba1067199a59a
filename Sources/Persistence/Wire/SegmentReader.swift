/// The order in which libpq hands out the results of one segment of a pipeline: statements up to a Sync, which the server runs
/// as one implicit transaction unless an explicit one is open.
///
/// A pure value: it is told what `PQgetResult` returned and decides what that means. For two statements of which the first
/// fails, libpq hands out: error, end, aborted, end, sync. A sync is not followed by an end
/// (https://www.postgresql.org/docs/15/libpq-pipeline-mode.html). An error at the Sync itself, that is, in the commit
/// (deferred constraint, serialisation), comes after all statements ended well.
struct SegmentReader {
    /// What `PQgetResult` returned.
    enum Event: Equatable {
        /// A successful result with or without rows.
        case result
        /// `PGRES_FATAL_ERROR`
        case failure
        /// `PGRES_PIPELINE_ABORTED`: skipped, since an earlier statement of the segment failed.
        case aborted
        /// A null pointer.
        case end
        /// `PGRES_PIPELINE_SYNC`
        case sync
        /// Anything else, such as a COPY state: not possible here.
        case other
    }

    /// What to do about it.
    enum Decision: Equatable {
        /// Keep the result for this statement, counted from 0.
        case keep(Int)
        /// This statement failed; the rest of the segment will be skipped.
        case fail(Int)
        /// This statement was skipped.
        case skip(Int)
        /// The commit failed: no statement of the segment took effect.
        case failCommit
        /// Nothing.
        case proceed
        /// The segment is complete.
        case finish
        /// The order is broken; the connection cannot be trusted and must be closed.
        case breach
    }

    /// Where the reader stands.
    ///
    ///     awaitingResult(n) --result, failure, aborted--> awaitingEnd(n)
    ///     awaitingEnd(n)    --end--> awaitingResult(n + 1), or awaitingSync after the last statement
    ///     awaitingSync      --failure--> awaitingSync   (end is tolerated after it)
    ///     awaitingSync      --sync--> finished
    ///     any               --anything else--> broken
    enum State: Equatable {
        case awaitingResult(Int)
        case awaitingEnd(Int)
        case awaitingSync
        case finished
        case broken
    }

    private(set) var state: State
    private var hasFailed = false
    private let statements: Int

    /// - Parameter statements: How many statements were sent before the Sync.
    init(statements: Int) {
        self.statements = statements
        state = statements == 0 ? .awaitingSync : .awaitingResult(0)
    }

    /// Takes the next event.
    mutating func receive(_ event: Event) -> Decision {
        switch (state, event) {
        case (.awaitingResult(let index), .result) where !hasFailed:
            state = .awaitingEnd(index)
            return .keep(index)
        case (.awaitingResult(let index), .failure) where !hasFailed:
            state = .awaitingEnd(index)
            hasFailed = true
            return .fail(index)
        case (.awaitingResult(let index), .aborted) where hasFailed:
            state = .awaitingEnd(index)
            return .skip(index)
        case (.awaitingEnd(let index), .end):
            state = index + 1 < statements ? .awaitingResult(index + 1) : .awaitingSync
            return .proceed
        case (.awaitingSync, .failure) where !hasFailed:
            hasFailed = true
            return .failCommit
        case (.awaitingSync, .end) where hasFailed:
            return .proceed
        case (.awaitingSync, .sync):
            state = .finished
            return .finish
        default:
            state = .broken
            return .breach
        }
    }
}
