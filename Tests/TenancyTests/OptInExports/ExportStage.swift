import Emarsys
import EventLoop
import FoundationEssentials
import HTTP
import Persistence
import Sandbox
import TestSupport

@testable import Tenancy

/// A tenant whose Emarsys is a sandbox on loopback, and the exporter between them.
struct ExportStage: Sendable {
    static let field = 501
    static let timestampField = 502

    let world: ConsentWorld
    let server: SandboxServer
    let exporter: OptInExporter
    let sweeper: OptInSweeper

    var account: SandboxAccount { server.account }
    var tenant: UUID { world.tenant.id }

    /// How often contacts were written in Emarsys.
    var writes: Int { account.calls().filter { $0.key.hasPrefix("PUT ") }.values.reduce(0, +) }

    /// A contact linked to the sandbox's contact at an index.
    func linked(_ index: Int, phone: String? = nil) throws -> UUID {
        try world.contact(phone: phone ?? "+49151\(10_000_000 + index)", emarsysID: SandboxAccount.contactID(at: index))
    }

    /// What Emarsys holds for the contact at an index.
    func held(_ index: Int, field: Int = ExportStage.field) -> String? {
        guard case .text(let text) = account.value(field, of: SandboxAccount.contactID(at: index)) else { return nil }
        return text
    }

    func drain() async throws { try await exporter.drain(tenantID: tenant) }

    /// Error code and state of a contact's latest export.
    func fault(_ contact: UUID) throws -> [String?] {
        try world.files.administer(
            """
            SELECT state, last_error ->> 'code' FROM app.opt_in_exports WHERE contact_id = $1::uuid
             ORDER BY created_at DESC LIMIT 1
            """, [contact.uuidString]
        ).first ?? []
    }

    static func run(
        timestamps: Bool = false, createMissing: Bool = false, limits: OptInExporter.Limits = OptInExporter.Limits(),
        _ change: (inout SandboxOptions) -> Void = { _ in },
        _ body: @escaping @Sendable (ExportStage) async throws -> Void
    ) async throws {
        var options = SandboxOptions()
        options.contacts = 2000
        change(&options)
        let world = try ConsentWorld(
            field: String(field), timestampField: timestamps ? String(timestampField) : nil,
            createMissing: createMissing)
        let group = world.files.group
        let server = try SandboxServer(options, group: group, time: world.time)
        let http = HTTPClient(group: group)
        let shared = EmarsysSharedState()
        let info = server.info
        let clients: OptInExporter.Clients = { tenant in
            EmarsysClient(
                connection: EmarsysConnection(
                    key: tenant.uuidString, credential: .wsse(username: info.username, secret: info.secret),
                    baseURL: info.baseURL),
                http: http, shared: shared, time: world.time, policy: EmarsysEndpointPolicy(extraHosts: ["127.0.0.1"]))
        }
        let stage = ExportStage(
            world: world, server: server,
            exporter: OptInExporter(database: world.database, clients: clients, time: world.time, limits: limits),
            sweeper: OptInSweeper(database: world.database, clients: clients, time: world.time))
        let loop = group.next()
        let serving = Task(executorPreference: loop) { try await server.run() }
        let outcome = await Task(executorPreference: loop) { try await body(stage) }.result
        serving.cancel()
        _ = await serving.result
        try outcome.get()
    }
}
