import JSON

/// `import start`
enum ImportCommand: Command {
    static let name = "import"
    static let summary = "Start an import of an instance"
    static let options: Set<String> = ["segment", "mode"]
    static let flags: Set<String> = ["dry-run"]
    static let help = """
        Usage: charles-emarsys import start NAME [--segment ID] [--mode incremental|full] [--dry-run] [--json]

        Queues an import of one segment, or of all selected ones; the running service does the work.
        Needs DATABASE_URL and CHARLES_MASTER_KEYS.
        """

    static func run(_ arguments: Arguments) async throws {
        let (_, words) = try arguments.action("start")
        guard words.count == 1 else { throw UsageError("expected NAME") }
        throw Failure("imports are not part of this build")
    }
}
