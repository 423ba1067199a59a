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
    /// What runs in the background beside the lanes.
    let services: [any Service]

    init(
        _ settings: ServiceSettings, database: Database, secrets: SecretBox, contacts: any EventContacts, log: Log,
        board: JobBoard, refusals: RefusedWebhooks, group: EventLoopGroup, time: any TimeSource
    ) throws {
        let policy = EndpointPolicy(addresses: .publicOnly(allowing: settings.allowedPrivateNetworks))
        let deliverer = Deliverer(
            database: database, client: HTTPClient(group: group), policy: policy, secrets: secrets, time: time,
            plan: DeliveryRetryPlan(retryFor: settings.deliveryRetryFor))
        deliveryJobs = [
            "deliver": { job in
                try await deliverer.drain(tenantID: job.tenantID)
                return .finished
            }
        ]
        // Connections of its own: whatever else the process does, acknowledging need not wait for one.
        var inboxConfiguration = DatabaseConfiguration(url: settings.databaseURL)
        inboxConfiguration.connectionsPerLoop = 2
        inboxConfiguration.applicationName = "charles-emarsys inbox"
        let inbox = InboxWriter(
            database: try Database(inboxConfiguration, group: group), group: group, time: time
        ) { board.wake("events") }
        let processor = EventProcessor(
            database: database, contacts: contacts, time: time, pace: EventPace { inbox.isBusy }
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
                try await orders.refreshDailyFacts(tenantID: job.tenantID, now: time.now())
                return .finished
            }
        ]
        groups = [
            WebhookRoutes(
                webhooks: WebhookService(inbox: inbox, contacts: contacts, time: time), refusals: refusals),
            EventRoutes(events: EventService(database: database, time: time)),
            FlowRoutes(flows: FlowService(database: database, time: time)),
            DeliveryRoutes(
                deliveries: DeliveryService(
                    database: database, secrets: secrets, policy: policy, deliverer: deliverer, time: time)),
            OrderRoutes(orders: orders),
            TouchRoutes(
                attribution: AttributionService(
                    database: database, contacts: StoredContacts(database: database), time: time)),
            AudienceRoutes(audiences: AudienceService(database: database, time: time)),
            ReportRoutes(reports: ReportService(database: database, time: time)),
        ]
        services = [
            EventSweep(processor: processor, time: time) { error in
                log(
                    .warning, "event_sweep_failed",
                    ["error": .string("\((error as? DatabaseError)?.description ?? "unknown")")])
            }
        ]
    }
}
