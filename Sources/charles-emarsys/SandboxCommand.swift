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

        The account can be steered below /sandbox on the same port: GET /sandbox lists its segments, POST /sandbox/faults
        lets calls fail, POST /sandbox/contacts/ID changes a contact, POST /sandbox/churn many of them, and
        POST /sandbox/webhooks {"url", "secret", "event_name"} sends what an automation program would.
        """

    static func run(_ arguments: Arguments) async throws {
        _ = try arguments.words()
        var options = SandboxOptions()
        options.port = try number(arguments, "port", 0...65_535) ?? options.port
        options.contacts = try number(arguments, "contacts", 0...5_000_000) ?? options.contacts
        let signals = try SignalSource([SIGTERM, SIGINT])
        let server: SandboxServer
        do { server = try SandboxServer(options, group: Runner.loops) } catch let error as SystemError {
            throw Failure("cannot listen on 127.0.0.1:\(options.port): \(error.description)")
        }
        let serving = Task(executorPreference: Runner.loops.next()) { try await server.run() }
        let info = server.info
        Output.show(info.json, asJSON: arguments.json) {
            """
            A simulated Emarsys account with \(options.contacts) contacts: \(info.baseURL)
              WSSE   user \(info.username), secret \(info.secret)
              OAuth  client \(info.clientID), secret \(info.clientSecret), token URL \(info.tokenURL)
            """
        }
        _ = try await signals.next()
        serving.cancel()
        _ = try? await serving.value
    }

    private static func number(_ arguments: Arguments, _ name: String, _ range: ClosedRange<Int>) throws -> Int? {
        guard let text = arguments[name] else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw UsageError("--\(name) is a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}
