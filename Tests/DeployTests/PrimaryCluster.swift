import Foundation
import Persistence
import TestSupport

/// A PostgreSQL cluster of its own with the settings of `deploy/postgresql`, archiving its WAL, and what is made of its backups.
final class PrimaryCluster {
    /// Keywords that reach it as superuser, without a database.
    let superuser: String
    /// Where backups and archived WAL are.
    let backups: String
    private let folder: String
    private var running: [String] = []

    init() throws {
        folder = try Deploy.folder("primary")
        backups = folder + "/backups"
        superuser = "host=\(folder) port=5432 user=postgres"
        try FileManager.default.createDirectory(atPath: backups + "/wal", withIntermediateDirectories: true)
        if getuid() == 0 { try runCommand(["chown", "-R", "postgres:postgres", folder]) }
        let settings = try Deploy.adapt(
            try Deploy.file("deploy/postgresql/charles.conf") + Deploy.file("deploy/postgresql/archive.conf"),
            [
                ("/var/backups/charles", backups), ("shared_buffers = 1GB", "shared_buffers = 64MB"),
                ("wal_keep_size = 1GB", "wal_keep_size = 64MB"), ("archive_timeout = 60s", "archive_timeout = 1s"),
            ])
        let data = folder + "/data"
        try Self.run([
            TestPostgres.program("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
            "--locale=C.UTF-8", "--no-sync",
        ])
        let file = data + "/postgresql.conf"
        try (String(contentsOfFile: file, encoding: .utf8) + settings + "\nfsync = off\n")
            .write(toFile: file, atomically: false, encoding: .utf8)
        try start(data, port: 5432)
    }

    deinit {
        for data in running {
            _ = try? Self.run([TestPostgres.program("pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop"])
        }
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Takes a base backup as `deploy/backup/backup` does.
    func backUp() throws {
        try Self.run(["\(Deploy.root)/deploy/backup/backup", superuser, backups])
    }

    /// Restores the cluster as it was at a moment, starts it, and answers keywords of its superuser.
    func restored(to moment: String, port: Int) throws -> String {
        let data = "\(folder)/restored-\(port)"
        try Self.run(["\(Deploy.root)/deploy/backup/restore", backups, moment, data])
        try start(data, port: port)
        let keywords = "host=\(folder) port=\(port) user=postgres"
        try waitUntil("pg_is_in_recovery() = false", keywords)
        return keywords
    }

    /// A streaming replica, caught up; answers keywords of its superuser.
    func replica(port: Int) throws -> String {
        let data = "\(folder)/replica-\(port)"
        try Self.run([
            TestPostgres.program("pg_basebackup"), "--dbname=\(superuser)", "--pgdata=\(data)", "--write-recovery-conf",
            "--wal-method=stream", "--checkpoint=fast",
        ])
        try start(data, port: port)
        return "host=\(folder) port=\(port) user=postgres"
    }

    /// Waits until a condition holds.
    func waitUntil(_ condition: String, _ keywords: String, database: String = "postgres") throws {
        for _ in 0..<200 {
            let rows = try? PlainConnection(keywords + " dbname=\(database)").query("SELECT \(condition)")
            if rows?[0][0] == "t" { return }
            usleep(50_000)
        }
        throw CommandFailure(command: condition, status: -1, output: "does not come true")
    }

    private func start(_ data: String, port: Int) throws {
        try Self.run([
            TestPostgres.program("pg_ctl"), "-D", data, "-w", "-t", "60", "-l", "\(folder)/log-\(port)", "-o",
            "-k '\(folder)' -p \(port) -c listen_addresses=''", "start",
        ])
        running.append(data)
    }

    /// Programs of PostgreSQL refuse to run as root, and the scripts call them by name.
    @discardableResult
    private static func run(_ command: [String]) throws -> String {
        let programs = URL(fileURLWithPath: TestPostgres.program("pg_ctl")).deletingLastPathComponent().path
        let named = ["env", "PATH=\(programs):/usr/bin:/bin"] + command
        guard getuid() == 0 else { return try runCommand(named) }
        return try runCommand(["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] + named)
    }
}
