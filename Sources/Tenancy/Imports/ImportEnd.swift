import EventLoop
import FoundationEssentials
import Persistence

/// How a run ends that did not go through: failed or cancelled.
struct ImportEnd {
    var state: ImportRun.State
    var failure: ImportRun.Failure?
    /// Segments that failed by themselves: their next run takes no other along.
    var alone: Set<String> = []
    /// Whether no further run is scheduled: the connection is gone.
    var isLast = false

    /// The statements: ids forgotten, state written, next runs scheduled, the charles instance told.
    ///
    /// - Parameter selected: the answer to ``ImportStore/selected(_:)``
    func queries(_ run: ImportRun, _ tenant: UUID, selected: Rows, schedule: ImportSchedule, now: Timestamp) throws
        -> [Query]
    {
        var queries = ImportStore.clearIDs(tenant, run.id)
        queries.append(ImportStore.finish(tenant, run.id, state, failure: failure, sample: nil, now: now))
        if !isLast {
            queries += try schedule.nextRuns(run, tenant, selected: selected, now: now, alone: alone)
        }
        queries.append(ImportStore.tell(tenant, run.id, now: now))
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

    /// The next slot of each segment, counted from the end of this run. Dry runs move nothing.
    func nextRuns(_ run: ImportRun, _ tenant: UUID, selected: Rows, now: Timestamp, alone: Set<String> = []) throws
        -> [Query]
    {
        if run.isDryRun { return [] }
        var queries: [Query] = []
        for row in selected {
            let segment: String = try row.get(0)
            guard run.segmentIDs.contains(segment) else { continue }
            let hours: Int32? = try row.get(1)
            let due = next(after: now, tenant: tenant, hours: hours.map { Int($0) })
            queries += ImportStore.schedule(tenant, segment: segment, at: due, alone: alone.contains(segment), now: now)
        }
        return queries
    }
}
