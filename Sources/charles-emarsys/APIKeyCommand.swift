import API
import FoundationEssentials
import JSON
import Tenancy

/// `api-key create|list|revoke`
enum APIKeyCommand: Command {
    static let name = "api-key"
    static let summary = "Make, list and revoke API keys of an instance"
    static let options: Set<String> = ["name", "permissions"]
    static let help = """
        Usage: charles-emarsys api-key create NAME --name TEXT --permissions read,write,… [--json]
               charles-emarsys api-key list NAME [--json]
               charles-emarsys api-key revoke NAME ID [--json]

        Permissions: read, write, consent, erase, admin. A key is shown once. Needs DATABASE_URL and CHARLES_MASTER_KEYS.
        """

    static func run(_ arguments: Arguments) async throws {
        let (action, words) = try arguments.action("create", "list", "revoke")
        guard words.count == (action == "revoke" ? 2 : 1) else {
            throw UsageError(action == "revoke" ? "expected NAME ID" : "expected NAME")
        }
        switch action {
        case "create": try await create(words[0], arguments)
        case "list": try await list(words[0], arguments)
        default: try await revoke(words[0], words[1], arguments)
        }
    }

    private static func create(_ instance: String, _ arguments: Arguments) async throws {
        guard let name = arguments["name"], let permissions = arguments["permissions"] else {
            throw UsageError("create needs --name and --permissions")
        }
        let made = try await AdministrationTools().administration.createKey(
            instance, name: name, permissions: permissions.split(separator: ",").map { $0.filter { $0 != " " } },
            actor: AdministrationTools.actor)
        Output.show(
            [
                "id": .id(made.id), "key": .string(made.key), "name": .string(name),
                "permissions": .strings(made.permissions.permissions.map(\.rawValue)),
            ], asJSON: arguments.json
        ) { made.key }
    }

    private static func list(_ instance: String, _ arguments: Arguments) async throws {
        let keys = try await AdministrationTools().administration.keys(instance)
        Output.show(.array(keys.map(TenantJSON.object)), asJSON: arguments.json) {
            Output.table(
                ["ID", "NAME", "KEY", "PERMISSIONS", "STATE"],
                keys.map { key in
                    [
                        key.id.uuidString.lowercased(), key.name, "…" + key.hint,
                        key.permissions.permissions.map(\.rawValue).joined(separator: ","),
                        key.revokedAt == nil ? "active" : "revoked",
                    ]
                })
        }
    }

    private static func revoke(_ instance: String, _ id: String, _ arguments: Arguments) async throws {
        guard let id = UUID(uuidString: id) else { throw UsageError("ID is the id that `api-key list` shows") }
        try await AdministrationTools().administration.revokeKey(instance, id: id, actor: AdministrationTools.actor)
        Output.show(["id": .id(id), "revoked": true], asJSON: arguments.json) { "revoked" }
    }
}
