import EventLoop
import Glibc
import JSON
import Sandbox

/// `sandbox`
enum SandboxCommand: Command {
    static let name = "sandbox"
    static let summary = "Serve a simulated Emarsys account on loopback"
    static let options: Set<String> = ["port", "contacts"]
    static let help = """
        Usage: charles-emarsys sandbox [--port N] [--contacts N] [--json]

        Serves a simulated Emarsys account for trying the product without one, until it is interrupted. The first line tells
        its address and credentials. The service accepts it where CHARLES_EMARSYS_HOSTS names 127.0.0.1.
        """

    static func run(_ arguments: Arguments) async throws {
        _ = try arguments.words()
        var options = SandboxOptions()
        if let text = arguments["port"] {
            guard let port = UInt16(text) else { throw UsageError("--port is a number from 0 to 65535") }
            options.port = Int(port)
        }
        if let text = arguments["contacts"] {
            guard let count = Int(text), (0...2_000_000).contains(count) else {
                throw UsageError("--contacts is a number from 0 to 2000000")
            }
            options.contacts = count
        }
        let signals = try SignalSource([SIGTERM, SIGINT])
        let server = try SandboxServer(options, group: Runner.loops)
        let info = server.info
        Output.show(info.json, asJSON: arguments.json) {
            """
            base URL       \(info.baseURL)
            WSSE           \(info.username) / \(info.secret)
            OAuth 2.0      \(info.clientID) / \(info.clientSecret)
            token URL      \(info.tokenURL)
            """
        }
        let running = Task(executorPreference: Runner.loops.loops[0]) { try await server.run() }
        _ = try? await signals.next()
        running.cancel()
        _ = try? await running.value
    }
}
