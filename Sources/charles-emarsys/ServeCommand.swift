import API
import EventLoop
import Glibc
import HTTP
import JSON
import Persistence
import Tenancy

/// `serve`
enum ServeCommand: Command {
    static let name = "serve"
    static let summary = "Serve the API, the pages and the work in the background"
    static var help: String {
        let width = Setting.all.map(\.name.count).max() ?? 0
        let settings = Setting.all.map { setting in
            let fallback = setting.fallback.map { $0.isEmpty ? " (default: none)" : " (default: \($0))" } ?? ""
            return "  \(setting.name.padded(to: width))  \(setting.text)\(fallback)"
        }
        return """
            Usage: charles-emarsys serve

            Serves until SIGTERM or SIGINT, then drains within 30 seconds and exits with 0. SIGHUP reads the TLS files again.
            Prints structured logs on standard error, one JSON object a line. Never migrates; refuses to serve as a
            superuser, the owner or a role that bypasses row security.

            Settings (environment variables):
            \(settings.joined(separator: "\n"))
            """
    }

    static func run(_ arguments: Arguments) async throws {
        _ = try arguments.words()
        let settings: ServiceSettings
        do { settings = try ServiceSettings(environment: Environment.settings()) } catch {
            let log = Log()
            for fault in error.faults {
                log(.error, "setting_invalid", ["setting": .string(fault.setting), "message": .string(fault.message)])
            }
            throw Exit()
        }
        let output = LogOutput()
        defer { output.flush() }
        let log = Log(level: settings.logLevel, write: output.take)
        do {
            try await serve(settings, log, output)
        } catch let fault as StartFault {
            log(
                .error, "start_failed",
                [
                    "setting": .string(fault.setting), "object": .string(fault.object),
                    "error": .string(fault.message),
                ])
            throw Exit()
        } catch let error as SystemError {
            log(.error, "start_failed", ["error": .string(error.description)])
            throw Exit()
        } catch let error as DatabaseError {
            log(.error, "start_failed", ["setting": "DATABASE_URL", "error": .string(error.description)])
            throw Exit()
        }
    }

    private static func serve(_ settings: ServiceSettings, _ log: Log, _ output: LogOutput) async throws {
        let signals = try SignalSource([SIGTERM, SIGINT, SIGHUP])
        let violations = try await GateCheck(serviceURL: settings.databaseURL).violations()
        guard violations.isEmpty else {
            for violation in violations {
                log(.error, "gate_closed", ["rule": .string(violation.rule), "object": .string(violation.object)])
            }
            throw Exit()
        }
        let composition = try Composition(settings, log: log, output: output, group: Runner.loops)
        let address = try bind(composition.server, settings.listen, "CHARLES_LISTEN")
        let management = try bind(composition.managementServer, settings.managementListen, "CHARLES_MANAGEMENT_LISTEN")
        let services = composition.services.map { service in
            Task(executorPreference: Runner.loops.next()) {
                do { try await service.run() } catch {
                    if !Task.isCancelled { log(.error, "service_ended", ["error": .string("\(error)")]) }
                }
            }
        }
        let serving = Task(executorPreference: Runner.loops.loops[0]) { try await composition.server.run() }
        let managing = Task(executorPreference: Runner.loops.loops[0]) { try await composition.managementServer.run() }
        log(
            .info, "serving",
            [
                "version": .string(VersionCommand.version), "listen": .string("\(address)"),
                "management": .string("\(management)"), "tls": .bool(settings.tls != nil),
            ])

        while true {
            let signal = try await signals.next()
            guard signal == SIGHUP else { break }
            composition.reloadTLS()
        }
        log(.info, "draining")
        // Whatever hangs, the process is gone before its supervisor loses patience.
        let watchdog = Runner.loops.loops[0].start {
            guard let loop = EventLoop.current, (try? await loop.sleep(for: .seconds(28))) != nil else { return }
            log(.warning, "drain_cut_short")
            output.flush()
            _exit(0)
        }
        composition.drain()
        _ = try? await serving.value
        for service in services { service.cancel() }
        for service in services { await service.value }
        await composition.database.close()
        composition.managementServer.drain()
        _ = try? await managing.value
        watchdog.cancel()
        log(.info, "stopped")
    }
}

extension ServeCommand {
    private static func bind(_ server: HTTPServer, _ address: SocketAddress, _ setting: String) throws(StartFault)
        -> SocketAddress
    {
        do { return try server.bind() } catch { throw StartFault(setting: setting, object: "\(address)", error) }
    }
}

/// Serving could not begin because of a setting.
struct StartFault: Error {
    /// The setting at fault.
    let setting: String
    /// What it names: an address, a file. Never a secret.
    let object: String
    /// What the system says.
    let message: String

    init(setting: String, object: String, _ error: any Error) {
        self.setting = setting
        self.object = object
        message = (error as? SystemError)?.description ?? "\(error)"
    }
}

/// The command failed and has told why in the log.
struct Exit: Error {}
