import Emarsys
import EventLoop
import FoundationEssentials
import HTTP
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
            return .again(at: time.now(), reason: "taken elsewhere", countsAttempt: false)
        }
        if error is RunCancelled {
            try await end(.cancelled, nil, run, tenant, alone: [])
            return .finished
        }
        if error is CancellationError {
            if try await directory.tenant(id: tenant.id)?.connection?.status != .disconnected { throw error }
            try await end(
                .cancelled,
                ImportRun.Failure(
                    code: "not_connected", detail: "The connection was removed.", advice: "Connect again."), run,
                tenant, alone: [])
            return .finished
        }
        if let problem = error as? Problem {
            if problem.code == "connection_paused" { return try await wait(run, tenant, .seconds(30), "paused") }
            try await end(
                .failed,
                ImportRun.Failure(
                    code: problem.code, detail: problem.detail,
                    advice: "Check the connection to Emarsys."), run,
                tenant, alone: [])
            return .finished
        }
        if let failure = error as? RunFailure {
            try await end(.failed, failure.failure, run, tenant, alone: failure.segment.map { [$0] } ?? [])
            return .finished
        }
        if let fault = error as? SegmentFault {
            return try await settle(fault.error, run, tenant, job, alone: [fault.segment])
        }
        if let failure = error as? EmarsysError { return try await settle(failure, run, tenant, job, alone: []) }
        if job.attempt < Self.mostAttempts {
            try await note(.waiting, tenant, run)
            throw error
        }
        try await end(
            .failed,
            ImportRun.Failure(
                code: "internal_error", detail: "The import could not be completed.",
                advice: "Start it again; if that fails, tell us the id of the import."),
            run, tenant, alone: [])
        return .finished
    }

    private func settle(_ error: EmarsysError, _ run: ImportRun, _ tenant: Tenant, _ job: Job, alone: [String])
        async throws
        -> JobOutcome
    {
        if error.origin == .cancelled { return .again(at: time.now(), reason: error.code, countsAttempt: false) }
        if error.failureClass == .retry, job.attempt < Self.mostAttempts {
            let pause = max(
                Duration.seconds(error.retryAfterSeconds ?? 0), .seconds(min(600, 5 << min(job.attempt, 7))))
            _ = try await note(.waiting, tenant, run)
            return .again(at: time.now() + pause, reason: error.code)
        }
        try? await connections.recordFailure(tenant.id, error)
        try await end(
            .failed,
            ImportRun.Failure(
                code: error.code, detail: error.text.isEmpty ? error.code : error.text, advice: error.advice),
            run, tenant, alone: alone)
        return .finished
    }

    private func wait(_ run: ImportRun, _ tenant: Tenant, _ pause: Duration, _ reason: String) async throws
        -> JobOutcome
    {
        try await note(.waiting, tenant, run)
        return .again(at: time.now() + pause, reason: reason, countsAttempt: false)
    }

    private func end(
        _ state: ImportRun.State, _ failure: ImportRun.Failure?, _ run: ImportRun, _ tenant: Tenant, alone: [String]
    ) async throws {
        let now = time.now()
        var queries = ImportStore.clearIDs(tenant.id, run.id)
        queries.append(ImportStore.finish(tenant.id, run.id, state, failure: failure, sample: nil, now: now))
        if tenant.connection?.status != .disconnected {
            queries += try await nextRuns(tenant, run, now: now, alone: Set(alone))
        }
        queries.append(ImportStore.tell(tenant.id, run.id, now: now))
        _ = try await database.run(.tenant(tenant.id), queries)
    }

    /// The next slot of each segment, counted from the end of this run. Dry runs move nothing.
    func nextRuns(_ tenant: Tenant, _ run: ImportRun, now: Timestamp, alone: Set<String>) async throws -> [Query] {
        if run.isDryRun { return [] }
        var queries: [Query] = []
        for row in try await database.run(.tenant(tenant.id), ImportStore.selected(tenant.id)) {
            let segment: String = try row.get(0)
            guard run.segmentIDs.contains(segment) else { continue }
            let hours: Int32? = try row.get(1)
            let due = schedule.next(after: now, tenant: tenant.id, hours: hours.map { Int($0) })
            queries += ImportStore.schedule(
                tenant.id, segment: segment, at: due, alone: alone.contains(segment), now: now)
        }
        return queries
    }
}

/// When a segment is imported again: its interval after the end of the last run, spread over the tenants so that not all of
/// them come at once.
struct ImportSchedule: Sendable {
    let interval: Duration

    /// - Parameter hours: the segment's own interval
    func next(after end: Timestamp, tenant: UUID, hours: Int?) -> Timestamp {
        let pause = hours.map { Duration.seconds($0 * 3600) } ?? interval
        // Up to a hundredth of the interval, at most five minutes, the same for a tenant each time.
        let share = Double(UInt16(tenant.uuid.14) << 8 | UInt16(tenant.uuid.15)) / 65_536
        return end + pause + min(pause / 100, .seconds(300)) * share
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
