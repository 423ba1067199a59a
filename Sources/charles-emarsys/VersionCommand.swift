import JSON

/// `version`
enum VersionCommand: Command {
    static let version = "0.1.0"
    static let name = "version"
    static let summary = "Print the version"
    static let help = """
        Usage: charles-emarsys version [--json]

        Prints the version.
        """

    static func run(_ arguments: Arguments) async throws {
        _ = try arguments.words()
        Output.show(["version": .string(version)], asJSON: arguments.json) { "charles-emarsys \(version)" }
    }
}
