import API
import Emarsys
import EventLoop
import HTTP
import JSON
import Persistence
import Synchronization
import Tenancy

/// The composition root of `serve`: which services there are, on what they stand, and which routes they have.
///
/// To add a capability: make its service in ``init(_:log:output:group:)``, add its route group to `groups`, its job handlers to
/// `queues` and what else runs in the background to `services`.
final class Composition: Sendable {
    let database: Database
    let server: HTTPServer
    let managementServer: HTTPServer
    /// What runs in the background until it is cancelled.
    let services: [any Service]

    /// The whole HTTP surface.
    let responder: APIResponder

    private let log: Log
    private let tls: TLSServerContext?

    init(_ settings: ServiceSettings, log: Log, output: LogOutput, group: EventLoopGroup) throws {
        self.log = log
        let time = SystemTime()
        let metrics = ServiceMetrics()
        var configuration = DatabaseConfiguration(url: settings.databaseURL)
        configuration.connectionsPerLoop = max(1, settings.databaseConnections / group.loops.count)
        configuration.preparesStatements = settings.preparesStatements
        let database = try Database(configuration, group: group)
        self.database = database

        // What a tenant is.
        let secrets = SecretBox(database: database, masterKeys: settings.masterKeys, time: time)
        let directory = Directory(database: database, secrets: secrets, time: time, log: log)
        let administration = TenantAdministration(database: database, secrets: secrets, time: time)
        let reporting = ReportingAccess(
            administration: administration, address: ReportingAddress(connectionString: settings.databaseURL))

        // The connection to Emarsys and what is imported.
        let usage = CallUsage(database: database, time: time, observer: metrics.called)
        let access = EmarsysAccess(
            http: HTTPClient(group: group), policy: EmarsysEndpointPolicy(extraHosts: settings.emarsysHosts),
            time: time, usage: usage)
        let connections = ConnectionService(
            database: database, secrets: secrets, directory: directory, access: access, time: time)
        let catalogue = AccountCatalogue(connections: connections)
        let hosts = HostPolicy(baseDomains: settings.baseDomains, trustedProxies: settings.trustedProxies)

        let suppressions = SuppressionKeys(database: database, secrets: secrets, time: time)
        let importRunner = ImportRunner(
            database: database, directory: directory, connections: connections, suppressions: suppressions, time: time,
            interval: settings.syncInterval)

        let erasures = ErasureService(database: database, keys: suppressions, time: time)

        let board = JobBoard()

        // Opt-ins.
        let lookup = StoredContacts(database: database) { try await suppressions.key(of: $0, creating: false) }
        let consent = ConsentService(database: database, lookup: lookup, time: time) { board.wake("exports") }

        let optInClients: OptInExporter.Clients = { try await connections.emarsysClient(tenantID: $0) }
        let optIns = OptInJobs(
            exporter: OptInExporter(database: database, clients: optInClients, time: time),
            sweeper: OptInSweeper(database: database, clients: optInClients, time: time), time: time)

        let optInWatch = OptInWatch(database: database, time: time) { error in
            log(
                .warning, "opt_in_watch_failed",
                ["error": .string((error as? DatabaseError)?.description ?? "unknown")])
        }

        let housekeeping = Housekeeping(database: database, time: time) { error in
            log(
                .warning, "housekeeping_failed",
                ["error": .string((error as? DatabaseError)?.description ?? "unknown")])
        }

        // What needs attention.
        let refusals = RefusedWebhooks(time: time)
        let watch = AlertWatch(
            database: database, refusals: refusals, time: time, syncInterval: settings.syncInterval
        ) { error in
            log(
                .warning, "alert_watch_failed",
                ["error": .string((error as? DatabaseError)?.description ?? "unknown")])
        }

        // Webhooks and what follows from them.
        let contacts = StitchedContacts { try await suppressions.key(of: $0, creating: false) }
        let events = try EventCapability(
            settings, database: database, secrets: secrets, contacts: contacts, lookup: lookup, log: log, board: board,
            refusals: refusals, metrics: metrics, group: group, time: time)

        let rotation = KeyRotation(database: database, secrets: secrets, time: time) { error in
            log(
                .warning, "key_rotation_failed",
                ["error": .string((error as? DatabaseError)?.description ?? "\(type(of: error))")])
        }
        let keyUse = KeyUse(database: database, time: time)
        let lag = LoopLag(group: group)

        // Routes on tenants' hosts.
        let groups: [any RouteGroup] =
            events.groups + [
                ConnectionRoutes(connections: connections),
                MappingRoutes(
                    catalogue: catalogue,
                    mappings: MappingService(database: database, catalogue: catalogue, time: time),
                    properties: CustomPropertyService(database: database, time: time),
                    segments: SegmentSelectionService(database: database, catalogue: catalogue, time: time),
                    optIn: OptInSettingService(database: database, catalogue: catalogue, time: time),
                    syncInterval: settings.syncInterval),
                ContactRoutes(contacts: ContactService(database: database)),
                IdentityRoutes(identities: IdentityService(database: database, time: time)),
                ImportRoutes(
                    imports: ImportService(
                        database: database, catalogue: catalogue, time: time, interval: settings.syncInterval)),
                PrivacyRoutes(
                    erasures: erasures, deletion: ContactDeletion(database: database, erasures: erasures)),
                IdentityRuleRoutes(
                    rules: IdentityRules(administration: administration),
                    preview: IdentityPreview(database: database, time: time),
                    duplicates: PossibleDuplicates(database: database),
                    whatsApp: WhatsAppIdentity(database: database, time: time)),
                AlertRoutes(watch: watch),
                OptInRoutes(
                    consent: consent, exports: OptInExportService(database: database, time: time), time: time),
                WebhookSecretRoutes(
                    webhooks: WebhookSecretService(database: database, secrets: secrets, time: time),
                    database: database,
                    hosts: hosts),
                StreamRoutes(database: database, time: time),
                InstanceRoutes(administration: administration),
            ]
        // Routes on the operators' host.
        let operatorGroups: [any OperatorRouteGroup] = [
            TenantAdministrationRoutes(administration: administration, log: log),
            AccessRoutes(administration: administration, reporting: reporting),
            QueueRoutes(database: database, time: time),
        ]
        // Work in the background: handlers by queue and kind of job.
        let queues: [String: JobBoard.Handlers] = [
            "imports": importRunner.handlers,
            "exports": optIns.handlers,
            "events": events.eventJobs,
            "deliveries": events.deliveryJobs,
            "maintenance": events.maintenanceJobs.merging(erasures.handlers) { first, _ in first },
        ]
        services =
            [directory, usage, watch, optInWatch, housekeeping, keyUse, rotation, lag] + events.services
            + board.open(
                queues, database: database, group: group, time: time,
                watch: JobWatch(metrics: metrics, database: database, log: log))

        let figures = FiguresCache(database: database, time: time)
        metrics.watch(pools: [("main", database)] + events.pools)
        metrics.watch(lag)
        metrics.watch(access.shared)
        metrics.watch(figures)
        metrics.metrics.values(
            "charles_log_lines_dropped_total", "Lines of the log that nobody read in time.", [], isTotal: true
        ) { [([], Double(output.droppedLines))] }
        metrics.metrics.gauge("charles_jobs_running", "Jobs that run in this process.") { Double(board.runningJobs) }
        metrics.metrics.gauge("charles_directory_entries", "Instances held in memory.") { Double(directory.entryCount) }
        let requests = metrics.requests
        let responder = APIResponder(
            hosts: hosts,
            directory: directory, database: database, secrets: secrets, time: time, log: log,
            operatorToken: settings.operatorToken, groups: groups, operatorGroups: operatorGroups,
            pages: EmbeddedPages(), keyUse: keyUse
        ) { exchange in
            requests.observe(exchange)
            log(exchange)
        }
        self.responder = responder

        tls = try settings.tls.map { files throws(StartFault) in
            do { return try TLSServerContext(certificate: files.certificate, key: files.key) } catch {
                throw StartFault(setting: "CHARLES_TLS_CERTIFICATE, CHARLES_TLS_KEY", object: files.certificate, error)
            }
        }
        var listening = HTTPServerConfiguration(address: settings.listen)
        listening.tls = tls
        listening.bodyLimit = BodyLimits.limit
        listening.drainTimeout = .seconds(20)
        let server = HTTPServer(configuration: listening, group: group, responder: responder)
        self.server = server
        metrics.metrics.gauge("charles_http_connections", "Open connections of clients.") {
            Double(server.connectionCount)
        }

        var management = HTTPServerConfiguration(address: settings.managementListen)
        management.drainTimeout = .seconds(2)
        management.drainGrace = .zero
        managementServer = HTTPServer(
            configuration: management, group: group,
            responder: ManagementResponder(
                isReady: { !server.isDraining && directory.isPolled(within: .seconds(5)) },
                metrics: {
                    _ = await figures.current()
                    return metrics.metrics.text()
                }))
    }

    /// Reads the certificate again; on failure the former one stays.
    func reloadTLS() {
        guard let tls else { return }
        do {
            try tls.reload()
            log(.info, "tls_reloaded")
        } catch {
            log(.error, "tls_reload_failed", ["error": .string("\(error)")])
        }
    }

    /// Begins to stop: no new requests, those under way are answered.
    func drain() { server.drain() }
}
