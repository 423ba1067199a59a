import API
import JSON
import Tenancy

/// `secrets rotate`
enum SecretsCommand: Command {
    static let name = "secrets"
    static let summary = "Wrap the instances' data keys with the newest master key"
    static let help = """
        Usage: charles-emarsys secrets rotate [--json]

        Put the new master key first in CHARLES_MASTER_KEYS, keep the old one behind it, restart the service, then rotate.
        Every data key that another master key wraps is wrapped anew; what they seal stays as it is. May be stopped and
        started again, beside the running service. The old master key can go when this command has ended well.
        """

    static func run(_ arguments: Arguments) async throws {
        let (_, words) = try arguments.action("rotate")
        guard words.isEmpty else { throw UsageError("rotate takes no further words") }
        let tools = try AdministrationTools()
        let report = try await tools.secrets.rewrapAll(database: tools.database, masterKeys: tools.masterKeys) {
            report in
            if !arguments.json { Output.error("\(report.rewrapped) data keys wrapped anew") }
        }
        Output.show(
            [
                "master_key": .string(tools.masterKeys.currentID), "rewrapped": .int(report.rewrapped),
                "unreadable": .int(report.unreadable),
            ], asJSON: arguments.json
        ) { "master key \(tools.masterKeys.currentID): \(report.rewrapped) data keys wrapped anew" }
        guard report.unreadable == 0 else {
            throw Failure("\(report.unreadable) data keys are wrapped by a master key that is not configured")
        }
    }
}
