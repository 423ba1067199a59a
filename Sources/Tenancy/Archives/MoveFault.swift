/// Why a move did not come to its end. The tenant is served where it was.
public enum MoveFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// The two databases are of different versions.
    case schema(source: String, target: String)
    /// It was moved before.
    case movedAlready
    /// Work that began before the pause did not end in time.
    case busy(String)
    /// Copying the last changes would take longer than writers may wait.
    case pauseTooLong
    /// The two databases do not hold the same after several rounds.
    case different(tables: [String])

    /// In words.
    public var description: String {
        switch self {
        case .schema(let source, let target):
            "the databases are of different versions (\(source), \(target)): migrate both"
        case .movedAlready: "the instance was moved already"
        case .busy(let what): "\(what) did not end in time; try again when less is going on"
        case .pauseTooLong:
            "the last changes could not be copied within the pause that was allowed; try again when less is going on"
        case .different(let tables): "the databases differ in \(tables.joined(separator: ", "))"
        }
    }
}
