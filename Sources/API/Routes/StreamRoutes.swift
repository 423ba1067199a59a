import EventLoop
import FoundationEssentials
import HTTP
import JSON
public import Persistence
import Tenancy

/// `GET /api/v0/stream?topics=imports,events`: what happens, as server-sent events (HTML Living Standard, 9.2).
///
/// Each event's `id` is the time up to which the client has seen everything, in microseconds since 1970; a browser that
/// lost the connection sends it back as `Last-Event-ID` and misses nothing. A page that opens another stream says the same
/// in `after`.
public struct StreamRoutes: RouteGroup {
    private let database: Database
    private let time: any TimeSource

    /// Routes over a database.
    public init(database: Database, time: any TimeSource) {
        self.database = database
        self.time = time
    }

    /// Adds the route.
    public func register(in routes: inout TenantRoutes) {
        routes.on(
            .get, "/api/v0/stream", .read,
            RouteDescription(
                "Follow what happens, as it happens (server-sent events)", tag: "Live",
                query: [
                    .init("topics", "`imports`, `events`, `deliveries`, `conflicts`, `alerts`, separated by commas"),
                    .init("after", "The `id` of the last event seen, where no `Last-Event-ID` can be sent."),
                ])
        ) { context in
            let names = (context.request.queryItem("topics") ?? "").split(separator: ",").map(String.init)
            let topics = Set(names.compactMap(LiveChange.Topic.init(rawValue:)))
            guard !topics.isEmpty, topics.count == names.count else {
                let known = LiveChange.Topic.allCases.map(\.rawValue).joined(separator: ", ")
                throw Problem.invalid("unknown_topic", field: "topics", "must be some of \(known)")
            }
            let seen =
                (context.request.header("Last-Event-ID") ?? context.request.queryItem("after")).flatMap { Int64($0) }
            let begin = LiveFollower(
                tenant: context.tenant.id, topics: topics, database: database,
                since: seen.map(Timestamp.init(microseconds:)) ?? time.now())
            return HTTPResponse(
                status: .ok, headers: ["Content-Type": "text/event-stream", "Cache-Control": "no-store"],
                body: .stream { writer in
                    var follower = begin
                    try await follower.follow(writer)
                })
        }
    }
}

/// Looks for changes once a second for one open page, and writes those that it has not written yet.
struct LiveFollower: Sendable {
    let tenant: UUID
    let topics: Set<LiveChange.Topic>
    let database: Database
    /// Up to which arrival the client has seen everything.
    var since: Timestamp

    /// A transaction that began earlier may commit later: what arrived this long ago is looked at again.
    private static let overlap = Duration.seconds(3)
    private static let pause = Duration.seconds(1)
    private static let heartbeatEvery = 15
    /// What every page follows and what seldom changes is looked at this seldom.
    private static let slowEvery = 5

    private var written: [UUID: LiveChange] = [:]

    init(tenant: UUID, topics: Set<LiveChange.Topic>, database: Database, since: Timestamp) {
        self.tenant = tenant
        self.topics = topics
        self.database = database
        self.since = since
    }

    mutating func follow(_ writer: any HTTPBodyWriter) async throws {
        try await writer.write(Array(": hello\n\n".utf8))
        var rounds = 0
        while let loop = EventLoop.current {
            for change in try await news(round: rounds) {
                try await writer.write(Self.message(change, upTo: since))
            }
            rounds += 1
            // A comment keeps proxies from closing the connection, and finds out that the client has gone.
            if rounds % Self.heartbeatEvery == 0 { try await writer.write(Array(": still here\n\n".utf8)) }
            try await loop.sleep(for: Self.pause)
        }
    }

    /// What changed since the last look.
    private mutating func news(round: Int) async throws -> [LiveChange] {
        var found: [LiveChange] = []
        var looked: Set<LiveChange.Topic> = []
        let begin = since - Self.overlap
        for topic in LiveChange.Topic.allCases where topics.contains(topic) {
            switch topic {
            case .imports: found += try await LiveStore.imports(of: tenant, since: begin, in: database)
            case .events: found += try await LiveStore.events(of: tenant, since: begin, in: database)
            case .deliveries: found += try await LiveStore.deliveries(of: tenant, in: database)
            case .conflicts, .alerts:
                guard round % Self.slowEvery == 0 else { continue }
                found +=
                    topic == .alerts
                    ? try await LiveStore.alerts(of: tenant, in: database)
                    : try await LiveStore.conflicts(of: tenant, in: database)
            }
            looked.insert(topic)
        }
        // Of lists of the latest, the first look tells what was there already.
        let news = found.filter { change in
            if written[change.id] == change { return false }
            return round > 0 || Self.isTold(change.topic) || change.at > begin
        }
        for change in found where change.topic == .events && change.at > since { since = change.at }
        written = written.filter { !looked.contains($0.value.topic) }
        for change in found { written[change.id] = change }
        return news
    }

    /// Whether a look finds only what the client has not seen.
    private static func isTold(_ topic: LiveChange.Topic) -> Bool { topic == .imports || topic == .events }

    static func message(_ change: LiveChange, upTo since: Timestamp) -> [UInt8] {
        var data: JSON = ["id": .string(change.id.uuidString.lowercased()), "state": .string(change.state)]
        switch change.topic {
        case .imports: break
        case .events:
            data["event_name"] = change.name.map(JSON.string) ?? .null
            data["status"] = .string(change.state)
            data["received_at"] = .string(change.at.rfc3339)
        case .deliveries: data["type"] = change.name.map(JSON.string) ?? .null
        case .conflicts:
            data["status"] = .string(change.state)
            data["code"] = change.name.map(JSON.string) ?? .null
        case .alerts: data["kind"] = change.name.map(JSON.string) ?? .null
        }
        // `imports` → `import`, `deliveries` → `delivery`
        let kind = change.topic == .deliveries ? "delivery" : String(change.topic.rawValue.dropLast())
        return Array("id: \(since.microseconds)\nevent: \(kind)\ndata: ".utf8) + data.encoded() + Array("\n\n".utf8)
    }
}
