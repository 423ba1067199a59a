import EventLoop
import Persistence
import Synchronization

/// The workers of a serving process, one for each queue that has handlers here.
final class JobBoard: Sendable {
    /// Handlers by kind of job.
    typealias Handlers = [String: LaneWorker.Handler]

    /// How many jobs of a queue one process runs at once. Imports hold the most memory; deliveries mostly wait for
    /// their endpoints, and slow ones must leave room for others.
    private static let concurrency = ["imports": 2, "exports": 4, "events": 4, "deliveries": 256, "maintenance": 2]

    private let workers = Mutex<[String: LaneWorker]>([:])

    /// Says that a queue may have work, so that it is looked for at once. May be called before ``open(_:database:group:time:watch:)``.
    func wake(_ queue: String) { workers.withLock { $0[queue] }?.wake() }

    /// Makes a worker for each queue; they work while they run as services.
    func open(
        _ queues: [String: Handlers], database: Database, group: EventLoopGroup, time: any TimeSource, watch: JobWatch
    ) -> [any Service] {
        let made = queues.filter { !$0.value.isEmpty }.map { queue, handlers in
            var configuration = LaneWorker.Configuration(queue: queue)
            configuration.concurrency = Self.concurrency[queue] ?? 4
            configuration.lanes = max(16, configuration.concurrency)
            var watched = handlers
            for (kind, handler) in handlers { watched[kind] = watch.around(queue, kind, handler) }
            return (
                queue, LaneWorker(configuration, database: database, group: group, time: time, handlers: watched)
            )
        }
        workers.withLock { workers in
            for (queue, worker) in made { workers[queue] = worker }
        }
        return made.map { $0.1 }
    }

    /// How many jobs run here.
    var runningJobs: Int { workers.withLock { $0.values.reduce(0) { $0 + $1.runningJobs } } }
}
