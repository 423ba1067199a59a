public import EventLoop
public import FoundationEssentials
import HTTP
import JSON
public import Persistence

/// The rules of imports: starting, looking at and ending them. ``ImportRunner`` does the work.
public struct ImportService: Sendable {
    private let database: Database
    private let time: any TimeSource

    /// A service over a database.
    public init(database: Database, time: any TimeSource) {
        self.database = database
        self.time = time
    }

    /// Queues a run.
    ///
    /// - Parameters:
    ///   - segment: one of the selected segments; nil means all of them
    ///   - mode: how much is looked at
    ///   - dryRun: whether nothing is written
    ///   - actor: who asks
    /// - Throws: 409 `not_connected`, `import_running`; 422 `unknown_segment`, `no_segment_selected`
    public func start(_ tenant: Tenant, segment: String?, mode: ImportRun.Mode, dryRun: Bool, actor: String)
        async throws
        -> ImportRun
    {
        guard let connection = tenant.connection, connection.status != .disconnected else {
            throw Problem.conflict("not_connected", "There is no connection to Emarsys.")
        }
        let selected = try await database.run(.tenant(tenant.id), ImportStore.selected(tenant.id))
        var segments: [String] = []
        for row in selected { segments.append(try row.get(0)) }
        if let segment {
            guard segments.contains(segment) else {
                throw Problem.invalid("unknown_segment", field: "segment_id", "is not one of the selected segments")
            }
            segments = [segment]
        }
        guard !segments.isEmpty else {
            throw Problem.unprocessable("no_segment_selected", "Select a segment to import first.")
        }
        let now = time.now()
        let id = try await Self.queue(
            tenant.id, segments: segments, trigger: .manual, mode: mode, dryRun: dryRun, actor: actor, in: database,
            now: now)
        guard let id else { throw Problem.conflict("import_running", "An import of this instance is running already.") }
        return try await find(tenant.id, id)
    }

    /// Adds a run and its job in one transaction; nil where one is under way.
    static func queue(
        _ tenant: UUID, segments: [String], trigger: ImportRun.Trigger, mode: ImportRun.Mode, dryRun: Bool,
        actor: String,
        in database: Database, now: Timestamp
    ) async throws -> UUID? {
        try await database.transaction(.tenant(tenant)) { transaction in
            try await queue(
                tenant, segments: segments, trigger: trigger, mode: mode, dryRun: dryRun, actor: actor, in: transaction,
                now: now)
        }
    }

    static func queue(
        _ tenant: UUID, segments: [String], trigger: ImportRun.Trigger, mode: ImportRun.Mode, dryRun: Bool,
        actor: String,
        in transaction: Transaction, now: Timestamp
    ) async throws -> UUID? {
        let id = UUID()
        let rows = try await transaction.query(
            ImportStore.insert(
                tenant, id: id, trigger: trigger, mode: mode, dryRun: dryRun, segments: segments, requestedBy: actor,
                now: now))
        if rows.isEmpty { return nil }
        _ = try await transaction.query(
            JobStore.enqueue(
                tenant, queue: "imports", kind: "import_run",
                args: Array("{\"import_id\":\"\(id.uuidString.lowercased())\"}".utf8),
                uniqueKey: "run:\(id.uuidString.lowercased())", now: now, priority: 0))
        return id
    }

    /// A page of runs, the latest first.
    public func list(_ tenant: UUID, _ page: PageRequest) async throws -> Page<ImportRun> {
        let rows = try await database.run(.tenant(tenant), ImportStore.list(tenant, page))
        return Page(fetched: try ImportStore.runs(rows), request: page) { PageCursor(time: $0.queuedAt, id: $0.id) }
    }

    /// One run. Throws 404 `import_not_found`.
    public func find(_ tenant: UUID, _ id: UUID) async throws -> ImportRun {
        let rows = try await database.run(.tenant(tenant), ImportStore.find(tenant, id))
        guard let run = try ImportStore.runs(rows).first else { throw Problem.notFound("import_not_found") }
        return run
    }

    /// Ends a run at its next batch; what is in stays. Throws 404 `import_not_found`, 409 `import_finished`.
    public func cancel(_ tenant: UUID, _ id: UUID) async throws -> ImportRun {
        let rows = try await database.run(
            .tenant(tenant),
            [ImportStore.requestCancel(tenant, id), ImportStore.cancelQueued(tenant, id, now: time.now())])
        let run = try await find(tenant, id)
        if rows[0].isEmpty { throw Problem.conflict("import_finished", "The import has ended already.") }
        return run
    }

    /// What did not come in, the latest first. Throws 404 `import_not_found`.
    public func rejections(_ tenant: UUID, _ id: UUID, _ page: PageRequest) async throws -> Page<ImportRejection> {
        _ = try await find(tenant, id)
        let rows = try await database.run(.tenant(tenant), ImportStore.rejections(tenant, id, page))
        var items: [ImportRejection] = []
        for row in rows {
            let values: [UInt8] = try row.get(2)
            items.append(
                ImportRejection(
                    id: try row.get(0), code: try row.get(1), values: (try? JSON.parse(values)) ?? .null,
                    contactID: try row.get(3), createdAt: try row.get(4)))
        }
        return Page(fetched: items, request: page) { PageCursor(time: $0.createdAt, id: $0.id) }
    }

    /// The present, for the seconds that a run still needs.
    public func now() -> Timestamp { time.now() }
}
