import API
import EventLoop
import JSON
import Tenancy

/// `reporting grant|list|revoke`
enum ReportingCommand: Command {
    static let name = "reporting"
    static let summary = "Make, list and drop read-only PostgreSQL logins of an instance"
    static let help = """
        Usage: charles-emarsys reporting grant NAME [--json]
               charles-emarsys reporting list NAME [--json]
               charles-emarsys reporting revoke NAME ROLE [--json]

        The login sees the instance's own rows in the schema reporting, and nothing else. Its password is shown once.
        Needs DATABASE_URL and CHARLES_MASTER_KEYS.
        """

    static func run(_ arguments: Arguments) async throws {
        let (action, words) = try arguments.action("grant", "list", "revoke")
        guard words.count == (action == "revoke" ? 2 : 1) else {
            throw UsageError(action == "revoke" ? "expected NAME ROLE" : "expected NAME")
        }
        let reporting = try AdministrationTools().reporting
        switch action {
        case "grant":
            let login = try await reporting.grant(words[0], actor: AdministrationTools.actor)
            Output.show(
                ["role": .string(login.role), "password": .string(login.password), "dsn": .string(login.dsn)],
                asJSON: arguments.json
            ) { login.dsn }
        case "list":
            let logins = try await reporting.list(words[0])
            Output.show(
                .array(
                    logins.map {
                        [
                            "role": .string($0.role), "created_by": .string($0.createdBy),
                            "created_at": .time($0.createdAt),
                        ]
                    }), asJSON: arguments.json
            ) {
                Output.table(["ROLE", "BY", "SINCE"], logins.map { [$0.role, $0.createdBy, $0.createdAt.rfc3339] })
            }
        default:
            try await reporting.revoke(words[0], role: words[1], actor: AdministrationTools.actor)
            Output.show(["role": .string(words[1]), "revoked": true], asJSON: arguments.json) { "revoked" }
        }
    }
}
