import Foundation
import TestSupport

/// Files of `deploy/`, and programs that run them.
enum Deploy {
    /// The repository's root.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// The text of a file below the root.
    static func file(_ path: String) throws -> String {
        try String(contentsOfFile: root + "/" + path, encoding: .utf8)
    }

    /// Whether a program is installed.
    static func has(_ program: String) -> Bool { (try? runCommand(["sh", "-c", "command -v \(program)"])) != nil }

    /// A folder of its own that everybody may enter.
    static func folder(_ name: String) throws -> String {
        let path = "/tmp/" + TestPostgres.shared.uniqueName("charles-\(name)")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try runCommand(["chmod", "755", path])
        return path
    }

    /// The text with each first of a pair, which has to be there, replaced by its second.
    static func adapt(_ text: String, _ changes: [(String, String)]) throws -> String {
        var text = text
        for (old, new) in changes {
            guard text.contains(old) else {
                throw CommandFailure(command: "adapt", status: -1, output: "no \(old) in: \(text)")
            }
            text = text.replacingOccurrences(of: old, with: new)
        }
        return text
    }
}

/// A program that runs in the background until it is dropped.
final class BackgroundProgram {
    private let process: pid_t
    private let name: String

    init(_ command: [String], named name: String) throws {
        self.name = name
        process = try spawn(command, input: nil, output: nil)
        try endWithThisProcess(process, named: name)
    }

    deinit {
        kill(process, SIGTERM)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }
}

/// The nginx of `deploy/nginx` with a wildcard certificate of a CA of its own, in front of two ports.
final class FrontDoor {
    let port: Int
    /// The CA's certificate, for clients.
    let authority: String
    private let folder: String
    private var program: BackgroundProgram?

    init(replicas: [Int]) throws {
        folder = try Deploy.folder("nginx")
        port = try RunningProduct.freePort()
        authority = folder + "/ca.crt"
        try Self.makeCertificates(in: folder)
        let server = try Deploy.adapt(
            try Deploy.file("deploy/nginx/charles-emarsys.conf"),
            [
                ("listen 443 ssl http2;", "listen 127.0.0.1:\(port) ssl http2;"),
                ("127.0.0.1:8080", "127.0.0.1:\(replicas[0])"), ("127.0.0.1:8090", "127.0.0.1:\(replicas[1])"),
                ("/etc/charles-emarsys/", folder + "/"),
            ])
        let main = """
            daemon off;
            pid \(folder)/pid;
            error_log \(folder)/error.log;
            worker_processes 2;
            events { worker_connections 1024; }
            http {
                access_log off;
                client_body_temp_path \(folder)/body; proxy_temp_path \(folder)/proxy; fastcgi_temp_path \(folder)/f;
                uwsgi_temp_path \(folder)/u; scgi_temp_path \(folder)/s;
                \(server)
            }
            """
        try main.write(toFile: folder + "/nginx.conf", atomically: false, encoding: .utf8)
        try runCommand(["nginx", "-t", "-c", folder + "/nginx.conf", "-e", folder + "/error.log"])
        program = try BackgroundProgram(
            ["nginx", "-c", folder + "/nginx.conf", "-e", folder + "/error.log"], named: "nginx")
    }

    deinit {
        program = nil
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// What nginx has complained about.
    var errors: String { (try? String(contentsOfFile: folder + "/error.log", encoding: .utf8)) ?? "" }

    /// Calls an instance through the door with curl, which checks the certificate. Answers status and body.
    func call(_ instance: String, _ path: String, _ headers: [String] = []) throws -> String {
        let host = "\(instance).hello-charles.com"
        return try runCommand(
            [
                "curl", "-sS", "--max-time", "20", "--cacert", authority, "--resolve", "\(host):\(port):127.0.0.1",
                "-w", "%{http_code}",
            ]
                + headers.flatMap { ["-H", $0] } + ["https://\(host):\(port)\(path)"])
    }

    private static func makeCertificates(in folder: String) throws {
        let script = """
            set -e; cd '\(folder)'
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/CN=Rehearsal CA' -keyout ca.key -out ca.crt
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=*.hello-charles.com' -keyout wildcard.key -out wildcard.csr
            printf 'subjectAltName=DNS:*.hello-charles.com' > san
            openssl x509 -req -in wildcard.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile san -out wildcard.crt
            """
        try runCommand(["sh", "-c", script])
    }
}

/// The PgBouncer of `deploy/pgbouncer` in front of a database of the tests' cluster.
final class Pooler {
    let port: Int
    private let folder: String
    private var program: BackgroundProgram?

    /// Since 1.21 it keeps prepared statements for its clients; an older one does not know the setting.
    static var keepsPreparedStatements: Bool {
        let version = (try? runCommand(["pgbouncer", "--version"])) ?? ""
        let parts = version.split(separator: "\n").first?.split(separator: " ").last?.split(separator: ".") ?? []
        return parts.count > 1 && (Int(parts[1]) ?? 0) >= 21
    }

    init(for database: TestDatabase) throws {
        folder = try Deploy.folder("pgbouncer")
        port = try RunningProduct.freePort()
        let keywords = TestPostgres.shared.superuser.split(separator: " ").filter { !$0.hasPrefix("user=") }
        var changes = [
            ("host=127.0.0.1 port=5432 dbname=charles", keywords.joined(separator: " ") + " dbname=\(database.name)"),
            ("listen_port = 6432", "listen_port = \(port)\nunix_socket_dir =\nlogfile = \(folder)/log"),
            ("/etc/pgbouncer/userlist.txt", folder + "/userlist.txt"),
        ]
        if !Self.keepsPreparedStatements { changes.append(("max_prepared_statements = 200\n", "")) }
        let settings = try Deploy.adapt(try Deploy.file("deploy/pgbouncer/pgbouncer.ini"), changes)
        try settings.write(toFile: folder + "/pgbouncer.ini", atomically: false, encoding: .utf8)
        try "\"charles_test\" \"charles_test\"\n".write(
            toFile: folder + "/userlist.txt", atomically: false, encoding: .utf8)
        try runCommand(["chmod", "-R", "a+rwX", folder])
        let command = ["pgbouncer", "-q", folder + "/pgbouncer.ini"]
        let asServer = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        program = try BackgroundProgram(getuid() == 0 ? asServer + command : command, named: "pgbouncer")
    }

    deinit {
        program = nil
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// What the service is told.
    var url: String { "postgresql://charles_test:charles_test@127.0.0.1:\(port)/charles" }
}
