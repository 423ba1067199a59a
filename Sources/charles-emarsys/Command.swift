/// One command of the program: one file each.
protocol Command: SendableMetatype {
    /// The word behind the program's name.
    static var name: String { get }
    /// One line for the list of commands.
    static var summary: String { get }
    /// What `--help` prints.
    static var help: String { get }
    /// Options with a value, without their dashes.
    static var options: Set<String> { get }
    /// Options without a value, beside `--help` and `--json`.
    static var flags: Set<String> { get }

    /// Runs the command. Throws ``UsageError`` for wrong usage and anything else for a failure.
    static func run(_ arguments: Arguments) async throws
}

extension Command {
    static var options: Set<String> { [] }
    static var flags: Set<String> { [] }
}

/// The command line is not one that the command knows: exit code 2.
struct UsageError: Error {
    let message: String

    init(_ message: String) { self.message = message }
}

/// The command could not do what it was asked: exit code 1.
struct Failure: Error {
    let message: String

    init(_ message: String) { self.message = message }
}
