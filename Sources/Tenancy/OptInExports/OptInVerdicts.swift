import Emarsys
import EventLoop

/// Turns Emarsys' answers into what becomes of each row. No I/O.
struct OptInVerdicts: Sendable {
    var plan: OptInRetryPlan
    var now: Timestamp
    /// 0 to 1.
    var jitter: Double

    /// Emarsys answered for the row.
    func outcome(of row: TakenOptIn, _ answer: ContactUpdateOutcome.Row, emarsysID: String) -> OptInOutcome {
        switch answer {
        case .done: return .confirmed(emarsysID: emarsysID)
        case .failed(let code, _):
            let fault = OptInFault.refused(code)
            if code == 2008 { return .notInEmarsys(fault) }
            switch EmarsysError.rowClass(code) {
            case .retryRow: return later(row, fault, retryAfter: nil)
            default: return .failed(fault)
            }
        }
    }

    /// A row that was written to several Emarsys contacts of the person: told where all of those that exist took it.
    static func together(_ outcomes: [OptInOutcome], emarsysID: String) -> OptInOutcome {
        var missing: OptInOutcome?
        var isTold = false
        var failed: OptInOutcome?
        for outcome in outcomes {
            switch outcome {
            case .again, .untouched: return outcome
            case .failed: failed = outcome
            case .notInEmarsys: missing = outcome
            case .confirmed: isTold = true
            }
        }
        if let failed { return failed }
        return isTold ? .confirmed(emarsysID: emarsysID) : missing ?? .notInEmarsys(nil)
    }

    /// The call that carried the row failed.
    func outcome(of row: TakenOptIn, _ error: EmarsysError) -> OptInOutcome {
        if error.origin == .cancelled { return .untouched }
        let fault = OptInFault(error)
        switch error.failureClass {
        case .retry, .retryRow: return later(row, fault, retryAfter: error.retryAfter)
        case .reauthenticate, .stopConnection, .stopJob, .skipRow: return .failed(fault)
        }
    }

    private func later(_ row: TakenOptIn, _ fault: OptInFault, retryAfter: Duration?) -> OptInOutcome {
        switch plan.verdict(
            attempts: row.attempts, createdAt: row.createdAt, now: now, retryAfter: retryAfter, jitter: jitter)
        {
        case .again(let at): return .again(at: at, fault)
        case .giveUp: return .failed(fault)
        }
    }
}

extension EmarsysError {
    /// The wait the answer asked for, at most an hour.
    var retryAfter: Duration? { retryAfterSeconds.map { .seconds(min(max($0, 0), 3600)) } }

    /// Whether further calls of this drain are pointless.
    var endsDrain: Bool {
        switch failureClass {
        case .skipRow, .retryRow: false
        case .retry, .reauthenticate, .stopConnection, .stopJob: true
        }
    }
}
