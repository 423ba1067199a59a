import Crypto
public import EventLoop
public import HTTP
public import Persistence
public import Tenancy

/// The whole HTTP surface: Host → tenant or operators' site, then the way of a request, and every error as one answer.
public struct APIResponder: HTTPResponder {
    private let hosts: HostPolicy
    private let directory: Directory
    private let tenants: TenantPipeline
    private let operators: OperatorPipeline
    private let rendering: ProblemRendering
    private let onExchange: (@Sendable (Exchange) -> Void)?

    /// A surface.
    ///
    /// - Parameters:
    ///   - hosts: base domains and trusted proxies
    ///   - operatorToken: the bootstrap token, if there is one
    ///   - groups: the routes of every capability
    ///   - operatorGroups: the routes of the operators' host
    ///   - pages: what answers outside of `/api/`
    ///   - onExchange: told of every answer, for metrics and logs
    ///   - keyUse: told which keys are used
    public init(
        hosts: HostPolicy, directory: Directory, database: Database, secrets: SecretBox, time: any TimeSource, log: Log,
        operatorToken: String?, groups: [any RouteGroup], operatorGroups: [any OperatorRouteGroup],
        pages: (any PageSource)? = nil, keyUse: KeyUse? = nil, onExchange: (@Sendable (Exchange) -> Void)? = nil
    ) {
        self.hosts = hosts
        self.directory = directory
        self.onExchange = onExchange
        rendering = ProblemRendering(log: log)
        let idempotency = Idempotency(database: database, secrets: secrets, time: time)
        let authentication = Authentication(database: database, time: time, keyUse: keyUse)
        let operatorAuthentication = OperatorAuthentication(
            database: database, bootstrapHash: operatorToken.map { SHA256.hash(Array($0.utf8)) },
            sessions: OperatorSessions(secrets: secrets, time: time))

        var tenantRoutes = TenantRoutes()
        SessionRoutes(authentication: authentication, database: database, time: time, hosts: hosts)
            .register(in: &tenantRoutes)
        for group in groups { group.register(in: &tenantRoutes) }
        OpenAPIDocument.register(in: &tenantRoutes, title: "charles × Emarsys: instance API")

        var operatorRoutes = OperatorRoutes()
        OperatorSessionRoutes(authentication: operatorAuthentication, hosts: hosts).register(in: &operatorRoutes)
        for group in operatorGroups { group.register(in: &operatorRoutes) }
        OpenAPIDocument.register(in: &operatorRoutes, title: "charles × Emarsys: operator API")

        tenants = TenantPipeline(
            routes: tenantRoutes, authentication: authentication, idempotency: idempotency, pages: pages)
        operators = OperatorPipeline(
            routes: operatorRoutes, authentication: operatorAuthentication, idempotency: idempotency, pages: pages)
    }

    /// Answers one request.
    public func respond(to request: HTTPRequest) async -> HTTPResponse {
        let begin = MonotonicTime.now
        var exchange = Exchange(request)
        let trace = request.head.trace?.child() ?? .make()
        exchange.trace = trace
        var response: HTTPResponse
        do {
            response = try await TraceContext.$current.withValue(trace) { try await answer(request, &exchange) }
        } catch {
            response = rendering.problem(for: error, requestID: request.requestID).response(
                requestID: request.requestID)
        }
        let isPage = response.headers["Content-Type"]?.hasPrefix("text/html") == true
        SecurityHeaders.complete(&response, isPage: isPage)
        if let onExchange {
            exchange.status = response.status.code
            exchange.duration = MonotonicTime.now - begin
            onExchange(exchange)
        }
        return response
    }

    private func answer(_ request: HTTPRequest, _ exchange: inout Exchange) async throws -> HTTPResponse {
        switch hosts.host(of: request) {
        case .invalid:
            throw Problem.badRequest("invalid_host", "The Host of the request is not valid.")
        case .unknown:
            throw Self.unknownInstance
        case .operator:
            exchange.surface = exchange.surface == "page" ? "page" : "operator"
            let response = try await operators.answer(request, &exchange)
            // `/api/v0/tenants/{instance}/…`
            let path = request.path.split(separator: "/")
            if Self.isWrite(request), path.count > 3 { directory.forget(instance: String(path[3])) }
            return response
        case .instance(let name):
            guard let tenant = try await directory.tenant(instance: name) else { throw Self.unknownInstance }
            exchange.tenantID = tenant.id
            let response = try await tenants.answer(request, tenant, &exchange)
            if Self.isWrite(request), Self.changesDirectory(request.path) { directory.forget(instance: name) }
            return response
        }
    }

    private static func isWrite(_ request: HTTPRequest) -> Bool { request.method != .get && request.method != .head }

    /// Whether writing there changes what the directory knows of a tenant: its connection, secrets, keys or settings.
    private static func changesDirectory(_ path: String) -> Bool {
        ["/api/v0/integrations/emarsys", "/api/v0/api_keys", "/api/v0/instance", "/api/v0/identity_rules"].contains {
            path.hasPrefix($0)
        }
    }

    /// The same for every host that is none of ours.
    private static let unknownInstance = Problem.notFound("unknown_instance", "There is no instance of this name.")

    /// The routes of tenants' hosts, for the tests that walk them.
    var tenantRoutes: TenantRoutes { tenants.routes }
    /// The routes of the operators' host, for the tests that walk them.
    var operatorRoutes: OperatorRoutes { operators.routes }
}

/// The routes of one capability on the operators' host.
public protocol OperatorRouteGroup: Sendable {
    /// Adds the routes.
    func register(in routes: inout OperatorRoutes)
}
