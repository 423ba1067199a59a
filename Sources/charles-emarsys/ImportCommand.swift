import API
import EventLoop
import FoundationEssentials
import JSON
import Tenancy

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
        let tools = try AdministrationTools()
        let mode = arguments["mode"] ?? "incremental"
        guard let mode = ImportRun.Mode(rawValue: mode) else { throw UsageError("--mode is incremental or full") }
        let directory = Directory(database: tools.database, secrets: tools.secrets, time: tools.time)
        guard let tenant = try await directory.tenant(instance: words[0]) else {
            throw Failure("there is no instance \"\(words[0])\"")
        }
        let run = try await ImportService(database: tools.database, time: tools.time).start(
            tenant, segment: arguments["segment"], mode: mode, dryRun: arguments.has("dry-run"),
            actor: AdministrationTools.actor)
        Output.show(run.json(now: tools.time.now()), asJSON: arguments.json) {
            "import \(run.id.uuidString.lowercased()) is queued"
        }
    }
}
