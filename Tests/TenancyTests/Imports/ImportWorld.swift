import Emarsys
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Sandbox
import Synchronization
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
    /// Like `time`, but whoever sleeps moves it: waits take no time.
    let hurried: HurriedTime
    let directory: Directory
    let connections: ConnectionService
    let suppressions: SuppressionKeys
    let service: ImportService
    let runner: ImportRunner
    let tenantID = UUID()

    var account: SandboxAccount { server.account }

    private init(
        _ server: SandboxServer, _ http: HTTPClient, _ hurried: HurriedTime, oauth: Bool, group: EventLoopGroup
    ) async throws {
        self.server = server
        self.http = http
        self.hurried = hurried
        let time = hurried.clock
        self.time = time
        files = try TestDatabase(group: group)
        database = try files.open()
        let keys = try MasterKeys(parsing: "k:" + Base64Text.key)
        let secrets = SecretBox(database: database, masterKeys: keys, time: time)
        directory = Directory(database: database, secrets: secrets, time: time)
        let access = EmarsysAccess(http: http, policy: EmarsysEndpointPolicy(extraHosts: ["127.0.0.1"]), time: hurried)
        connections = ConnectionService(
            database: database, secrets: secrets, directory: directory, access: access, time: hurried)
        suppressions = SuppressionKeys(database: database, secrets: secrets, time: time)
        service = ImportService(database: database, time: time)
        runner = ImportRunner(
            database: database, directory: directory, connections: connections, suppressions: suppressions,
            time: hurried, interval: .seconds(12 * 3600))
        let id = tenantID.uuidString
        try files.administer(
            "INSERT INTO app.tenants (tenant_id, instance_name, display_name) VALUES ($1::uuid, 'acme', 'Acme')", [id])
        try files.administer("SELECT app.create_lanes($1::uuid)", [id])
        try files.administer(
            "INSERT INTO app.features (tenant_id, feature, enabled, updated_by) VALUES ($1::uuid, 'emarsys', true, 't')",
            [id])
        let connection = UUID()
        let sealed = try await secrets.seal(
            Array((oauth ? server.info.clientSecret : server.info.secret).utf8), table: "connections", column: "secret",
            tenant: tenantID, row: connection)
        _ = try await database.run(
            .tenant(tenantID),
            Query(
                """
                INSERT INTO app.connections (tenant_id, id, name, auth, principal, secret, base_url, token_url, status)
                VALUES ($1, $2, 'c', $6, $3, $4, $5, $7, 'connected')
                """,
                [
                    .uuid(tenantID), .uuid(connection), .text(oauth ? server.info.clientID : server.info.username),
                    .bytes(sealed), .text(server.info.baseURL), .text(oauth ? "oauth2" : "wsse"),
                    .text(server.info.tokenURL),
                ]))
    }

    /// Runs `body` with a sandbox that serves meanwhile.
    @discardableResult
    static func run<Result: Sendable>(
        _ change: (inout SandboxOptions) -> Void = { _ in }, oauth: Bool = false,
        _ body: @escaping @Sendable (ImportWorld) async throws -> Result
    ) async throws -> Result {
        var options = SandboxOptions()
        options.contacts = 2500
        options.quirks.evaluationCalls = 0
        options.callsPerMinute = 100_000
        change(&options)
        let group = EventLoopGroup(loops: 1)
        let time = HurriedTime()
        let server = try SandboxServer(options, group: group, time: time.clock)
        let http = HTTPClient(group: group)
        let loop = group.next()
        let serving = Task(executorPreference: loop) { try await server.run() }
        let outcome = await Task(executorPreference: loop) {
            try await body(try await ImportWorld(server, http, time, oauth: oauth, group: group))
        }.result
        http.close()
        serving.cancel()
        _ = await serving.result
        return try outcome.get()
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

    /// Works until the latest run has ended, however long it waits in between; answers how it ended.
    @discardableResult
    func ended(_ id: UUID) async throws -> ImportRun {
        for _ in 0..<2000 {
            let run = try await service.find(tenantID, id)
            if run.state.isFinal { return run }
            if try await step() == nil { time.advance(by: .seconds(5)) }
        }
        throw CommandFailure(command: "import", status: -1, output: "did not end")
    }

    /// Queues a run.
    func started(mode: ImportRun.Mode = .incremental, dryRun: Bool = false) async throws -> ImportRun {
        try await service.start(try await tenant(), segment: nil, mode: mode, dryRun: dryRun, actor: "test")
    }

    /// What the contacts are, whatever their ids.
    func contacts() throws -> [[String?]] {
        try files.administer(
            """
            SELECT c.external_reference_id, c.first_name, c.last_name, c.phone, c.email, c.custom_properties::text,
                   (SELECT string_agg(i.kind || i.value || i.status, ',' ORDER BY i.kind, i.value)
                      FROM app.contact_identifiers i WHERE i.contact_id = c.id),
                   (SELECT string_agg(m.segment_id, ',' ORDER BY m.segment_id)
                      FROM app.segment_members m WHERE m.contact_id = c.id AND m.left_at IS NULL)
              FROM app.contacts c WHERE c.merged_into IS NULL ORDER BY c.external_reference_id, c.phone, c.email
            """)
    }

    /// Replaces the mapping, and defines the custom properties that it names: `type` by `name`.
    func map(_ mappings: [FieldMapping], properties: [String: String] = [:]) async throws {
        for (name, type) in properties {
            try files.administer(
                "INSERT INTO app.custom_properties (tenant_id, id, name, type) VALUES ($1::uuid, gen_random_uuid(), $2, $3)",
                [tenantID.uuidString, name, type])
        }
        _ = try await database.run(
            .tenant(tenantID), MappingStore.replace(tenantID, mappings.map { (id: UUID(), mapping: $0) }))
    }

    /// Changes the tenant's settings.
    func set(_ settings: JSON) throws {
        try files.administer(
            "UPDATE app.tenants SET settings = settings || $1::jsonb",
            [String(decoding: settings.encoded(), as: UTF8.self)])
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
        case .again(let at, let reason, let counts, let args):
            _ = try await database.run(
                .dispatch,
                Query(
                    "SELECT app.release_job($1, $2, $3, $4, $5, $6, $7, $8)",
                    [
                        .uuid(tenantID), .int8(job.id), .uuid(token), .timestamp(at), .timestamp(time.now()),
                        .text(reason), .bool(counts), .optional(jsonb: args),
                    ]))
            return "again: \(reason)"
        case .settled, .dead: return "ended"
        }
    }

    func value(_ sql: String) throws -> String? { try files.administer(sql).first?[0] }
}

/// What a closure saw.
final class Noted<Value: Sendable>: Sendable {
    private let content: Mutex<Value>

    init(_ value: Value) { content = Mutex(value) }

    var value: Value { content.withLock { $0 } }

    func note(_ value: Value) { content.withLock { $0 = value } }
}

/// A clock for those who wait for others: sleeping moves it.
final class HurriedTime: TimeSource {
    let clock = ManualTime()
    private let watcher = Mutex<(@Sendable () async throws -> Void)?>(nil)

    func now() -> Timestamp { clock.now() }

    func sleep(until time: Timestamp) async throws {
        try Task.checkCancellation()
        let next = watcher.withLock { watcher in
            defer { watcher = nil }
            return watcher
        }
        if let next { try await next() }
        let pause = time - clock.now()
        if pause > .zero { clock.advance(by: pause) }
    }

    /// Does something the next time that somebody waits.
    func atNextWait(_ body: @escaping @Sendable () async throws -> Void) { watcher.withLock { $0 = body } }
}

enum Base64Text {
    static let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
}
