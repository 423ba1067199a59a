import Emarsys
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Sandbox
import TestSupport
import Testing

@testable import Persistence
@testable import Tenancy

/// A tenant connected to a sandbox account, and the worker of its imports.
final class ImportWorld: Sendable {
    let files: TestDatabase
    let database: Database
    let server: SandboxServer
    let http: HTTPClient
    let time: ManualTime
    let directory: Directory
    let connections: ConnectionService
    let suppressions: SuppressionKeys
    let service: ImportService
    let runner: ImportRunner
    let tenantID = UUID()

    var account: SandboxAccount { server.account }

    private init(_ server: SandboxServer, _ http: HTTPClient, _ time: ManualTime, group: EventLoopGroup) async throws {
        self.server = server
        self.http = http
        self.time = time
        files = try TestDatabase(group: group)
        database = try files.open()
        let keys = try MasterKeys(parsing: "k:" + Base64Text.key)
        let secrets = SecretBox(database: database, masterKeys: keys, time: time)
        directory = Directory(database: database, secrets: secrets, time: time)
        let access = EmarsysAccess(http: http, policy: EmarsysEndpointPolicy(extraHosts: ["127.0.0.1"]), time: time)
        connections = ConnectionService(
            database: database, secrets: secrets, directory: directory, access: access, time: time)
        suppressions = SuppressionKeys(database: database, secrets: secrets, time: time)
        service = ImportService(database: database, time: time)
        runner = ImportRunner(
            database: database, directory: directory, connections: connections, suppressions: suppressions, time: time,
            interval: .seconds(12 * 3600))
        let id = tenantID.uuidString
        try files.administer(
            "INSERT INTO app.tenants (tenant_id, instance_name, display_name) VALUES ($1::uuid, 'acme', 'Acme')", [id])
        try files.administer("SELECT app.create_lanes($1::uuid)", [id])
        try files.administer(
            "INSERT INTO app.features (tenant_id, feature, enabled, updated_by) VALUES ($1::uuid, 'emarsys', true, 't')",
            [id])
        let connection = UUID()
        let sealed = try await secrets.seal(
            Array(server.info.secret.utf8), table: "connections", column: "secret", tenant: tenantID, row: connection)
        _ = try await database.run(
            .tenant(tenantID),
            Query(
                """
                INSERT INTO app.connections (tenant_id, id, name, auth, principal, secret, base_url, status)
                VALUES ($1, $2, 'c', 'wsse', $3, $4, $5, 'connected')
                """,
                [
                    .uuid(tenantID), .uuid(connection), .text(server.info.username), .bytes(sealed),
                    .text(server.info.baseURL),
                ]))
    }

    /// Runs `body` with a sandbox that serves meanwhile.
    static func run(
        _ change: (inout SandboxOptions) -> Void = { _ in },
        _ body: @escaping @Sendable (ImportWorld) async throws -> Void
    ) async throws {
        var options = SandboxOptions()
        options.contacts = 2500
        options.quirks.evaluationCalls = 0
        options.callsPerMinute = 100_000
        change(&options)
        let group = EventLoopGroup(loops: 1)
        let time = ManualTime()
        let server = try SandboxServer(options, group: group, time: time)
        let http = HTTPClient(group: group)
        let loop = group.next()
        let serving = Task(executorPreference: loop) { try await server.run() }
        let outcome = await Task(executorPreference: loop) {
            try await body(try await ImportWorld(server, http, time, group: group))
        }.result
        http.close()
        serving.cancel()
        _ = await serving.result
        try outcome.get()
    }

    /// Selects segments without importing them.
    func select(_ segments: String...) throws {
        for segment in segments {
            try files.administer(
                "INSERT INTO app.selected_segments (tenant_id, segment_id, name) VALUES ($1::uuid, $2, $2)",
                [tenantID.uuidString, segment])
        }
    }

    func tenant() async throws -> Tenant { try #require(try await directory.tenant(id: tenantID)) }

    /// Queues a run and works until the lane is empty; answers how it ended.
    @discardableResult
    func imported(_ segment: String? = nil, mode: ImportRun.Mode = .incremental, dryRun: Bool = false) async throws
        -> ImportRun
    {
        let run = try await service.start(
            try await tenant(), segment: segment, mode: mode, dryRun: dryRun, actor: "test")
        try await work()
        return try await service.find(tenantID, run.id)
    }

    /// Does the jobs of the imports lane that are due, one after the other.
    func work(atMost count: Int = 20) async throws {
        for _ in 0..<count where try await step() == nil { return }
    }

    /// Does one job; answers what became of it, nil where none was due.
    func step() async throws -> String? {
        let token = UUID()
        let rows = try await database.run(
            .dispatch,
            Query(
                """
                SELECT id, kind, args, attempt, max_attempts FROM app.claim('imports', 1, 1, interval '60 s', $1, $2)
                """, [.uuid(token), .timestamp(time.now())]))
        guard let row = rows.first else { return nil }
        let job = Job(
            tenantID: tenantID, id: try row.get(0), queue: "imports", kind: try row.get(1), args: try row.get(2),
            attempt: try row.get(3), maxAttempts: try row.get(4), lease: JobLease(token: token))
        let handler = try #require(runner.handlers[job.kind])
        let outcome = try await handler(job)
        switch outcome {
        case .finished:
            _ = try await database.run(.dispatch, job.finishStatement)
            return "finished"
        case .again(let at, let reason, let counts, _):
            _ = try await database.run(
                .dispatch,
                Query(
                    "SELECT app.release_job($1, $2, $3, $4, $5, $6, $7)",
                    [
                        .uuid(tenantID), .int8(job.id), .uuid(token), .timestamp(at), .timestamp(time.now()),
                        .text(reason), .bool(counts),
                    ]))
            return "again: \(reason)"
        case .settled, .dead: return "ended"
        }
    }

    func value(_ sql: String) throws -> String? { try files.administer(sql).first?[0] }
}

enum Base64Text {
    static let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
}
