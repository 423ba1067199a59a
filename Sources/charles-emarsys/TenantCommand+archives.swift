import API
import EventLoop
import JSON
import Persistence
import Tenancy

extension TenantCommand {
    /// `tenant export`
    static func export(_ tools: AdministrationTools, _ instance: String, _ arguments: Arguments) async throws {
        guard let path = arguments["output"] else { throw UsageError("export needs --output FILE (or -)") }
        guard path != "-" || !arguments.json else {
            throw UsageError("--json and --output - would mix on standard output")
        }
        let file = try LineFile(creating: path)
        do {
            let manifest = try await archive(tools).export(instance) { table, rows in
                Progress.show("\(table): \(rows) rows so far")
            } write: {
                try file.write($0)
            }
            try file.finish()
            if path == "-" { return Output.error("\(manifest.rows) rows, sha256 \(manifest.sha256)") }
            Output.show(manifest.json, asJSON: arguments.json) {
                "exported \(instance): \(manifest.rows) rows of \(manifest.tables.count) tables, sha256 \(manifest.sha256)"
            }
        } catch {
            file.remove()
            throw error
        }
    }

    /// `tenant import`
    static func restore(_ tools: AdministrationTools, _ path: String, _ arguments: Arguments) async throws {
        let file = try LineFile(reading: path)
        do {
            let manifest = try await archive(tools).restore(actor: AdministrationTools.actor) { table, rows in
                Progress.show("\(table): \(rows) rows so far")
            } next: {
                try file.next()
            }
            Output.show(manifest.json, asJSON: arguments.json) {
                "imported \(manifest.instanceName): \(manifest.rows) rows of \(manifest.tables.count) tables"
            }
        } catch let fault as ArchiveFault {
            throw Failure("\(fault). Nothing was imported")
        }
    }

    /// `tenant move`
    static func move(_ tools: AdministrationTools, _ instance: String, _ arguments: Arguments) async throws {
        guard let url = Environment.settings()["CHARLES_TARGET_DATABASE_URL"], !url.isEmpty else {
            throw Failure(
                "CHARLES_TARGET_DATABASE_URL is not set: the database to move to, as the role that serves there")
        }
        let violations = try await GateCheck(serviceURL: url).violations()
        guard violations.isEmpty else {
            throw Failure(
                "CHARLES_TARGET_DATABASE_URL: " + violations.map(\.description).joined(separator: "; "))
        }
        var configuration = DatabaseConfiguration(url: url)
        configuration.connectionsPerLoop = 2
        configuration.preparesStatements = false
        let target = try Database(configuration, group: Runner.loops)
        let secrets = SecretBox(database: target, masterKeys: tools.masterKeys, time: tools.time)
        let mover = TenantMove(source: tools.database, target: target, secrets: secrets, time: tools.time)
        do {
            if arguments.has("abandon") {
                let rows = try await mover.abandon(instance)
                return Output.show(["instance_name": .string(instance), "removed": .int(rows)], asJSON: arguments.json)
                {
                    "\(instance) stays where it was; \(rows) rows were removed from the target"
                }
            }
            let report = try await mover.move(instance, actor: AdministrationTools.actor) {
                Progress.show($0, always: true)
            }
            let milliseconds = report.pause.nanoseconds / 1_000_000
            Output.show(
                [
                    "instance_name": .string(instance), "rows": .int(report.rows), "pause_ms": .int(milliseconds),
                    "tables": .object(JSONObject(report.tables.map { ($0.name, .int($0.rows)) })),
                ], asJSON: arguments.json
            ) {
                """
                moved \(instance): \(report.rows) rows, the same counts and checksums in both databases; writers waited \(milliseconds) ms.
                Now send its host to the service in front of the target database. Until then this one answers 503 with Retry-After.
                Then remove it here: charles-emarsys tenant delete \(instance) --confirm \(instance)
                """
            }
        } catch let fault as MoveFault {
            throw Failure("\(fault)")
        } catch let fault as ArchiveFault {
            throw Failure("\(fault)")
        }
    }

    private static func archive(_ tools: AdministrationTools) -> TenantArchive {
        TenantArchive(database: tools.database, secrets: tools.secrets, time: tools.time)
    }
}
