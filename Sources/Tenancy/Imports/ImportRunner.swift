import Emarsys
public import EventLoop
import FoundationEssentials
import HTTP
import JSON
public import Persistence
import Synchronization

/// Does the work of imports: a job of the `imports` lane.
///
/// The ids of each segment are asked for once and stored in batches: the checkpoint at which another replica goes on. The
/// rows of a batch become contacts in the transaction that marks the batch as done.
public struct ImportRunner: Sendable {
    /// A segment with more contacts is refused.
    public static let mostContacts = 500_000
    /// People per transaction.
    public static let batchSize = 10_000
    /// How often a run may be lost with the process that does it.
    static let mostAttempts = 12

    let database: Database
    let directory: Directory
    let connections: ConnectionService
    let suppressions: SuppressionKeys
    let time: any TimeSource
    let schedule: ImportSchedule

    /// - Parameters:
    ///   - suppressions: keys of the tenants' erased people
    ///   - interval: between runs of a segment that has no interval of its own
    public init(
        database: Database, directory: Directory, connections: ConnectionService, suppressions: SuppressionKeys,
        time: any TimeSource, interval: Duration
    ) {
        self.database = database
        self.directory = directory
        self.connections = connections
        self.suppressions = suppressions
        self.time = time
        schedule = ImportSchedule(interval: interval)
    }

    /// The handlers for the `imports` lane.
    public var handlers: [String: LaneWorker.Handler] {
        [
            "import_due": { try await begin($0) },
            "import_run": { try await work($0) },
        ]
    }

    // MARK: Due segments

    /// Segments whose time has come become one run: somebody in two of them is imported once.
    private func begin(_ job: Job) async throws -> JobOutcome {
        let args = try JSON.parse(job.args)
        guard let segment = args["segment_id"]?.string else { return .finished }
        let alone = args["alone"]?.bool ?? false
        let tenant = job.tenantID
        let now = time.now()
        do {
            try await database.transaction(.tenant(tenant)) { transaction in
                var segments = [segment]
                var trigger = args["trigger"]?.string.flatMap(ImportRun.Trigger.init) ?? .schedule
                if !alone {
                    for row in try await transaction.query(ImportStore.takeDue(tenant, now: now)) {
                        segments.append(try row.get(0))
                        if try row.get(1, as: String.self) == "initial" { trigger = .initial }
                    }
                }
                var selected = Set<String>()
                for row in try await transaction.query(ImportStore.selected(tenant)) { selected.insert(try row.get(0)) }
                segments = Set(segments).intersection(selected).sorted()
                if segments.isEmpty { return }
                let id = try await ImportService.queue(
                    tenant, segments: segments, trigger: trigger, mode: .incremental, dryRun: false, actor: "schedule",
                    in: transaction, now: now)
                // A run is under way: the segments taken go back to their jobs.
                if id == nil { throw RunUnderWay() }
            }
            return .finished
        } catch is RunUnderWay {
            return .again(at: now + .seconds(15), reason: "an import is running", countsAttempt: false)
        }
    }

    // MARK: A run

    private func work(_ job: Job) async throws -> JobOutcome {
        guard let id = try JSON.parse(job.args)["import_id"]?.string.flatMap({ UUID(uuidString: $0) }) else {
            return .finished
        }
        let rows = try await database.run(.tenant(job.tenantID), ImportStore.find(job.tenantID, id))
        guard let run = try ImportStore.runs(rows).first, !run.state.isFinal else { return .finished }
        guard let tenant = try await directory.tenant(id: job.tenantID) else { return .finished }
        let calls = CallCounter()
        do {
            if run.isCancelRequested { throw RunCancelled() }
            var client = try await connections.emarsysClient(for: tenant)
            let counted = client.onCall
            client.onCall = {
                counted?($0)
                calls.add()
            }
            try await note(.running, tenant, run)
            try await perform(run, tenant, client, calls, job)
            return .finished
        } catch {
            _ = try? await database.run(.tenant(tenant.id), ImportStore.addCalls(tenant.id, run.id, calls.take()))
            return try await settle(error, run, tenant, job)
        }
    }

    private func perform(_ run: ImportRun, _ tenant: Tenant, _ client: EmarsysClient, _ calls: CallCounter, _ job: Job)
        async throws
    {
        if run.total == nil { try await fetchIDs(run, tenant, client, calls, job) }
        let frame = try await frame(run, tenant, client)
        try await batches(frame, client, calls, job)
        try await finish(frame, calls)
    }

    /// Asks for the ids of each segment and stores them; no contact is written where a segment is too large.
    ///
    /// Each segment is a checkpoint of its own: Emarsys evaluates one at a time and refuses others meanwhile, so a run that
    /// was interrupted has to go on with the segment that is being evaluated.
    private func fetchIDs(_ run: ImportRun, _ tenant: Tenant, _ client: EmarsysClient, _ calls: CallCounter, _ job: Job)
        async throws
    {
        var fetched = Set<String>()
        for row in try await database.run(.tenant(tenant.id), ImportStore.fetchedSegments(tenant.id, run.id)) {
            fetched.insert(try row.get(0))
        }
        for segment in run.segmentIDs where !fetched.contains(segment) {
            guard let number = Int64(segment) else { throw RunFailure.unknownSegment(segment) }
            try job.lease.checkHeld()
            let ids: [String]
            do {
                ids = try await client.segmentContacts(number, poll: SegmentPollPlan(longestDelay: .seconds(15))) { _ in
                    if try await note(.waiting, tenant, run) { throw RunCancelled() }
                }
            } catch {
                if try await isCancelRequested(run, tenant) { throw RunCancelled() }
                throw error.failureClass == .retry ? error : SegmentFault(segment: segment, error: error)
            }
            let distinct = SegmentIDs(ids.compactMap { Int64($0) })
            guard distinct.count <= Self.mostContacts else { throw RunFailure.tooLarge(segment, distinct.count) }
            try await store(distinct, of: segment, run, tenant, calls)
        }
        try await makeBatches(run, tenant, calls)
    }

    private func store(
        _ ids: SegmentIDs, of segment: String, _ run: ImportRun, _ tenant: Tenant, _ calls: CallCounter
    ) async throws {
        try await database.transaction(.tenant(tenant.id)) { transaction in
            for (part, start) in stride(from: 0, to: max(ids.count, 1), by: 100_000).enumerated() {
                _ = try await transaction.query(
                    ImportStore.insertSegmentIDs(
                        tenant.id, run.id, segment: segment, part: part,
                        ids: Array(ids.sorted[start..<min(start + 100_000, ids.count)])))
            }
            _ = try await transaction.query(ImportStore.addCalls(tenant.id, run.id, calls.take()))
        }
    }

    /// Cuts the ids of all segments, each once, into batches.
    private func makeBatches(_ run: ImportRun, _ tenant: Tenant, _ calls: CallCounter) async throws {
        var ids: [Int64] = []
        for row in try await database.run(.tenant(tenant.id), ImportStore.segmentIDs(tenant.id, run.id)) {
            ids += try row.get(1, as: [Int64].self)
        }
        let all = SegmentIDs(ids).sorted
        let now = time.now()
        let size = Self.batchSize
        try await database.transaction(.tenant(tenant.id)) { transaction in
            _ = try await transaction.query(ImportStore.clearBatches(tenant.id, run.id))
            for (batch, start) in stride(from: 0, to: all.count, by: size).enumerated() {
                _ = try await transaction.query(
                    ImportStore.insertBatch(
                        tenant.id, run.id, batch: batch, ids: Array(all[start..<min(start + size, all.count)])))
            }
            _ = try await transaction.batch([
                ImportStore.fetched(tenant.id, run.id, total: all.count, now: now),
                ImportStore.addCalls(tenant.id, run.id, calls.take()),
                ImportStore.setState(tenant.id, run.id, .running, now: now),
            ])
        }
    }

    /// What the run needs to know of the tenant.
    private func frame(_ run: ImportRun, _ tenant: Tenant, _ client: EmarsysClient) async throws -> ImportFrame {
        let mappings = try await MappingStore.list(tenant.id, in: database)
        let properties = try await CustomPropertyStore.list(tenant.id, in: database)
        let language = tenant.settings.language
        let sources = Set(mappings.flatMap { [$0.source, $0.fallbackSource].compactMap { $0 } })
        let choiceFields = try await client.fields(language: language).filter {
            $0.kind.isChoice && sources.contains($0.id)
        }
        var labels: [Int: ChoiceLabels] = [:]
        if !choiceFields.isEmpty {
            for (field, choices) in try await client.choices(of: choiceFields.map(\.id), language: language) {
                labels[field] = ChoiceLabels(choices)
            }
        }
        let policy = IdentityPolicy(tenant.settings, defaultCountry: tenant.defaultCountry)
        let mapping = RowMapping(
            mappings: mappings, properties: properties, choices: labels,
            salt: "\(policy.defaultCountry ?? "")/\(policy.onlyValidPhone)")
        var segments: [(id: String, now: SegmentIDs, before: SegmentIDs)] = []
        var current: [String: [Int64]] = [:]
        for row in try await database.run(.tenant(tenant.id), ImportStore.segmentIDs(tenant.id, run.id)) {
            current[try row.get(0), default: []] += try row.get(1, as: [Int64].self)
        }
        for segment in run.segmentIDs {
            var former: [Int64] = []
            for row in try await database.run(.tenant(tenant.id), ImportStore.formerIDs(tenant.id, segment: segment)) {
                former += try row.get(0, as: [Int64].self)
            }
            segments.append((segment, SegmentIDs(current[segment] ?? []), SegmentIDs(former)))
        }
        return ImportFrame(
            tenant: tenant, run: run, mapping: mapping, policy: policy,
            suppressions: try await suppressions.key(of: tenant.id, creating: false), segments: segments)
    }

    /// The end of a run that went through: who left, when the next one is, and the news of it.
    private func finish(_ frame: ImportFrame, _ calls: CallCounter) async throws {
        let tenant = frame.tenant.id
        let run = frame.run
        let now = time.now()
        let latest = try ImportStore.runs(try await database.run(.tenant(tenant), ImportStore.find(tenant, run.id)))
            .first
        let counts = latest?.counts ?? run.counts
        let isComplete = counts.rejected + counts.rejectedValues == 0
        var queries = [ImportStore.addCalls(tenant, run.id, calls.take())]
        if !run.isDryRun {
            for segment in frame.segments {
                let left = segment.before.without(segment.now)
                for start in stride(from: 0, to: left.count, by: 50_000) {
                    queries.append(
                        ImportStore.leave(
                            tenant, segment: segment.id, ids: Array(left[start..<min(start + 50_000, left.count)]),
                            now: now))
                }
                queries.append(
                    ImportStore.imported(
                        tenant, segment: segment.id, importID: run.id, size: segment.now.count, now: now))
            }
            queries += ImportStore.forgetFormerIDs(tenant, keeping: run.id)
        } else {
            queries += ImportStore.clearIDs(tenant, run.id)
        }
        queries.append(
            ImportStore.finish(
                tenant, run.id, isComplete ? .succeeded : .succeededWithRejections, failure: nil,
                sample: nil, now: now))
        let selected = try await database.run(.tenant(tenant), ImportStore.selected(tenant))
        queries += try schedule.nextRuns(run, tenant, selected: selected, now: now)
        queries.append(ImportStore.tell(tenant, run.id, now: now))
        if !run.isDryRun { queries.append(ConnectionJobs.checkOptIns(tenant, now: now)) }
        // What is kept for a time only is cleared away once a day.
        queries.append(
            JobStore.enqueue(
                tenant, queue: "maintenance", kind: "retention", uniqueKey: "retention", runAt: now + .seconds(3600),
                now: now))
        _ = try await database.run(.tenant(tenant), queries)
        try? await connections.recordSuccess(tenant)
    }
}

/// Counts calls from several tasks.
final class CallCounter: Sendable {
    private let count = Atomic<Int>(0)

    func add() { count.add(1, ordering: .relaxed) }

    /// The calls since the last time.
    func take() -> Int { count.exchange(0, ordering: .relaxed) }
}

struct RunUnderWay: Error {}
struct RunCancelled: Error {}

/// A failure of one segment, which others of the run need not suffer from.
struct SegmentFault: Error {
    var segment: String
    var error: EmarsysError
}
