import EventLoop
import Glibc
import HTTP
import JSON
import Persistence

/// Finds the command, runs it and turns how it ended into an exit code: 0 done, 1 failed, 2 wrong usage.
enum CommandLineProgram {
    static let commands: [any Command.Type] = [
        ServeCommand.self, MigrateCommand.self, TenantCommand.self, FeatureCommand.self, APIKeyCommand.self,
        OperatorCommand.self, ImportCommand.self, ReportingCommand.self, SecretsCommand.self, SandboxCommand.self,
        DoctorCommand.self, VersionCommand.self,
    ]

    static func run(_ words: [String]) -> CInt {
        guard let name = words.first else {
            Output.error(usage)
            return 2
        }
        if name == "--help" || name == "-h" || name == "help" {
            Output.line(usage)
            return 0
        }
        let wanted = name == "--version" ? "version" : name
        guard let command = commands.first(where: { $0.name == wanted }) else {
            Output.error("charles-emarsys: unknown command \(name)\n\n\(usage)")
            return 2
        }
        do {
            let arguments = try Arguments(
                Array(words.dropFirst()), options: command.options, flags: command.flags)
            if arguments.has("help") {
                Output.line(command.help)
                return 0
            }
            return Runner.run {
                try await command.run(arguments)
            } report: {
                report($0, command)
            }
        } catch {
            return report(error, command)
        }
    }

    private static func report(_ error: any Error, _ command: any Command.Type) -> CInt {
        switch error {
        case let error as UsageError:
            Output.error(
                "charles-emarsys \(command.name): \(error.message)\nSee charles-emarsys \(command.name) --help")
            return 2
        case is Exit: break
        case let error as Failure:
            Output.error("charles-emarsys \(command.name): \(error.message)")
        case let problem as Problem:
            Output.error("charles-emarsys \(command.name): \(problem.detail) (\(problem.code))")
        case let error as DatabaseError:
            Output.error("charles-emarsys \(command.name): \(error.description)")
        default:
            Output.error("charles-emarsys \(command.name): \(error)")
        }
        return 1
    }

    private static var usage: String {
        let width = commands.map { $0.name.count }.max() ?? 0
        let lines = commands.map { "  \($0.name.padded(to: width))  \($0.summary)" }
        return """
            charles-emarsys connects SAP Emarsys with many charles instances.

            Usage: charles-emarsys <command> [options]

            \(lines.joined(separator: "\n"))

            charles-emarsys <command> --help tells more. Exit codes: 0 done, 1 failed, 2 wrong usage.
            """
    }
}

/// Runs one asynchronous piece of work from the main thread, on loops instead of the global pool.
enum Runner {
    /// The loops of the process; one for each core.
    nonisolated(unsafe) private(set) static var group: EventLoopGroup?

    static func run(
        _ work: @escaping @Sendable () async throws -> Void, report: @escaping @Sendable (any Error) -> CInt
    )
        -> CInt
    {
        let group = EventLoopGroup()
        self.group = group
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { return 1 }
        let done = ends[1]
        group.loops[0].start {
            var code: UInt8 = 0
            do { try await work() } catch { code = UInt8(truncatingIfNeeded: report(error)) }
            write(done, &code, 1)
        }
        var code: UInt8 = 1
        while read(ends[0], &code, 1) < 0, errno == EINTR {}
        return CInt(code)
    }

    /// The loops; made by ``run(_:report:)`` before any command runs.
    static var loops: EventLoopGroup {
        guard let group else { preconditionFailure("commands run on the runner's loops") }
        return group
    }
}
