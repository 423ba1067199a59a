import API
import EventLoop
import Glibc
import HTTP
import JSON
import Persistence
import Tenancy

/// `doctor`
enum DoctorCommand: Command {
    static let name = "doctor"
    static let summary = "Check settings, database, roles, clock and reachability"
    static let help = """
        Usage: charles-emarsys doctor [--json]

        Checks each setting; the database's version (15.14 or newer), roles, schema, row security and clock; whether
        CHARLES_MASTER_KEYS opens every data key; the TLS files; whether the addresses to listen on can be taken or a service
        answers there; and whether Emarsys can be reached. Names what is at fault and prints no secret. A note is worth
        reading and no fault. Exit code 1 if anything is at fault.
        """

    /// How much a finding matters.
    enum Level: String {
        case ok, note, fault
    }

    struct Finding {
        let check: String
        let level: Level
        let message: String

        static func ok(_ check: String, _ message: String) -> Finding {
            Finding(check: check, level: .ok, message: message)
        }
        static func note(_ check: String, _ message: String) -> Finding {
            Finding(check: check, level: .note, message: message)
        }
        static func fault(_ check: String, _ message: String) -> Finding {
            Finding(check: check, level: .fault, message: message)
        }
    }

    static func run(_ arguments: Arguments) async throws {
        _ = try arguments.words()
        let environment = Environment.settings()
        var findings: [Finding] = []
        var settings: ServiceSettings?
        do {
            let read = try ServiceSettings(environment: environment)
            settings = read
            for setting in Setting.all where environment[setting.name]?.isEmpty == false {
                findings.append(.ok(setting.name, "is set"))
            }
            if let token = read.operatorToken, token.utf8.count < 32 {
                findings.append(.note("CHARLES_OPERATOR_TOKEN", "is short: 32 random characters are good"))
            }
        } catch {
            findings += error.faults.map { .fault($0.setting, $0.message) }
        }
        if let url = environment["DATABASE_URL"], !url.isEmpty { findings += await database(url, settings) }
        if let url = environment["CHARLES_OWNER_DATABASE_URL"], !url.isEmpty { findings.append(await owner(url)) }
        if let settings {
            findings += listeners(settings)
            if let tls = settings.tls { findings.append(certificate(tls)) }
        }
        findings.append(await emarsys())
        show(findings, asJSON: arguments.json)
        let faults = findings.filter { $0.level == .fault }
        guard faults.isEmpty else { throw Failure("at fault: " + faults.map(\.check).joined(separator: ", ")) }
    }

    private static func show(_ findings: [Finding], asJSON: Bool) {
        let document = JSON.object([
            "ok": .bool(findings.allSatisfy { $0.level != .fault }),
            "findings": .array(
                findings.map {
                    [
                        "check": .string($0.check), "ok": .bool($0.level != .fault),
                        "level": .string($0.level.rawValue),
                        "message": .string($0.message),
                    ]
                }),
        ])
        Output.show(document, asJSON: asJSON) {
            findings.map { finding in
                let word = finding.level == .fault ? "FAULT" : finding.level.rawValue
                return "\(word.padded(to: 5)) \(finding.check): \(finding.message)"
            }.joined(separator: "\n")
        }
    }

    // MARK: The database

    private static func database(_ url: String, _ settings: ServiceSettings?) async -> [Finding] {
        do {
            let violations = try await GateCheck(serviceURL: url).violations()
            var findings: [Finding] = violations.map { .fault("DATABASE_URL", $0.description) }
            if findings.isEmpty {
                findings.append(.ok("DATABASE_URL", "version, roles, schema and row security are in order"))
            }
            var configuration = DatabaseConfiguration(url: url)
            configuration.connectionsPerLoop = 1
            configuration.preparesStatements = false
            let database = try Database(configuration, group: Runner.loops)
            findings.append(try await clock(database))
            if violations.isEmpty, let settings { findings.append(try await masterKeys(database, settings)) }
            await database.close()
            return findings
        } catch {
            return [.fault("DATABASE_URL", (error as? DatabaseError)?.description ?? "cannot be read")]
        }
    }

    private static func owner(_ url: String) async -> Finding {
        let check = "CHARLES_OWNER_DATABASE_URL"
        do {
            let status = try await MigrationRunner(ownerURL: url, serviceURL: nil).status()
            return status.pending.isEmpty
                ? .ok(check, "\(status.applied.count) migrations are applied, none is pending")
                : .fault(check, "\(status.pending.count) migrations are pending: run migrate")
        } catch {
            return .fault(check, (error as? DatabaseError)?.description ?? "cannot be read")
        }
    }

    private static func clock(_ database: Database) async throws -> Finding {
        let before = SystemTime().now()
        let theirs = try await ServerClock.now(in: database)
        let after = SystemTime().now()
        let offset = max(before - theirs, theirs - after)
        return offset < .seconds(5)
            ? .ok("clock", "agrees with the database's")
            : .fault("clock", "differs from the database's by \(offset.components.seconds) s")
    }

    private static func masterKeys(_ database: Database, _ settings: ServiceSettings) async throws -> Finding {
        let used = try await MasterKeyUse.counts(in: database)
        let missing = used.filter { !settings.masterKeys.ids.contains($0.id) }
        if !missing.isEmpty {
            let names = missing.map { "\($0.id) (\($0.count) data keys)" }.joined(separator: ", ")
            return .fault("CHARLES_MASTER_KEYS", "lacks the key \(names): the secrets it wraps cannot be opened")
        }
        let former = used.filter { $0.id != settings.masterKeys.currentID }.reduce(0) { $0 + $1.count }
        return former == 0
            ? .ok("CHARLES_MASTER_KEYS", "the first key wraps every data key")
            : .note("CHARLES_MASTER_KEYS", "\(former) data keys are wrapped by a former key: run secrets rotate")
    }

    // MARK: Around it

    private static func listeners(_ settings: ServiceSettings) -> [Finding] {
        [
            listener("CHARLES_LISTEN", settings.listen),
            listener("CHARLES_MANAGEMENT_LISTEN", settings.managementListen),
        ]
    }

    private static func listener(_ setting: String, _ address: SocketAddress) -> Finding {
        do throws(SystemError) {
            let socket = try ListeningSocket(address)
            socket.close()
            return .ok(setting, "\(address) can be taken")
        } catch {
            return error.code == EADDRINUSE
                ? .note(setting, "\(address) is in use: a service runs there")
                : .fault(setting, "\(address): \(error.description)")
        }
    }

    private static func certificate(_ files: (certificate: String, key: String)) -> Finding {
        do {
            _ = try TLSServerContext(certificate: files.certificate, key: files.key)
            return .ok("CHARLES_TLS_CERTIFICATE", "certificate and key belong together")
        } catch {
            return .fault("CHARLES_TLS_CERTIFICATE", "\(files.certificate), \(files.key): \(error)")
        }
    }

    /// A service can run without it for a while, and a machine may reach it by ways that this one does not know.
    private static func emarsys() async -> Finding {
        let host = "api.emarsys.net"
        guard let url = HTTPURL("https://\(host)/") else { return .note(host, "is no address") }
        var request = HTTPClientRequest(method: .head, url: url)
        request.timeout = .seconds(5)
        do {
            _ = try await HTTPClient(group: Runner.loops).send(request)
            return .ok(host, "can be reached")
        } catch {
            return .note(host, "cannot be reached from here: \(error.code.rawValue)")
        }
    }
}
