import API
import JSON
import Persistence

/// `migrate`
enum MigrateCommand: Command {
    static let name = "migrate"
    static let summary = "Bring the database to this program's schema"
    static let flags: Set<String> = ["status"]
    static let help = """
        Usage: charles-emarsys migrate [--status] [--json]

        Applies the migrations that this program carries, as the role of CHARLES_OWNER_DATABASE_URL, and creates the role
        and password named in DATABASE_URL where it is missing. May be run again and from several places at once.

          --status  only tell what is applied and what is pending; exit code 1 if anything is pending
        """

    static func run(_ arguments: Arguments) async throws {
        _ = try arguments.words()
        var reader = SettingReader(Environment.settings())
        guard let owner = reader.required("CHARLES_OWNER_DATABASE_URL") else {
            throw Failure("CHARLES_OWNER_DATABASE_URL is not set")
        }
        let runner = MigrationRunner(ownerURL: owner, serviceURL: reader.value("DATABASE_URL"))
        let before = try await runner.status()
        if !arguments.has("status") { try await runner.migrate() }
        let status = try await runner.status()
        let applied = status.applied.filter { !before.applied.contains($0) }
        Output.show(
            [
                "applied": .strings(status.applied), "pending": .strings(status.pending),
                "newly_applied": .strings(applied),
            ], asJSON: arguments.json
        ) {
            if arguments.has("status") {
                return "\(status.applied.count) applied, \(status.pending.count) pending"
                    + status.pending.map { "\n  \($0)" }.joined()
            }
            return applied.isEmpty
                ? "nothing to do: \(status.applied.count) migrations are applied"
                : "applied:" + applied.map { "\n  \($0)" }.joined()
        }
        if arguments.has("status"), !status.pending.isEmpty { throw Failure("migrations are pending") }
    }
}
