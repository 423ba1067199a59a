import EventLoop
import Foundation
import Persistence
import TestSupport
import Testing

@Suite("behind PgBouncer in transaction mode", .enabled(if: PgBouncer.isInstalled))
struct PgBouncerTests {
    @Test("scopes, transactions, COPY and cancelling work, and no tenant leaks between clients")
    func transactionMode() async throws {
        let scratch = try ScratchDatabase(loops: 2)
        let bouncer = try PgBouncer(for: scratch)
        var configuration = DatabaseConfiguration(url: bouncer.url)
        configuration.preparesStatements = bouncer.keepsPreparedStatements
        configuration.connectionsPerLoop = 4
        let database = try Database(configuration, group: scratch.group)
        // Eight connections here share two there.
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<200 {
                group.addTask(executorPreference: scratch.group.loops[number % 2]) {
                    if number % 5 == 0 {
                        let row = try await database.read(
                            .resolver, Query("SELECT current_setting('app.tenant', true), current_user"))[0]
                        return try (row.get(0, as: String?.self) ?? "") == "" && row.get(1) == "scratch_app"
                    }
                    let id = UUID()
                    let insert = Query("INSERT INTO app.note (tenant_id, id) VALUES ($1, $2)", [.uuid(id), .int8(1)])
                    let rows = try await database.run(.tenant(id), [insert, Query("SELECT count(*) FROM app.note")])
                    return try rows[1][0].get(0, as: Int.self) == 1
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
        let tenant = UUID()
        let copied = try await database.transaction(.tenant(tenant)) { transaction in
            _ = try await transaction.query(Query("CREATE TEMP TABLE staging (n int) ON COMMIT DROP"))
            var chunk: [UInt8]? = Array("1\n2\n".utf8)
            return try await transaction.copyIn("COPY staging FROM STDIN") {
                defer { chunk = nil }
                return chunk
            }
        }
        #expect(copied == 2)
        await #expect {
            try await database.transaction(.tenant(tenant), statementTimeout: .milliseconds(100)) {
                _ = try await $0.query(Query("SELECT pg_sleep(30)"))
            }
        } throws: { error in
            (error as? DatabaseError)?.code == .timedOut
        }
        _ = try await database.run(.tenant(tenant), Query("SELECT app.tenant()"))
        await database.close()
    }
}

/// A PgBouncer of its own in front of a scratch database.
final class PgBouncer {
    static var isInstalled: Bool { (try? runCommand(["pgbouncer", "--version"])) != nil }

    private let directory: String
    private let process: pid_t
    let url: String
    /// Since 1.21 it renames and keeps prepared statements for its clients.
    let keepsPreparedStatements: Bool

    init(for scratch: ScratchDatabase) throws {
        let version = try runCommand(["pgbouncer", "--version"])
        let minor = version.split(separator: "\n").first?.split(separator: ".").last.flatMap { _ in
            version.split(separator: " ").dropFirst().first?.split(separator: ".").dropFirst().first.flatMap { Int($0) }
        }
        keepsPreparedStatements = (minor ?? 0) >= 21
        directory = "/tmp/" + TestPostgres.shared.uniqueName("bouncer")
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let keywords = TestPostgres.shared.superuser.split(separator: " ").filter { !$0.hasPrefix("user=") }
        let settings = """
            [databases]
            bounced = \(keywords.joined(separator: " ")) dbname=\(scratch.name) user=scratch_login pool_size=2
            [pgbouncer]
            listen_addr =
            unix_socket_dir = \(directory)
            listen_port = 6432
            auth_type = any
            pool_mode = transaction
            server_reset_query_always = 0
            \(keepsPreparedStatements ? "max_prepared_statements = 200" : "")
            logfile = \(directory)/log
            """
        try settings.write(toFile: directory + "/pgbouncer.ini", atomically: false, encoding: .utf8)
        try runCommand(["chmod", "-R", "a+rwX", directory])
        let command = ["pgbouncer", "-q", directory + "/pgbouncer.ini"]
        process = try spawn(
            getuid() == 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] + command : command,
            input: nil, output: nil)
        url = "host=\(directory) port=6432 user=scratch_login dbname=bounced"
        var attempts = 0
        while (try? PlainConnection(url)) == nil, attempts < 100 {
            attempts += 1
            usleep(50_000)
        }
    }

    deinit {
        kill(process, SIGTERM)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        try? FileManager.default.removeItem(atPath: directory)
    }
}
