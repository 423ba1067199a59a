import CPostgres
import EventLoop

/// One connection to the server, in libpq's pipeline mode, driven by one loop's readiness events.
///
/// Confined to its loop: every method must be called on it. Segments are sent as they are submitted and end in the same order;
/// several may be under way.
final class PostgresConnection {
    /// What the connection may still be used for.
    ///
    ///     open --cancelled statement, stale plan, breach of order--> retiring   (ends what is under way, takes nothing new)
    ///     open, retiring --lost, close--> closed
    enum State { case open, retiring, closed }

    /// Who reads the results just now.
    enum Mode { case pipeline, copy }

    let loop: EventLoop
    let openedAt: MonotonicTime
    /// Drawn once, so that connections opened together do not age together.
    let lifetimeFactor = Double.random(in: 0.9...1.1)
    let configuration: DatabaseConfiguration
    private(set) var state = State.open
    /// Called once, when the connection is closed for whatever reason.
    var onClose: (() -> Void)?
    /// For the pool: how many callers use the connection, and whether more may join.
    var users = 0
    var isShared = false
    /// When the server began with the oldest segment under way.
    private(set) var oldestStarted = MonotonicTime.now

    var mode = Mode.pipeline
    var copyWaiter: UnsafeContinuation<Void, Never>?
    var copyTimeout: Duration = .zero
    let pointer: OpaquePointer
    private let canceller: Canceller
    private let watch: SocketWatch
    private let notices: NoticeReceiver
    private var segments: [Segment] = []
    private var statements: StatementCache
    private var parameters = ParameterBuffer()
    private var pointers: [UnsafePointer<CChar>?] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []
    private var deadlineTimer: LoopTimer?
    private var armedDeadline = MonotonicTime.distantFuture

    /// Takes over an established connection; `ConnectionAttempt` makes one.
    init?(_ pointer: OpaquePointer, watch: SocketWatch, configuration: DatabaseConfiguration, loop: EventLoop) {
        guard PQsetnonblocking(pointer, 1) == 0, PQenterPipelineMode(pointer) == 1,
            let canceller = Canceller(pointer)
        else { return nil }
        self.pointer = pointer
        self.canceller = canceller
        self.watch = watch
        self.configuration = configuration
        self.loop = loop
        openedAt = .now
        statements = StatementCache(capacity: configuration.preparedStatementLimit)
        notices = NoticeReceiver(configuration.onNotice)
        notices.attach(to: pointer)
        watch.handler = { [weak self] in self?.pump() }
    }

    deinit {
        guard state != .closed else { return }
        // Dropped with its pool, perhaps elsewhere: the loop's own structures are out of reach, the socket's end removes it there.
        if loop.isCurrent { close() } else { PQfinish(pointer) }
    }

    /// Whether a new caller may be given the connection: open, nothing under way, no transaction.
    var isIdle: Bool {
        state == .open && mode == .pipeline && segments.isEmpty && PQtransactionStatus(pointer) == PQTRANS_IDLE
    }

    /// Sends statements with one Sync behind them and waits for their end.
    ///
    /// - Parameters:
    ///   - prelude: Statements that go first and whose results nobody wants.
    ///   - queries: The statements whose results are returned.
    ///   - inTransaction: Whether an explicit transaction surrounds this; then preparing is part of it.
    ///   - timeout: How long all of it may take.
    ///   - isCancellable: Whether cancelling the task cancels the statements.
    /// - Returns: One result for each of `queries`.
    func perform(
        prelude: [Query], _ queries: [Query], inTransaction: Bool, timeout: Duration, isCancellable: Bool = true
    ) async throws(DatabaseError) -> [ResultBox] {
        let segment = try submit(prelude, queries, inTransaction: inTransaction, timeout: timeout)
        if isCancellable {
            let target = Confined((self, segment))
            let loop = loop
            await withTaskCancellationHandler {
                await segment.wait()
            } onCancel: {
                loop.execute { target.value.0.cancel(target.value.1, .cancelled) }
            }
        } else {
            await segment.wait()
        }
        if let error = segment.error { throw error }
        return segment.results
    }

    /// Gives up the connection. What is under way fails with `.unavailable`; the server rolls it back unless it had committed.
    func close() { close(DatabaseError(.unavailable, context: "connection closed")) }

    /// Ends what is under way and takes nothing new.
    func retire() {
        if state == .open { state = .retiring }
    }

    // MARK: Sending

    private func submit(
        _ prelude: [Query], _ queries: [Query], inTransaction: Bool, timeout: Duration
    ) throws(DatabaseError) -> Segment {
        assert(loop.isCurrent, "a connection belongs to its loop")
        guard state == .open || (state == .retiring && inTransaction), mode == .pipeline else {
            throw DatabaseError(.unavailable, context: "connection closed")
        }
        let now = MonotonicTime.now
        let deadline = now + timeout
        var steps: [Segment.Step] = []
        steps.reserveCapacity(prelude.count + queries.count)
        for query in prelude { steps.append(.prelude(query.sql, prepared: nil)) }
        for query in queries { steps.append(.execute(query.sql, prepared: nil)) }
        if configuration.preparesStatements {
            try prepare(prelude, queries, &steps, inTransaction: inTransaction, deadline: deadline)
        }
        let segment = Segment(steps, submitted: now, deadline: deadline, isInTransaction: inTransaction)
        var next = 0
        for step in steps {
            switch step {
            case .prepare(let statement): try send(prepare: statement)
            case .prelude(_, let statement), .execute(_, let statement):
                try send(next < prelude.count ? prelude[next] : queries[next - prelude.count], statement)
                next += 1
            }
        }
        try enqueue(segment)
        return segment
    }

    /// Replaces the steps' statements by prepared ones.
    ///
    /// Outside an explicit transaction each new statement is prepared by a segment of its own (in the scope, whose role may see
    /// what others may not), so that a failure of this segment cannot undo what a later segment, already sent, relies on.
    private func prepare(
        _ prelude: [Query], _ queries: [Query], _ steps: inout [Segment.Step], inTransaction: Bool,
        deadline: MonotonicTime
    ) throws(DatabaseError) {
        var inline: [Segment.Step] = []
        var entry: [Segment.Step] = []
        for index in steps.indices {
            let query = index < prelude.count ? prelude[index] : queries[index - prelude.count]
            let statement: PreparedStatement
            switch statements.lookUp(query) {
            case .prepared(let found): statement = found
            case .missing(let new, let evicted):
                statement = new
                if let evicted { try deallocate(evicted, deadline: deadline) }
                if inTransaction {
                    inline.append(.prepare(new))
                } else {
                    for (position, step) in entry.enumerated() {
                        if case .prelude(_, let prepared) = step { try send(prelude[position], prepared) }
                    }
                    try send(prepare: new)
                    try enqueue(Segment(entry + [.prepare(new)], submitted: .now, deadline: deadline))
                }
            }
            if index < prelude.count {
                steps[index] = .prelude(query.sql, prepared: statement)
                entry.append(steps[index])
            } else {
                steps[index] = .execute(query.sql, prepared: statement)
            }
        }
        // Prepared right before its first use: a transaction's prelude must come first.
        if !inline.isEmpty { steps = Self.interleave(steps, inline) }
    }

    private static func interleave(_ steps: [Segment.Step], _ prepares: [Segment.Step]) -> [Segment.Step] {
        var result: [Segment.Step] = []
        var rest = prepares[...]
        for step in steps {
            if case .prepare(let next)? = rest.first, step.prepared === next { result.append(rest.removeFirst()) }
            result.append(step)
        }
        return result
    }

    private func deallocate(_ statement: PreparedStatement, deadline: MonotonicTime) throws(DatabaseError) {
        let name = String(decoding: statement.name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard PQsendQueryParams(pointer, "DEALLOCATE \(name)", 0, nil, nil, nil, nil, 1) == 1 else { throw lost() }
        try enqueue(Segment([.prelude("DEALLOCATE", prepared: nil)], submitted: .now, deadline: deadline))
    }

    private func send(prepare statement: PreparedStatement) throws(DatabaseError) {
        let sent = statement.name.withUnsafeBufferPointer { name in
            statement.sql.withUTF8Buffer { sql in
                sql.withMemoryRebound(to: CChar.self) { sql in
                    PQsendPrepare(
                        pointer, name.baseAddress, sql.baseAddress, Int32(statement.types.count), statement.types)
                }
            }
        }
        guard sent == 1 else { throw lost() }
    }

    private func send(_ query: Query, _ statement: PreparedStatement?) throws(DatabaseError) {
        parameters.reset()
        for parameter in query.parameters { parameters.append(parameter) }
        pointers.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        formats.removeAll(keepingCapacity: true)
        let sent = parameters.bytes.withUnsafeBytes { bytes -> Int32 in
            for field in parameters.fields {
                let start = bytes.baseAddress?.advanced(by: field.start).assumingMemoryBound(to: CChar.self)
                pointers.append(field.isNull ? nil : start)
                lengths.append(Int32(field.length))
                formats.append(field.isBinary ? 1 : 0)
            }
            let count = Int32(pointers.count)
            guard let statement else {
                let types = query.parameters.map(\.type.rawValue)
                return query.sql.withUTF8Buffer { sql in
                    sql.withMemoryRebound(to: CChar.self) { sql in
                        PQsendQueryParams(pointer, sql.baseAddress, count, types, pointers, lengths, formats, 1)
                    }
                }
            }
            return statement.name.withUnsafeBufferPointer { name in
                PQsendQueryPrepared(pointer, name.baseAddress, count, pointers, lengths, formats, 1)
            }
        }
        guard sent == 1 else { throw lost() }
    }

    private func enqueue(_ segment: Segment) throws(DatabaseError) {
        guard PQpipelineSync(pointer) == 1 else { throw lost() }
        if segments.isEmpty { oldestStarted = segment.submitted }
        segments.append(segment)
        armDeadline(segment.deadline)
        flush()
    }

    /// Sends what libpq has buffered; when the socket is full, the rest goes out when it can be written or read
    /// (the server may be waiting for us to read).
    func flush() {
        guard state != .closed else { return }
        switch PQflush(pointer) {
        case 0: watch.wantsWrite = false
        case 1: watch.wantsWrite = true
        default: _ = lost()
        }
    }

    /// Whether everything is sent.
    var isFlushed: Bool { !watch.wantsWrite }

    // MARK: Receiving

    /// Takes in what has arrived. Called whenever the socket is readable, or writable while something waits to be sent.
    private func pump() {
        assert(loop.isCurrent, "a connection belongs to its loop")
        guard state != .closed else { return }
        let isAlive = PQconsumeInput(pointer) == 1
        if isAlive { flush() }
        switch mode {
        case .copy: resumeCopy()
        case .pipeline: receive()
        }
        if !isAlive { _ = lost() }
    }

    private func receive() {
        while state != .closed, let segment = segments.first, PQisBusy(pointer) == 0 {
            let result = PQgetResult(pointer)
            let box = result.map(ResultBox.init)
            switch segment.reader.receive(Self.event(box)) {
            case .keep(let index):
                guard let box else { continue }
                if !segment.isInTransaction, box.opensTransaction {
                    // Segments behind this one would run inside it.
                    close(DatabaseError(.misuse, context: "BEGIN outside Database.transaction"))
                    return
                }
                segment.keep(box, of: index)
            case .fail(let index):
                if let box { fail(box, segment, segment.steps[index]) }
            case .skip(let index): skip(segment.steps[index])
            case .failCommit:
                if let box { segment.fail(DatabaseError(result: box.pointer, context: "COMMIT")) }
            case .proceed: break
            case .finish: finish(segment)
            case .breach:
                if let box, PQresultStatus(box.pointer) == PGRES_FATAL_ERROR {
                    segment.fail(DatabaseError(result: box.pointer, context: nil))
                }
                close(DatabaseError(.unavailable, context: "answers out of order"))
            }
        }
        // Also lets libpq read what the server says unasked, such as a farewell.
        while state != .closed, segments.isEmpty, let notification = PQnotifies(pointer) { PQfreemem(notification) }
    }

    private static func event(_ box: ResultBox?) -> SegmentReader.Event {
        guard let box else { return .end }
        switch PQresultStatus(box.pointer) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return .result
        case PGRES_FATAL_ERROR: return .failure
        case PGRES_PIPELINE_ABORTED: return .aborted
        case PGRES_PIPELINE_SYNC: return .sync
        default: return .other
        }
    }

    private func fail(_ box: ResultBox, _ segment: Segment, _ step: Segment.Step) {
        var error = DatabaseError(result: box.pointer, context: step.sql.text)
        switch step {
        case .prepare(let statement):
            statement.failure = error
            statements.remove(statement)
        case .prelude(_, let statement), .execute(_, let statement):
            // Not prepared: its own failure says more. Prepared and gone, or with a stale row type: start afresh.
            if error.sqlState == "26000", let failure = statement?.failure { error = failure }
            if error.sqlState == "26000" || error.sqlState == "0A000" { retire() }
        }
        if error.sqlState == "57014", let cancellation = segment.cancellation { error.code = cancellation }
        segment.fail(error)
    }

    private func skip(_ step: Segment.Step) {
        if case .prepare(let statement) = step { statements.remove(statement) }
    }

    private func finish(_ segment: Segment) {
        segments.removeFirst()
        oldestStarted = .now
        segment.finish()
        if let next = segments.first, next.cancellation != nil { canceller.cancel() }
    }

    // MARK: Giving up

    /// Cancels a segment on the server. The connection takes nothing new afterwards, since the cancel request may arrive late.
    private func cancel(_ segment: Segment, _ reason: DatabaseError.Code) {
        guard state != .closed, !segment.isFinished, segment.cancellation == nil else { return }
        segment.cancellation = reason
        retire()
        segment.deadline = .now + configuration.cancelGrace
        if segments.first === segment {
            canceller.cancel()
            armDeadline(segment.deadline)
        }
    }

    /// One timer serves all segments: it is set for the earliest deadline it was told of and, when it goes off, for the oldest
    /// segment's.
    private func armDeadline(_ deadline: MonotonicTime) {
        if deadlineTimer != nil {
            guard deadline < armedDeadline else { return }
            deadlineTimer?.cancel()
        }
        armedDeadline = deadline
        deadlineTimer = loop.schedule(at: deadline) { [weak self] in self?.deadlinePassed() }
    }

    private func deadlinePassed() {
        deadlineTimer = nil
        guard state != .closed, let segment = segments.first else { return }
        guard segment.deadline <= .now else { return armDeadline(segment.deadline) }
        if let reason = segment.cancellation {
            // It did not give in.
            close(DatabaseError(reason, context: "cancelled statement did not end"))
        } else {
            cancel(segment, .timedOut)
        }
    }

    /// The connection is gone; everything under way ends with the returned error.
    @discardableResult
    func lost() -> DatabaseError {
        let error = DatabaseError(.unavailable, context: "connection lost")
        close(error)
        return error
    }

    private func close(_ error: DatabaseError) {
        guard state != .closed else { return }
        state = .closed
        deadlineTimer?.cancel()
        deadlineTimer = nil
        watch.close()
        PQfinish(pointer)
        for segment in segments {
            segment.fail(error)
            segment.finish()
        }
        segments.removeAll()
        resumeCopy()
        onClose?()
        onClose = nil
    }

    private func resumeCopy() {
        copyWaiter?.resume()
        copyWaiter = nil
    }
}

extension Segment.Step {
    /// The statement's text.
    var sql: StaticString {
        switch self {
        case .prepare(let statement): statement.sql
        case .prelude(let sql, _), .execute(let sql, _): sql
        }
    }

    /// The prepared statement it needs, if any.
    var prepared: PreparedStatement? {
        switch self {
        case .prepare(let statement): statement
        case .prelude(_, let statement), .execute(_, let statement): statement
        }
    }
}
