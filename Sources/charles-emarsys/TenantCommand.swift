import API
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Tenancy

/// `tenant create|list|show|change|suspend|resume|export|import|move|delete`
enum TenantCommand: Command {
    static let name = "tenant"
    static let summary = "Create, list, show, change, suspend, export, import, move and delete instances"
    static let options: Set<String> = [
        "display-name", "time-zone", "default-currency", "default-country", "confirm", "search", "output",
    ]
    static let flags: Set<String> = ["abandon"]
    static let help = """
        Usage: charles-emarsys tenant create NAME --display-name TEXT [--time-zone ZONE] [--default-currency CODE]
                                                  [--default-country CODE] [--json]
               charles-emarsys tenant list [--search TEXT] [--json]
               charles-emarsys tenant show NAME [--json]
               charles-emarsys tenant change NAME [--display-name TEXT] [--time-zone ZONE] [--default-currency CODE]
                                                  [--default-country CODE] [--json]
               charles-emarsys tenant suspend|resume NAME [--json]
               charles-emarsys tenant export NAME --output FILE [--json]
               charles-emarsys tenant import FILE [--json]
               charles-emarsys tenant move NAME [--abandon] [--json]
               charles-emarsys tenant delete NAME --confirm NAME [--json]

        NAME is the label of the instance's host. delete removes everything the instance holds and cannot be undone.

        export writes everything the instance holds, of one moment, as JSON lines with a manifest of counts and checksums;
        secrets stand in it sealed. FILE is new and readable by its owner alone; - is standard output. import takes such a
        file (- is standard input) into the database of DATABASE_URL: all of it or nothing, with the ids it had; it refuses
        an instance that is there already. Both databases need the same version and master keys.

        move takes the instance into the database of CHARLES_TARGET_DATABASE_URL (the role that serves there) while it is
        served: copy, catch up, then a pause of at most a minute, in which webhooks and writes are answered 503 with
        Retry-After, counts and checksums are compared and the target takes over. Killed, it goes on when started again;
        --abandon gives it up.

        Needs DATABASE_URL and CHARLES_MASTER_KEYS.
        """

    static func run(_ arguments: Arguments) async throws {
        let (action, words) = try arguments.action(
            "create", "list", "show", "change", "suspend", "resume", "export", "import", "move", "delete")
        guard words.count == (action == "list" ? 0 : 1) else {
            throw UsageError(
                action == "list" ? "list takes no name" : "\(action) needs one \(action == "import" ? "FILE" : "NAME")")
        }
        if action == "create", arguments["display-name"] == nil { throw UsageError("create needs --display-name") }
        if action == "delete", arguments["confirm"] != words[0] {
            throw UsageError("delete needs --confirm \(words[0])")
        }
        if action == "export", arguments["output"] == nil { throw UsageError("export needs --output FILE (or -)") }
        let tools = try AdministrationTools()
        if action == "list" { return try await list(tools, arguments) }
        let instance = words[0]
        switch action {
        case "delete": return try await delete(tools, instance, arguments)
        case "export": return try await export(tools, instance, arguments)
        case "import": return try await restore(tools, instance, arguments)
        case "move": return try await move(tools, instance, arguments)
        default: break
        }
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
        case "change":
            var changes = TenantAdministration.Changes()
            changes.displayName = arguments["display-name"]
            changes.timeZone = arguments["time-zone"]
            if let currency = arguments["default-currency"] {
                changes.defaultCurrency = .some(currency.isEmpty ? nil : currency)
            }
            if let country = arguments["default-country"] {
                changes.defaultCountry = .some(country.isEmpty ? nil : country)
            }
            return try await tools.administration.update(instance, changes, actor: AdministrationTools.actor)
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
