import EventLoop
import Foundation
public import HTTP
public import JSON
import Sandbox

/// The program itself, running as it would for a user: migrated database, `serve`, and a simulated Emarsys account.
///
/// For tests of what only the whole shows: pages in a browser, restarts, the command line.
public final class RunningProduct: @unchecked Sendable {
    // Unchecked: `process` and `environment` are changed by `launch`, `stop` and `kill` alone, which a test calls one after the other.

    /// The port of the instances' and operators' hosts.
    public let port: Int
    /// The port of the management listener.
    public let managementPort: Int
    /// The database it serves from.
    public let database: TestDatabase
    /// The bootstrap operator's token.
    public let operatorToken = "op_token_for_tests_0123456789"

    private var environment: [String]
    private let domain: String
    private let log: String
    private var process: pid_t = 0
    private let client: HTTPClient

    /// Starts the program and waits until it is ready.
    ///
    /// - Parameters:
    ///   - settings: further settings, or others than usual
    ///   - database: the database to serve from; one of its own unless given
    public static func start(
        _ settings: [String: String] = [:], on database: TestDatabase? = nil
    ) async throws -> RunningProduct {
        let product = try RunningProduct(settings, database)
        try await product.launch()
        return product
    }

    /// Starts another replica over the same database.
    public func replica(_ settings: [String: String] = [:]) async throws -> RunningProduct {
        try await Self.start(settings, on: database)
    }

    private init(_ settings: [String: String], _ shared: TestDatabase?) throws {
        database = try shared ?? TestDatabase()
        let domains = settings["CHARLES_BASE_DOMAINS"] ?? "localhost"
        domain = String(domains.prefix { $0 != "," })
        port = try Self.freePort()
        managementPort = try Self.freePort()
        log = NSTemporaryDirectory() + "/charles-product-\(UUID().uuidString).log"
        client = HTTPClient(group: self.database.group)
        let usual = [
            "DATABASE_URL": self.database.serviceURL, "CHARLES_BASE_DOMAINS": "localhost",
            "CHARLES_LISTEN": "127.0.0.1:\(port)", "CHARLES_MANAGEMENT_LISTEN": "127.0.0.1:\(managementPort)",
            "CHARLES_MASTER_KEYS": "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
            "CHARLES_OPERATOR_TOKEN": operatorToken, "CHARLES_EMARSYS_HOSTS": "127.0.0.1",
            "CHARLES_TRUSTED_PROXIES": "127.0.0.1", "CHARLES_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
        ]
        environment = usual.merging(settings) { $1 }.map { "\($0.key)=\($0.value)" }
    }

    deinit {
        if process > 0 { Glibc.kill(process, SIGKILL) }
        unlink(log)
    }

    /// Starts it again after a stop, with other settings.
    public func launch(changing settings: [String: String]) async throws {
        environment.removeAll { line in settings.keys.contains { line.hasPrefix($0 + "=") } }
        environment += settings.map { "\($0.key)=\($0.value)" }
        try await launch()
    }

    /// Starts it, again after a stop.
    public func launch() async throws {
        let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        defer { close(output) }
        process = try spawn(["env"] + environment + [try Self.program(), "serve"], input: nil, output: output)
        try endWithThisProcess(process, named: "charles-emarsys")
        for _ in 0..<600 {
            if let answer = try? await send(.get, "/readyz", port: managementPort, host: nil), answer.status == .ok {
                return
            }
            try await Task.sleep(for: .milliseconds(25))
        }
        throw CommandFailure(command: "serve", status: -1, output: logText)
    }

    /// SIGTERM; waits for the end. Returns the exit status.
    @discardableResult
    public func stop() -> Int32 { end(SIGTERM) }

    /// SIGKILL; waits for the end.
    public func kill() { end(SIGKILL) }

    @discardableResult
    private func end(_ signal: Int32) -> Int32 {
        guard process > 0 else { return 0 }
        Glibc.kill(process, signal)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        process = 0
        return status
    }

    /// Sends it a signal, such as SIGHUP.
    public func signal(_ signal: Int32) { if process > 0 { Glibc.kill(process, signal) } }

    /// Asks the management listener.
    public func manage(_ path: String) async throws -> (status: HTTPStatus, text: String) {
        let answer = try await send(.get, path, port: managementPort, host: nil)
        return (answer.status, String(decoding: answer.body, as: UTF8.self))
    }

    /// The settings it runs with, for the command line beside it.
    public var settings: [String] { environment }

    /// All it has logged.
    public var logText: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    /// Sends a request to a host of the base domain and reads the JSON of the answer.
    public func call(
        _ method: HTTPMethod, host: String, _ path: String, _ body: JSON? = nil, headers: HTTPHeaders = [:]
    ) async throws -> (status: HTTPStatus, json: JSON) {
        var fields = headers
        if body != nil { fields["Content-Type"] = "application/json" }
        let answer = try await send(method, path, port: port, host: host, fields, body?.encoded() ?? [])
        return (answer.status, (try? JSON.parse(answer.body)) ?? .null)
    }

    /// Posts bytes as they are.
    public func post(
        _ path: String, host: String, _ body: [UInt8], authorization: String
    ) async throws -> (status: Int, json: JSON, headers: HTTPHeaders) {
        let answer = try await send(
            .post, path, port: port, host: host,
            ["Content-Type": "application/json", "Authorization": authorization], body)
        return (answer.status.code, (try? JSON.parse(answer.body)) ?? .null, answer.headers)
    }

    /// The whole answer to a request, its header included.
    public func answer(
        _ method: HTTPMethod, host: String, _ path: String, _ body: JSON? = nil, headers: HTTPHeaders = [:]
    ) async throws -> HTTPClientResponse {
        var fields = headers
        if body != nil { fields["Content-Type"] = "application/json" }
        return try await send(method, path, port: port, host: host, fields, body?.encoded() ?? [])
    }

    /// Sends bytes as they are and reads the head of what comes back; what follows, such as a stream, is left.
    public func head(ofAnswerTo request: String) throws -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw CommandFailure(command: "connect", status: errno, output: "") }
        // The server may close before it has read everything: then what it said is what counts.
        _ = Array(request.utf8).withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        var read: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while !String(decoding: read, as: UTF8.self).contains("\r\n\r\n") {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { break }
            read += chunk[..<count]
        }
        return String(decoding: read, as: UTF8.self)
    }

    /// Sends a request and gives the whole answer.
    ///
    /// - Parameter raw: a body as it is, instead of JSON
    public func exchange(
        _ method: HTTPMethod, host: String, _ path: String, _ body: JSON? = nil, raw: String? = nil,
        headers: HTTPHeaders = [:]
    ) async throws -> HTTPClientResponse {
        var fields = headers
        if body != nil || raw != nil { fields["Content-Type"] = "application/json" }
        return try await send(
            method, path, port: port, host: host, fields, raw.map { Array($0.utf8) } ?? body?.encoded() ?? [])
    }

    /// The same as an operator.
    public func callOperator(_ method: HTTPMethod, _ path: String, _ body: JSON? = nil) async throws -> JSON {
        let answer = try await call(
            method, host: "operator", path, body, headers: ["Authorization": "Bearer \(operatorToken)"])
        guard answer.status.code < 300 else {
            throw CommandFailure(command: path, status: Int32(answer.status.code), output: "\(answer.json)")
        }
        return answer.json["data"]?[0] ?? .null
    }

    /// Makes an instance with both features and a key of every permission.
    ///
    /// - Returns: the key
    public func makeInstance(_ name: String, displayName: String? = nil) async throws -> String {
        _ = try await callOperator(
            .post, "/api/v0/tenants",
            [
                "instance_name": .string(name), "display_name": .string(displayName ?? name),
                "time_zone": "Europe/Berlin",
                "default_currency": "EUR", "default_country": "DE",
            ])
        for feature in ["emarsys", "order_events"] {
            _ = try await callOperator(.put, "/api/v0/tenants/\(name)/features/\(feature)", ["enabled": true])
        }
        let key = try await callOperator(
            .post, "/api/v0/tenants/\(name)/api_keys",
            ["name": "test", "permissions": ["read", "write", "consent", "erase", "admin"]])
        return key["key"]?.string ?? ""
    }

    private func send(
        _ method: HTTPMethod, _ path: String, port: Int, host: String?, _ headers: HTTPHeaders = [:],
        _ body: [UInt8] = []
    ) async throws -> HTTPClientResponse {
        guard let url = HTTPURL("http://127.0.0.1:\(port)\(path)") else {
            throw CommandFailure(command: path, status: -1, output: "no URL")
        }
        var fields = headers
        if let host { fields["X-Forwarded-Host"] = "\(host).\(domain)" }
        return try await client.send(
            HTTPClientRequest(method: method, url: url, headers: fields, body: body, addressPolicy: .any))
    }

    /// The program, beside the tests.
    public static func program() throws -> String {
        let tests = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        var folder = tests.deletingLastPathComponent()
        for _ in 0..<4 {
            let path = folder.appendingPathComponent("charles-emarsys").path
            if FileManager.default.isExecutableFile(atPath: path) { return path }
            folder = folder.deletingLastPathComponent()
        }
        throw CommandFailure(command: "charles-emarsys", status: -1, output: "not beside \(tests.path)")
    }

    /// A port that was free a moment ago.
    public static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard code == 0 else { throw CommandFailure(command: "bind", status: errno, output: "") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
