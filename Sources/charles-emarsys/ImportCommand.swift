import API
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Tenancy

/// `import start|list|show|cancel`
enum ImportCommand: Command {
    static let name = "import"
    static let summary = "Start, watch and cancel imports of an instance"
    static let options: Set<String> = ["segment", "mode"]
    static let flags: Set<String> = ["dry-run", "wait"]
    static let help = """
        Usage: charles-emarsys import start NAME [--segment ID] [--mode incremental|full] [--dry-run] [--wait] [--json]
               charles-emarsys import list NAME [--json]
               charles-emarsys import show NAME ID [--json]
               charles-emarsys import cancel NAME ID [--json]

        start queues an import of one segment, or of all selected ones; the running service does the work. --wait shows how
        far it is until it has ended, and ends with 1 where it failed. Needs DATABASE_URL and CHARLES_MASTER_KEYS.
        """

    static func run(_ arguments: Arguments) async throws {
        let (action, words) = try arguments.action("start", "list", "show", "cancel")
        let takesID = action == "show" || action == "cancel"
        guard words.count == (takesID ? 2 : 1) else { throw UsageError(takesID ? "expected NAME ID" : "expected NAME") }
        let mode = arguments["mode"] ?? "incremental"
        guard let mode = ImportRun.Mode(rawValue: mode) else { throw UsageError("--mode is incremental or full") }
        var id: UUID?
        if takesID {
            id = UUID(uuidString: words[1])
            if id == nil { throw UsageError("ID is the id that `import list` shows") }
        }
        let tools = try AdministrationTools()
        let directory = Directory(database: tools.database, secrets: tools.secrets, time: tools.time)
        guard let tenant = try await directory.tenant(instance: words[0]) else {
            throw Failure("there is no instance \"\(words[0])\"")
        }
        let imports = ImportService(database: tools.database, time: tools.time)
        switch (action, id) {
        case ("list", _): try await list(imports, tenant, arguments)
        case ("show", let id?): show(try await imports.find(tenant.id, id), tools, arguments)
        case ("cancel", let id?): show(try await imports.cancel(tenant, id), tools, arguments)
        default:
            let run = try await imports.start(
                tenant, segment: arguments["segment"], mode: mode, dryRun: arguments.has("dry-run"),
                actor: AdministrationTools.actor)
            guard arguments.has("wait") else {
                return Output.show(run.json(now: tools.time.now()), asJSON: arguments.json) {
                    "import \(run.id.uuidString.lowercased()) is queued"
                }
            }
            try await wait(imports, tenant, run, tools, arguments)
        }
    }

    private static func wait(
        _ imports: ImportService, _ tenant: Tenant, _ run: ImportRun, _ tools: AdministrationTools,
        _ arguments: Arguments
    ) async throws {
        var run = run
        while !run.state.isFinal {
            try await tools.time.sleep(for: .milliseconds(500))
            run = try await imports.find(tenant.id, run.id)
            let json = run.json(now: tools.time.now())
            Progress.show("\(run.state.rawValue): \(json["counts"]?["read"]?.int64 ?? 0) read")
        }
        show(run, tools, arguments)
        guard run.state != .failed, run.state != .cancelled else {
            throw Failure("the import is \(run.state.rawValue)")
        }
    }

    private static func list(_ imports: ImportService, _ tenant: Tenant, _ arguments: Arguments) async throws {
        let runs = try await imports.list(tenant.id, PageRequest(limit: 50, after: nil)).items
        let now = SystemTime().now()
        Output.show(.array(runs.map { $0.json(now: now) }), asJSON: arguments.json) {
            Output.table(
                ["ID", "STATE", "TRIGGER", "READ", "CREATED", "UPDATED"],
                runs.map { run in
                    let json = run.json(now: now)
                    func count(_ name: String) -> String { "\(json["counts"]?[name]?.int64 ?? 0)" }
                    return [
                        run.id.uuidString.lowercased(), run.state.rawValue, json["trigger"]?.string ?? "",
                        count("read"), count("created"), count("updated"),
                    ]
                })
        }
    }

    private static func show(_ run: ImportRun, _ tools: AdministrationTools, _ arguments: Arguments) {
        let json = run.json(now: tools.time.now())
        Output.show(json, asJSON: arguments.json) {
            let counts = json["counts"]?.object?.map { "\($0.key) \($0.value.int64 ?? 0)" }.joined(separator: ", ")
            return "import \(run.id.uuidString.lowercased()) is \(run.state.rawValue): \(counts ?? "")"
        }
    }
}
