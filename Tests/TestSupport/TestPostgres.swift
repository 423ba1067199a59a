import Foundation
import Persistence
import Synchronization

/// The PostgreSQL cluster of this test process.
///
/// `CHARLES_TEST_POSTGRES` (a superuser's connection string in keyword form, without a database) names one that already runs; otherwise
/// the first use starts a private one under the temporary directory, on a Unix socket only. A guard process removes it as
/// soon as the test process ends, however that happens.
public final class TestPostgres: Sendable {
    /// The cluster; started at first use.
    public static let shared: TestPostgres = {
        do { return try TestPostgres() } catch { preconditionFailure("no PostgreSQL for the tests: \(error)") }
    }()

    /// Keywords that reach the cluster as its superuser, to be completed with `dbname=`.
    public let superuser: String
    /// The private cluster's directory; nil for one that already ran.
    public let directory: String?

    private let counter = Atomic<Int>(0)

    private init() throws {
        if let running = ProcessInfo.processInfo.environment["CHARLES_TEST_POSTGRES"], !running.isEmpty {
            superuser = running
            directory = nil
            return
        }
        let directory = "/tmp/charles-test-\(ProcessInfo.processInfo.processIdentifier)"
        try Self.start(in: directory)
        superuser = "host=\(directory) user=postgres"
        self.directory = directory
    }

    private init(directory: String) throws {
        try Self.start(in: directory)
        superuser = "host=\(directory) user=postgres"
        self.directory = directory
    }

    /// A further private cluster, for a test that restarts it.
    public static func separate() throws -> TestPostgres {
        try TestPostgres(directory: "/tmp/" + shared.uniqueName("charles-test"))
    }

    /// A name no other database or role of this cluster has.
    public func uniqueName(_ prefix: String) -> String {
        let number = counter.wrappingAdd(1, ordering: .relaxed).oldValue
        return "\(prefix)_\(ProcessInfo.processInfo.processIdentifier)_\(number)"
    }

    /// Restarts a private cluster, for tests of what happens then: one made by `separate()`.
    public func restart() throws {
        guard let directory else { throw CommandFailure(command: "restart", status: -1, output: "not ours") }
        _ = try Self.run([Self.program("pg_ctl"), "-D", directory + "/data", "-m", "fast", "-w", "restart"])
    }

    private static func start(in directory: String) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        if getuid() == 0 { _ = try run(["chown", "postgres:postgres", directory], asServer: false) }
        try guardianProcess(for: directory)
        let data = directory + "/data"
        _ = try run([
            program("initdb"), "-D", data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8",
            "--no-sync",
        ])
        let settings = [
            "listen_addresses=''", "unix_socket_directories='\(directory)'", "fsync=off", "full_page_writes=off",
            "shared_buffers=64MB", "max_connections=200", "autovacuum_naptime=10s",
            "max_wal_size=256MB", "max_prepared_transactions=4", "jit=off",
        ]
        let file = try String(contentsOfFile: data + "/postgresql.conf", encoding: .utf8)
        try (file + "\n" + settings.joined(separator: "\n") + "\n")
            .write(toFile: data + "/postgresql.conf", atomically: false, encoding: .utf8)
        _ = try run([program("pg_ctl"), "-D", data, "-w", "-l", directory + "/log", "start"])
    }

    /// Waits for this process's end by the pipe between them, then stops the cluster and removes its files.
    private static func guardianProcess(for directory: String) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw CommandFailure(command: "pipe", status: errno, output: "") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let script =
            "trap '' INT TERM HUP; cat > /dev/null; "
            + "'\(program("pg_ctl"))' -D '\(directory)/data' -m immediate stop; rm -rf '\(directory)'"
        // The pipe's other end stays open until this process ends.
        _ = try spawn(asServer(["sh", "-c", script]), input: ends[0], output: nil)
        close(ends[0])
    }

    /// The server refuses to run as root.
    private static func asServer(_ command: [String]) -> [String] {
        guard getuid() == 0 else { return command }
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] + command
    }

    /// A server program by its name: from the path of newest installed version, else from PATH.
    public static func program(_ name: String) -> String {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        for version in versions.sorted(by: { (Int($0) ?? 0) > (Int($1) ?? 0) }) {
            let path = "\(root)/\(version)/bin/\(name)"
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        return name
    }

    private static func run(_ command: [String], asServer isServer: Bool = true) throws -> String {
        try runCommand(isServer ? asServer(command) : command)
    }
}
