import Emarsys
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence

extension ImportRunner {
    /// Notes where the run stands. Answers whether somebody wants it to end.
    @discardableResult
    func note(_ state: ImportRun.State, _ tenant: Tenant, _ run: ImportRun) async throws -> Bool {
        let rows = try await database.run(
            .tenant(tenant.id), ImportStore.setState(tenant.id, run.id, state, now: time.now()))
        return try rows.first?.get(0) ?? true
    }

    func isCancelRequested(_ run: ImportRun, _ tenant: Tenant) async throws -> Bool {
        let rows = try await database.run(.tenant(tenant.id), ImportStore.isCancelRequested(tenant.id, run.id))
        return try rows.first?.get(0) ?? true
    }

    /// What becomes of a run that did not go through.
    func settle(_ error: any Error, _ run: ImportRun, _ tenant: Tenant, _ job: Job) async throws -> JobOutcome {
        // Another worker has it, or the service stops: nothing is noted, the checkpoint stands.
        if error is BatchTakenElsewhere || !job.lease.isHeld {
            return .again(at: time.now() + .seconds(1), reason: "taken elsewhere", countsAttempt: false)
        }
        if Task.isCancelled { throw CancellationError() }
        let connection: StoredConnection?
        let current: Tenant
        do {
            connection = try await connections.connection(of: tenant)
            current = try await directory.tenant(id: tenant.id) ?? tenant
        } catch {
            // The database is away: nothing can be noted, and the checkpoint stands.
            return .again(at: time.now() + .seconds(2), reason: "database away", countsAttempt: false)
        }
        if connection?.status ?? .disconnected == .disconnected {
            let failure = ImportRun.Failure(
                code: "not_connected", detail: "The connection was removed.", advice: "Connect again.")
            var end = ImportEnd(state: .cancelled, failure: failure)
            end.isLast = true
            return try await self.end(end, run, tenant)
        }
        if error is RunCancelled { return try await end(ImportEnd(state: .cancelled), run, tenant) }
        if current.isHeldBack || (error as? Problem)?.code == "connection_paused" {
            _ = try await note(.waiting, tenant, run)
            // The lane is closed; it opens when the tenant goes on.
            return .again(at: time.now() + .seconds(1), reason: "paused", countsAttempt: false)
        }
        switch error {
        case let problem as Problem:
            let failure = ImportRun.Failure(
                code: problem.code, detail: problem.detail, advice: "Check the connection to Emarsys.")
            return try await end(ImportEnd(state: .failed, failure: failure), run, tenant)
        case let failure as RunFailure:
            let alone = Set(failure.segment.map { [$0] } ?? [])
            return try await end(ImportEnd(state: .failed, failure: failure.failure, alone: alone), run, tenant)
        case let fault as SegmentFault:
            return try await settle(fault.error, run, tenant, job, alone: [fault.segment])
        case let failure as EmarsysError: return try await settle(failure, run, tenant, job, alone: [])
        default:
            let passes = (error as? DatabaseError).map { !$0.isCausedByInput && $0.code != .decoding } ?? false
            if let again = try await again(run, tenant, job, reason: "internal_error", isOurs: !passes) { return again }
            let failure = ImportRun.Failure(
                code: "internal_error", detail: "The import could not be completed.",
                advice: "Start it again; if that fails, tell us the id of the import.")
            return try await end(ImportEnd(state: .failed, failure: failure), run, tenant)
        }
    }

    private func settle(_ error: EmarsysError, _ run: ImportRun, _ tenant: Tenant, _ job: Job, alone: Set<String>)
        async throws -> JobOutcome
    {
        if error.failureClass == .retry,
            let again = try await again(run, tenant, job, reason: error.code, asked: error.retryAfterSeconds)
        {
            return again
        }
        try? await connections.recordFailure(tenant.id, error)
        var detail = error.text.isEmpty ? error.code : error.text
        if let permission = error.permission { detail = "The API user lacks the permission \(permission): \(detail)" }
        let failure = ImportRun.Failure(code: error.code, detail: detail, advice: error.advice)
        return try await end(ImportEnd(state: .failed, failure: failure, alone: alone), run, tenant)
    }

    /// Another try a little later; nil where patience is at its end.
    private func again(
        _ run: ImportRun, _ tenant: Tenant, _ job: Job, reason: String, asked: Int? = nil, isOurs: Bool = false
    ) async throws -> JobOutcome? {
        // A job whose lease ran out again and again takes its process with it.
        guard job.attempt < Self.mostAttempts else { return nil }
        var patience = ImportPatience(args: (try? JSON.parse(job.args)) ?? .null)
        let now = time.now()
        var hasProgressed = false
        // Where the database is away, waiting is all there is to do.
        if let rows = try? await database.run(.tenant(tenant.id), ImportStore.find(tenant.id, run.id)),
            let latest = try ImportStore.runs(rows).first
        {
            hasProgressed = latest.done > run.done || latest.total != run.total
        }
        guard
            case .again(let pause) = patience.failed(
                at: now, hasProgressed: hasProgressed, asked: asked, isOurs: isOurs)
        else { return nil }
        _ = try? await note(.waiting, tenant, run)
        return .again(
            at: now + pause, reason: reason, countsAttempt: false, args: patience.args(import: run.id))
    }

    private func end(_ end: ImportEnd, _ run: ImportRun, _ tenant: Tenant) async throws -> JobOutcome {
        let selected = try await database.run(.tenant(tenant.id), ImportStore.selected(tenant.id))
        _ = try await database.run(
            .tenant(tenant.id),
            try end.queries(run, tenant.id, selected: selected, schedule: schedule, now: time.now()))
        return .finished
    }
}

extension Tenant {
    /// Whether imports have to wait: paused, switched off or suspended.
    fileprivate var isHeldBack: Bool {
        connection?.isPaused == true || !features.contains(.emarsys) || status != .active
    }
}

/// A run that cannot succeed as it stands.
struct RunFailure: Error {
    var failure: ImportRun.Failure
    var segment: String?

    static func tooLarge(_ segment: String, _ count: Int) -> RunFailure {
        RunFailure(
            failure: ImportRun.Failure(
                code: "segment_too_large",
                detail:
                    "Segment \(segment) has \(count) contacts; at most \(ImportRunner.mostContacts) can be imported.",
                advice: "Split the segment in Emarsys and select the parts."), segment: segment)
    }

    static func unknownSegment(_ segment: String) -> RunFailure {
        RunFailure(
            failure: ImportRun.Failure(
                code: "segment_not_found", detail: "\(segment) is not the id of a segment.",
                advice: "Choose another segment."),
            segment: segment)
    }

    static let noRows = RunFailure(
        failure: ImportRun.Failure(
            code: "no_rows", detail: "Emarsys named contacts of the segment and sent none of them.",
            advice: "Check that the API user may read contacts (contact.getdata)."))
}
