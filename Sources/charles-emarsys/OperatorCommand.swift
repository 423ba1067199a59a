import API
import Crypto
import EventLoop
import JSON
import Tenancy

/// `operator create|list|revoke`
enum OperatorCommand: Command {
    static let name = "operator"
    static let summary = "Add, list and remove operators"
    static let options: Set<String> = ["role"]
    static let help = """
        Usage: charles-emarsys operator create NAME [--role viewer|manager] [--json]
               charles-emarsys operator list [--json]
               charles-emarsys operator revoke NAME [--json]

        A viewer looks, a manager also changes (the default). The token is shown once; the database holds its hash.
        Needs DATABASE_URL and CHARLES_MASTER_KEYS.
        """

    static func run(_ arguments: Arguments) async throws {
        let (action, words) = try arguments.action("create", "list", "revoke")
        guard words.count == (action == "list" ? 0 : 1) else {
            throw UsageError(action == "list" ? "list takes no name" : "expected NAME")
        }
        switch action {
        case "create": try await create(words[0], arguments)
        case "list": try await list(arguments)
        default: try await revoke(words[0], arguments)
        }
    }

    private static func create(_ name: String, _ arguments: Arguments) async throws {
        let role = arguments["role"] ?? "manager"
        guard OperatorPrincipal.Role(rawValue: role) != nil else { throw UsageError("--role is viewer or manager") }
        guard (1...100).contains(name.utf8.count), name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw UsageError("NAME has 1 to 100 printable ASCII characters")
        }
        let tools = try AdministrationTools()
        let token = "cop_" + SecureRandom.token(32)
        guard
            let made = try await OperatorStore.insert(
                name: name, tokenHash: SHA256.hash(Array(token.utf8)), role: role, now: tools.time.now(),
                in: tools.database)
        else { throw Failure("there is an operator of this name already") }
        Output.show(
            ["id": .id(made.id), "name": .string(name), "role": .string(role), "token": .string(token)],
            asJSON: arguments.json
        ) { token }
    }

    private static func list(_ arguments: Arguments) async throws {
        let all = try await OperatorStore.list(in: AdministrationTools().database)
        Output.show(
            .array(
                all.map {
                    [
                        "id": .id($0.id), "name": .string($0.name), "role": .string($0.role),
                        "created_at": .time($0.createdAt), "revoked_at": .time($0.revokedAt),
                    ]
                }), asJSON: arguments.json
        ) {
            Output.table(
                ["NAME", "ROLE", "STATE"], all.map { [$0.name, $0.role, $0.revokedAt == nil ? "active" : "revoked"] })
        }
    }

    private static func revoke(_ name: String, _ arguments: Arguments) async throws {
        let tools = try AdministrationTools()
        guard try await OperatorStore.revoke(name: name, now: tools.time.now(), in: tools.database) else {
            throw Failure("there is no operator of this name")
        }
        Output.show(["name": .string(name), "revoked": true], asJSON: arguments.json) { "revoked" }
    }
}
