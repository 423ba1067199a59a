public import EventLoop
import HTTP
import JSON
public import Persistence
import Tenancy

/// How much work waits, and for how long.
public struct QueueRoutes: OperatorRouteGroup {
    private let database: Database
    private let time: any TimeSource

    /// Routes over a database.
    public init(database: Database, time: any TimeSource) {
        self.database = database
        self.time = time
    }

    /// Adds the route.
    public func register(in routes: inout OperatorRoutes) {
        let database = database
        let time = time
        routes.on(
            .get, "/api/v0/queues", .read,
            RouteDescription(
                "Depth and age of each lane in which something waits, runs or was given up, the oldest first.",
                tag: "Queues", query: [.init("instance", "Lanes of one instance.")], item: Self.schema)
        ) { context in
            let instance = context.request.queryItem("instance").flatMap { $0.isEmpty ? nil : $0 }
            let now = time.now()
            return .enveloped(
                try await LaneStore.depths(of: instance, in: database).map { lane in
                    let age = lane.oldestDue.map { max(0, Int((now.microseconds - $0.microseconds) / 1_000_000)) }
                    return [
                        "instance_name": .string(lane.instanceName), "queue": .string(lane.queue),
                        "paused": .bool(lane.isPaused), "ready": .int(lane.ready), "running": .int(lane.running),
                        "scheduled": .int(lane.scheduled), "dead": .int(lane.dead), "oldest_seconds": .optional(age),
                    ]
                })
        }
    }

    private static let schema: JSON = [
        "type": "object",
        "properties": [
            "instance_name": ["type": "string"], "queue": ["type": "string"], "paused": ["type": "boolean"],
            "ready": ["type": "integer"], "running": ["type": "integer"], "scheduled": ["type": "integer"],
            "dead": ["type": "integer"], "oldest_seconds": ["type": ["integer", "null"]],
        ],
    ]
}
