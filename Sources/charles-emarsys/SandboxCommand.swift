import EventLoop
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
        throw Failure("the sandbox is not part of this build")
    }
}
