import API
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Tenancy

/// `tenant create|list|show|suspend|resume|delete`
enum TenantCommand: Command {
    static let name = "tenant"
    static let summary = "Create, list, show, suspend, resume and delete instances"
    static let options: Set<String> = [
        "display-name", "time-zone", "default-currency", "default-country", "confirm", "search",
    ]
    static let help = """
        Usage: charles-emarsys tenant create NAME --display-name TEXT [--time-zone ZONE] [--default-currency CODE]
                                                  [--default-country CODE] [--json]
               charles-emarsys tenant list [--search TEXT] [--json]
               charles-emarsys tenant show NAME [--json]
               charles-emarsys tenant suspend|resume NAME [--json]
               charles-emarsys tenant delete NAME --confirm NAME [--json]

        NAME is the label of the instance's host. delete removes everything the instance holds and cannot be undone.
        Needs DATABASE_URL and CHARLES_MASTER_KEYS.
        """

    static func run(_ arguments: Arguments) async throws {
        let (action, words) = try arguments.action("create", "list", "show", "suspend", "resume", "delete")
        guard words.count == (action == "list" ? 0 : 1) else {
            throw UsageError(action == "list" ? "list takes no name" : "\(action) needs one NAME")
        }
        if action == "create", arguments["display-name"] == nil { throw UsageError("create needs --display-name") }
        let tools = try AdministrationTools()
        if action == "list" { return try await list(tools, arguments) }
        let instance = words[0]
        if action == "delete" { return try await delete(tools, instance, arguments) }
        let record = try await record(tools, action, instance, arguments)
        Output.show(TenantJSON.object(record), asJSON: arguments.json) {
            """
            \(record.instanceName)  \(record.displayName)
              id        \(record.id.uuidString.lowercased())
              status    \(record.status.rawValue), health \(record.health)
              features  \(features(record))
              zone      \(record.timeZone), currency \(record.defaultCurrency ?? "-"), country \(record.defaultCountry ?? "-")
              created   \(record.createdAt.rfc3339)
            """
        }
    }

    private static func record(
        _ tools: AdministrationTools, _ action: String, _ instance: String, _ arguments: Arguments
    )
        async throws -> TenantRecord
    {
        switch action {
        case "create":
            return try await tools.administration.create(
                instanceName: instance, displayName: arguments["display-name"] ?? "", timeZone: arguments["time-zone"],
                defaultCurrency: arguments["default-currency"], defaultCountry: arguments["default-country"],
                actor: AdministrationTools.actor)
        case "suspend", "resume":
            var changes = TenantAdministration.Changes()
            changes.status = action == "suspend" ? .suspended : .active
            return try await tools.administration.update(instance, changes, actor: AdministrationTools.actor)
        default:
            return try await tools.administration.show(instance)
        }
    }

    private static func list(_ tools: AdministrationTools, _ arguments: Arguments) async throws {
        var records: [TenantRecord] = []
        var after: PageCursor?
        repeat {
            let page = try await tools.administration.list(
                search: arguments["search"], page: PageRequest(limit: 200, after: after))
            records += page.items
            after = page.next
        } while after != nil
        Output.show(.array(records.map(TenantJSON.object)), asJSON: arguments.json) {
            Output.table(
                ["INSTANCE", "NAME", "STATUS", "HEALTH", "FEATURES"],
                records.map { [$0.instanceName, $0.displayName, $0.status.rawValue, $0.health, features($0)] })
        }
    }

    private static func delete(_ tools: AdministrationTools, _ instance: String, _ arguments: Arguments) async throws {
        guard arguments["confirm"] == instance else { throw UsageError("delete needs --confirm \(instance)") }
        let proof = try await TenantErasure(administration: tools.administration).erase(instance, confirm: instance)
        Output.show(TenantJSON.object(proof), asJSON: arguments.json) {
            "deleted \(instance): \(proof.removed) rows in \(proof.tables.count) tables, \(proof.left) left"
        }
    }

    private static func features(_ record: TenantRecord) -> String {
        let names = Feature.allCases.filter { record.features.contains($0) }.map(\.rawValue)
        return names.isEmpty ? "-" : names.joined(separator: ",")
    }
}
