import Emarsys
public import EventLoop
public import FoundationEssentials
import HTTP
import JSON
public import Persistence

/// The rules of imports: starting, looking at and ending them. ``ImportRunner`` does the work.
public struct ImportService: Sendable {
    private let database: Database
    private let catalogue: AccountCatalogue?
    private let time: any TimeSource
    private let schedule: ImportSchedule

    /// A service over a database.
    ///
    /// - Parameters:
    ///   - catalogue: what the Emarsys account holds; without it only selected segments can be imported
    ///   - interval: between runs of a segment that has no interval of its own
    public init(
        database: Database, catalogue: AccountCatalogue? = nil, time: any TimeSource,
        interval: Duration = .seconds(12 * 3600)
    ) {
        self.database = database
        self.catalogue = catalogue
        self.time = time
        schedule = ImportSchedule(interval: interval)
    }

    /// Queues a run.
    ///
    /// - Parameters:
    ///   - segment: a segment of the account, to look at by a dry run or to import once even where it is not selected;
    ///     nil means all selected ones
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
        let now = time.now()
        let segments = try await segments(tenant, segment)
        guard !segments.isEmpty else {
            throw Problem.unprocessable("no_segment_selected", "Select a segment to import first.")
        }
        let pending = try await database.run(.tenant(tenant.id), ImportStore.isInitialPending(tenant.id, now: now))
        if try pending.first?.get(0) == true {
            throw Problem.conflict("import_running", "The first import of a selected segment is about to begin.")
        }
        let id = try await Self.queue(
            tenant.id, segments: segments, trigger: .manual, mode: mode, dryRun: dryRun, actor: actor, in: database,
            now: now)
        guard let id else { throw Problem.conflict("import_running", "An import of this instance is running already.") }
        return try await find(tenant.id, id)
    }

    /// What a run asked for takes in.
    private func segments(_ tenant: Tenant, _ segment: String?) async throws -> [String] {
        var selected: [String] = []
        for row in try await database.run(.tenant(tenant.id), ImportStore.selected(tenant.id)) {
            selected.append(try row.get(0))
        }
        guard let segment else { return selected }
        if selected.contains(segment) { return [segment] }
        guard let known = try await catalogue?.segments(of: tenant) else {
            throw Problem.invalid("unknown_segment", field: "segment_id", "is not one of the selected segments")
        }
        guard known.contains(where: { String($0.id) == segment }) else {
            throw Problem.invalid("unknown_segment", field: "segment_id", "is not a segment of the Emarsys account")
        }
        return [segment]
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
                uniqueKey: jobKey(id), now: now, priority: 0))
        return id
    }

    /// The key of a run's job.
    static func jobKey(_ id: UUID) -> String { "run:\(id.uuidString.lowercased())" }

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

    /// Ends a run: at once where nobody works on it right now, else at its next batch. What is in stays. Throws 404
    /// `import_not_found`, 409 `import_finished`.
    public func cancel(_ tenant: Tenant, _ id: UUID) async throws -> ImportRun {
        let run = try await find(tenant.id, id)
        let now = time.now()
        try await database.transaction(.tenant(tenant.id)) { transaction in
            if try await transaction.query(ImportStore.requestCancel(tenant.id, id)).isEmpty {
                throw Problem.conflict("import_finished", "The import has ended already.")
            }
            // Queued, paused or waiting for another try: its job may not come for a long time.
            _ = try await transaction.query(ImportStore.takeWaitingJob(tenant.id, id))
            // Asked after that one has waited for whoever was about to take the job.
            if try await transaction.query(ImportStore.isWorkedOn(tenant.id, id))[0].get(0) { return }
            let selected = try await transaction.query(ImportStore.selected(tenant.id))
            _ = try await transaction.batch(
                try ImportEnd(state: .cancelled, isLast: tenant.connection?.status == .disconnected).queries(
                    run, tenant.id, selected: selected, schedule: schedule, now: now))
        }
        return try await find(tenant.id, id)
    }

    /// What did not come in, the latest first. Throws 404 `import_not_found`.
    ///
    /// - Parameter codes: only these reasons; nil means all
    public func rejections(
        _ tenant: UUID, _ id: UUID, codes: [String]? = nil, _ page: PageRequest
    ) async throws -> Page<ImportRejection> {
        _ = try await find(tenant, id)
        let rows = try await database.run(.tenant(tenant), ImportStore.rejections(tenant, id, codes: codes, page))
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

    /// How often each reason kept something out, the most frequent first. Throws 404 `import_not_found`.
    public func rejectionReasons(_ tenant: UUID, _ id: UUID) async throws -> [(code: String, count: Int)] {
        _ = try await find(tenant, id)
        let rows = try await database.run(.tenant(tenant), ImportStore.rejectionReasons(tenant, id))
        return try rows.map { (code: try $0.get(0), count: Int(try $0.get(1, as: Int64.self))) }
    }

    /// The present, for the seconds that a run still needs.
    public func now() -> Timestamp { time.now() }
}
