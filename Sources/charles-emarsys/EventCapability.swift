import API
import EventLoop
import HTTP
import JSON
import Persistence
import Tenancy

/// Webhooks, what follows from them, and what is delivered to the charles instances.
struct EventCapability {
    /// Routes on tenants' hosts.
    let groups: [any RouteGroup]
    /// Handlers of the lane `events`.
    let eventJobs: JobBoard.Handlers
    /// Handlers of the lane `deliveries`.
    let deliveryJobs: JobBoard.Handlers
    /// Handlers of the lane `maintenance`.
    let maintenanceJobs: JobBoard.Handlers
    /// The pools of its own, by name.
    let pools: [(name: String, database: Database)]
    /// What runs in the background beside the lanes.
    let services: [any Service]

    init(
        _ settings: ServiceSettings, database: Database, secrets: SecretBox, contacts: any EventContacts,
        lookup: any ContactLookup, log: Log, board: JobBoard, refusals: RefusedWebhooks, metrics: ServiceMetrics,
        group: EventLoopGroup, time: any TimeSource
    ) throws {
        // Pools apart: acknowledging waits for nobody's connection, and what happens in the background takes none from
        // people who wait for an answer.
        let acknowledging = try Self.pool("inbox", settings, group)
        let background = try Self.pool("events", settings, group)
        pools = [("inbox", acknowledging), ("events", background)]
        let policy = EndpointPolicy(addresses: .publicOnly(allowing: settings.allowedPrivateNetworks))
        let deliverer = Deliverer(
            database: background, client: HTTPClient(group: group), policy: policy, secrets: secrets, time: time,
            plan: DeliveryRetryPlan(retryFor: settings.deliveryRetryFor), onAttempt: metrics.delivered)
        deliveryJobs = [
            "deliver": { job in
                try await deliverer.drain(tenantID: job.tenantID)
                return .finished
            }
        ]
        let inbox = InboxWriter(database: acknowledging, group: group, time: time) { board.wake("events") }
        let processor = EventProcessor(
            database: background, contacts: contacts, time: time, pace: EventPace { inbox.arrivals }
        ) { board.wake("deliveries") }
        eventJobs = [
            "process_events": { job in
                try await processor.drain(tenantID: job.tenantID)
                return .finished
            }
        ]
        let orders = OrderService(database: database)
        maintenanceJobs = [
            "revenue_daily": { job in
                try await orders.refreshDailyFacts(tenantID: job.tenantID)
                return .finished
            }
        ]
        groups = [
            WebhookRoutes(
                webhooks: WebhookService(
                    inbox: inbox, contacts: contacts, time: time, onOutcome: metrics.received), refusals: refusals),
            EventRoutes(events: EventService(database: database, time: time)),
            FlowRoutes(flows: FlowService(database: database, time: time)),
            DeliveryRoutes(
                deliveries: DeliveryService(
                    database: database, secrets: secrets, policy: policy, deliverer: deliverer, time: time)),
            OrderRoutes(orders: orders),
            TouchRoutes(
                attribution: AttributionService(
                    database: database, contacts: lookup, time: time)),
            AudienceRoutes(audiences: AudienceService(database: database, time: time)),
            ReportRoutes(reports: ReportService(database: database, time: time)),
        ]
        func sweep(_ name: String, _ work: @escaping @Sendable () async throws -> Void) -> Sweep {
            Sweep(time: time, work: work) { error in
                log(
                    .warning, name + "_failed",
                    ["error": .string((error as? DatabaseError)?.description ?? "unknown")])
            }
        }
        services = [
            sweep("event_sweep") { try await processor.sweep() },
            sweep("time_zone_sweep") { try await orders.sweepZones(now: time.now()) },
        ]
    }

    private static func pool(
        _ purpose: String, _ settings: ServiceSettings, _ group: EventLoopGroup
    ) throws -> Database {
        var configuration = DatabaseConfiguration(url: settings.databaseURL)
        configuration.connectionsPerLoop = 2
        configuration.preparesStatements = settings.preparesStatements
        configuration.applicationName = "charles-emarsys \(purpose)"
        return try Database(configuration, group: group)
    }
}
