import EventLoop
import FoundationEssentials
import JSON

/// How long a run puts up with failures that pass: a pure value that travels in the arguments of the run's job.
///
///     going ── failure ──▶ waiting ── tried again ──▶ going
///                             └── no progress for two hours, or faults of ours one after the other ──▶ given up
///
/// Progress starts it anew, so that a run of hours survives any number of short failures. Waits stay short: a cause that is
/// gone must not leave the run waiting for minutes.
struct ImportPatience: Equatable {
    enum Decision: Equatable {
        case again(after: Duration)
        case giveUp
    }

    /// Without progress for so long, the run fails; its next slot tries again.
    static let limit = Duration.seconds(2 * 3600)
    /// No wait of ours is longer; one that Emarsys asks for may be.
    static let longestWait = Duration.seconds(30)
    /// Faults that are neither Emarsys' nor the network's do not pass by waiting.
    static let mostFaults = 5

    private(set) var failures = 0
    private(set) var since: Timestamp?

    init() {}

    init(args: JSON) {
        failures = args["failures"]?.int ?? 0
        since = args["failing_since"]?.string.flatMap { Timestamp(rfc3339: $0) }
    }

    /// Records a failure.
    ///
    /// - Parameters:
    ///   - hasProgressed: whether the run came further since the last failure
    ///   - asked: seconds that Emarsys asked to wait
    ///   - isOurs: whether it is a fault that waiting does not mend
    mutating func failed(at now: Timestamp, hasProgressed: Bool, asked: Int? = nil, isOurs: Bool = false) -> Decision {
        if hasProgressed {
            failures = 0
            since = nil
        }
        failures += 1
        let begin = since ?? now
        since = begin
        if isOurs, failures >= Self.mostFaults { return .giveUp }
        if now - begin > Self.limit { return .giveUp }
        let own = min(Duration.seconds(1 << min(failures, 5)), Self.longestWait)
        return .again(after: max(own, .seconds(min(max(asked ?? 0, 0), 300))))
    }

    /// The arguments of the run's job with this in them.
    func args(import id: UUID) -> [UInt8] {
        let args: JSON = [
            "import_id": .string(id.uuidString.lowercased()), "failures": .int(failures),
            "failing_since": .optional(since?.rfc3339),
        ]
        return args.encoded()
    }
}
