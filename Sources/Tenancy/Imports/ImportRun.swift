public import EventLoop
public import FoundationEssentials
public import JSON

/// A run that brings the contacts of one or several segments.
///
///     queued ─▶ running ⇄ waiting (Emarsys evaluates a segment, or a passing failure)
///        │         ├─▶ succeeded │ succeeded_with_rejections
///        └─────────┴─▶ failed │ cancelled
public struct ImportRun: Sendable {
    /// Where the run stands.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// Not begun.
        case queued
        /// At work.
        case running
        /// Emarsys is not ready, or did not answer; it is tried again by itself.
        case waiting
        /// Everything came in.
        case succeeded
        /// Everything that could came in; some rows or values did not: `rejected` or `rejected_values` counts them.
        case succeededWithRejections = "succeeded_with_rejections"
        /// It ended before everything was in.
        case failed
        /// A person ended it.
        case cancelled

        /// Whether the run has ended.
        public var isFinal: Bool {
            switch self {
            case .queued, .running, .waiting: false
            case .succeeded, .succeededWithRejections, .failed, .cancelled: true
            }
        }
    }

    /// Why it was started.
    public enum Trigger: String, Sendable, Hashable {
        /// The segment was selected.
        case initial
        /// Its interval was over.
        case schedule
        /// Somebody asked for it.
        case manual
    }

    /// How much is looked at.
    public enum Mode: String, Sendable, Hashable {
        /// Rows whose values are those of the last import are passed over.
        case incremental
        /// Every row is compared with its contact.
        case full
    }

    /// Rows by what became of them.
    public struct Counts: Sendable, Hashable {
        /// Rows that Emarsys sent.
        public var read = 0
        /// New contacts.
        public var created = 0
        /// Contacts whose mapped fields changed.
        public var updated = 0
        /// Rows without a change.
        public var unchanged = 0
        /// Rows that made two contacts one.
        public var merged = 0
        /// Conflicts that were parked.
        public var conflicts = 0
        /// Rows that could not become a contact.
        public var rejected = 0
        /// Rows that were left out: gone from Emarsys, erased, without a valid phone where that is asked for.
        public var skipped = 0
        /// Values left out of rows that came in: an unusable phone, a word in a number.
        public var rejectedValues = 0
        /// Rows with a phone that is none.
        public var invalidPhones = 0

        /// None.
        public init() {}
    }

    /// Why a run failed.
    public struct Failure: Sendable, Hashable {
        /// Stable.
        public var code: String
        /// What happened.
        public var detail: String
        /// What to do about it.
        public var advice: String

        /// A failure.
        public init(code: String, detail: String, advice: String) {
            self.code = code
            self.detail = detail
            self.advice = advice
        }
    }

    /// The id.
    public let id: UUID
    /// Why it was started.
    public let trigger: Trigger
    /// How much is looked at.
    public let mode: Mode
    /// Whether nothing is written.
    public let isDryRun: Bool
    /// The segments.
    public let segmentIDs: [String]
    /// Where it stands.
    public let state: State
    /// Whether a person wants it to end.
    public let isCancelRequested: Bool
    /// Distinct people; nil before Emarsys has named them.
    public let total: Int?
    /// People worked off.
    public let done: Int
    /// Rows by what became of them.
    public let counts: Counts
    /// Calls to Emarsys.
    public let apiCalls: Int
    /// Of a dry run: what would become of up to twenty rows.
    public let sample: JSON?
    /// Why it failed.
    public let failure: Failure?
    /// When it was asked for.
    public let queuedAt: Timestamp
    /// When it began.
    public let startedAt: Timestamp?
    /// When it ended.
    public let finishedAt: Timestamp?
    /// When the ids were known: the work on rows began.
    public let fetchedAt: Timestamp?

    /// The part that is done, 0 to 1.
    public var progress: Double {
        if state == .succeeded || state == .succeededWithRejections { return 1 }
        guard let total else { return 0 }
        return total == 0 ? 1 : min(1, Double(done) / Double(total))
    }

    /// Seconds until it ends at its pace so far; nil where nothing can be said.
    public func etaSeconds(now: Timestamp) -> Int? {
        if state.isFinal { return 0 }
        guard let total, let fetchedAt, done > 0, total > done else { return nil }
        let elapsed = Double((now - fetchedAt).components.seconds)
        return Int((max(elapsed, 1) / Double(done) * Double(total - done)).rounded(.up))
    }

    /// The import as clients see it.
    public func json(now: Timestamp) -> JSON {
        [
            "id": .string(id.uuidString.lowercased()), "state": .string(state.rawValue),
            "trigger": .string(trigger.rawValue),
            "mode": .string(mode.rawValue), "dry_run": .bool(isDryRun),
            "segment_ids": .array(segmentIDs.map { .string($0) }),
            "total": total.map { .int($0) } ?? .null,
            "progress": JSONNumber(decimal: decimal(progress)).map { .number($0) } ?? .null,
            "eta_seconds": etaSeconds(now: now).map { .int($0) } ?? .null,
            "counts": [
                "read": .int(counts.read), "created": .int(counts.created), "updated": .int(counts.updated),
                "unchanged": .int(counts.unchanged), "merged": .int(counts.merged), "conflicts": .int(counts.conflicts),
                "rejected": .int(counts.rejected), "skipped": .int(counts.skipped),
                "rejected_values": .int(counts.rejectedValues), "invalid_phones": .int(counts.invalidPhones),
            ],
            "api_calls": .int(apiCalls), "sample": sample ?? .null,
            "error": failure.map {
                ["code": .string($0.code), "detail": .string($0.detail), "advice": .string($0.advice)]
            } ?? .null,
            "cancel_requested": .bool(isCancelRequested), "queued_at": .string(queuedAt.rfc3339),
            "started_at": startedAt.map { .string($0.rfc3339) } ?? .null,
            "finished_at": finishedAt.map { .string($0.rfc3339) } ?? .null,
        ]
    }

    private func decimal(_ value: Double) -> String {
        let thousandths = Int((value * 1000).rounded(.down))
        if thousandths >= 1000 { return "1" }
        let digits = String(thousandths)
        return "0." + String(repeating: "0", count: 3 - digits.count) + digits
    }
}
