import API
import EventLoop
import JSON
import Persistence
import Tenancy

/// `doctor`
enum DoctorCommand: Command {
    static let name = "doctor"
    static let summary = "Check settings, database and clock"
    static let help = """
        Usage: charles-emarsys doctor [--json]

        Checks each setting, the database's version, roles, schema and row security, and its clock against ours.
        Names what is at fault and prints no secret. Exit code 1 if anything is at fault.
        """

    private struct Finding {
        let check: String
        let ok: Bool
        let message: String
    }

    static func run(_ arguments: Arguments) async throws {
        _ = try arguments.words()
        let environment = Environment.settings()
        var findings: [Finding] = []
        do {
            let settings = try ServiceSettings(environment: environment)
            for setting in Setting.all where environment[setting.name]?.isEmpty == false {
                findings.append(Finding(check: setting.name, ok: true, message: "is set"))
            }
            if let token = settings.operatorToken, token.utf8.count < 32 {
                findings.append(
                    Finding(
                        check: "CHARLES_OPERATOR_TOKEN", ok: true, message: "is short: 32 random characters are good"))
            }
        } catch {
            findings += error.faults.map { Finding(check: $0.setting, ok: false, message: $0.message) }
        }
        if let url = environment["DATABASE_URL"], !url.isEmpty { findings += await database(url) }
        let document = JSON.object([
            "ok": .bool(findings.allSatisfy(\.ok)),
            "findings": .array(
                findings.map { ["check": .string($0.check), "ok": .bool($0.ok), "message": .string($0.message)] }),
        ])
        Output.show(document, asJSON: arguments.json) {
            findings.map { "\($0.ok ? "ok   " : "FAULT") \($0.check): \($0.message)" }.joined(separator: "\n")
        }
        let faults = findings.filter { !$0.ok }
        guard faults.isEmpty else { throw Failure("at fault: " + faults.map(\.check).joined(separator: ", ")) }
    }

    private static func database(_ url: String) async -> [Finding] {
        do {
            let violations = try await GateCheck(serviceURL: url).violations()
            var findings = violations.map { Finding(check: "DATABASE_URL", ok: false, message: $0.description) }
            if findings.isEmpty {
                findings.append(Finding(check: "DATABASE_URL", ok: true, message: "the gate is open"))
            }
            findings.append(try await clock(url))
            return findings
        } catch {
            let message = (error as? DatabaseError)?.description ?? "\(error)"
            return [Finding(check: "DATABASE_URL", ok: false, message: message)]
        }
    }

    private static func clock(_ url: String) async throws -> Finding {
        var configuration = DatabaseConfiguration(url: url)
        configuration.connectionsPerLoop = 1
        configuration.preparesStatements = false
        let database = try Database(configuration, group: Runner.loops)
        let before = SystemTime().now()
        let theirs = try await ServerClock.now(in: database)
        let after = SystemTime().now()
        await database.close()
        let offset = max(before - theirs, theirs - after)
        let ok = offset < .seconds(5)
        return Finding(
            check: "clock", ok: ok,
            message: ok ? "agrees with the database's" : "differs from the database's by \(offset.components.seconds) s"
        )
    }
}
