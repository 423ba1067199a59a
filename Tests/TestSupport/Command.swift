import Foundation

/// A command that did not end with 0.
public struct CommandFailure: Error, CustomStringConvertible {
    /// What was run.
    public let command: String
    /// Its exit status, or the error number when it could not be started.
    public let status: Int32
    /// What it wrote to both outputs.
    public let output: String

    /// A failure.
    public init(command: String, status: Int32, output: String) {
        self.command = command
        self.status = status
        self.output = output
    }

    /// All of it.
    public var description: String { "\(command) ended with \(status): \(output)" }
}

/// Runs a program, found by PATH, and waits for it. Throws when it does not end with 0.
///
/// Not by Foundation's `Process`: that takes a program to be running as long as a server it started is.
///
/// - Returns: What it wrote to both outputs.
@discardableResult
public func runCommand(_ command: [String]) throws -> String {
    // A file, not a pipe: a server started by the command would keep a pipe open.
    let path = NSTemporaryDirectory() + "/command-\(UUID().uuidString)"
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw CommandFailure(command: path, status: errno, output: "") }
    defer {
        close(file)
        unlink(path)
    }
    let process = try spawn(command, input: nil, output: file)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    guard status == 0 else {
        throw CommandFailure(command: command.joined(separator: " "), status: status >> 8, output: text)
    }
    return text
}

/// Starts a program, found by PATH, with no other descriptors than its three.
///
/// - Parameters:
///   - command: The program and its arguments.
///   - input: Its standard input; `/dev/null` if nil.
///   - output: Both its outputs; `/dev/null` if nil.
/// - Returns: Its process id.
public func spawn(_ command: [String], input: Int32?, output: Int32?) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor in Int32(0)...2 {
        if let source = descriptor == 0 ? input : output {
            posix_spawn_file_actions_adddup2(&actions, source, descriptor)
        } else {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
    }
    // Closing one that is not open does no harm.
    for descriptor in Int32(3)..<512 { posix_spawn_file_actions_addclose(&actions, descriptor) }
    // Threads of the runtime block signals; a program started by one of them must not.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    let command = ["env", "-C", "/tmp"] + command
    let arguments = command.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process = pid_t()
    let code = posix_spawnp(&process, command[0], &actions, &attributes, arguments, environ)
    guard code == 0 else { throw CommandFailure(command: command[0], status: code, output: "") }
    return process
}

/// Ends a process as soon as this one has ended, however that happens; unless its number is somebody else's by then.
///
/// - Parameter name: what its command line contains
public func endWithThisProcess(_ process: pid_t, named name: String) throws {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw CommandFailure(command: "pipe", status: errno, output: "") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    // The write end stays open as long as this process lives; then `cat` sees the end of its input.
    let script =
        "trap '' INT TERM HUP; cat > /dev/null; grep -aq '\(name)' /proc/\(process)/cmdline && kill -9 \(process)"
    _ = try spawn(["sh", "-c", script], input: ends[0], output: nil)
}
