import Emarsys
import EventLoop
import FoundationEssentials
import HTTP
import JSON
public import Tenancy

/// The connection to Emarsys: set up, test, pause, remove.
public struct ConnectionRoutes: RouteGroup {
    static let base = "/api/v0/integrations/emarsys"

    private let connections: ConnectionService

    /// Routes over a service.
    public init(connections: ConnectionService) { self.connections = connections }

    /// Adds the routes.
    public func register(in routes: inout TenantRoutes) {
        let base = Self.base
        let missing: [(HTTPStatus, String)] = [(.conflict, "not_connected")]
        routes.on(
            .put, "\(base)/connection", .write, feature: .emarsys,
            RouteDescription(
                "Connect to Emarsys: tested first, stored only if the test passes.", tag: "Connection",
                body: ConnectionJSON.inputSchema, item: ConnectionJSON.schema,
                problems: [
                    (.unprocessableContent, "connection_failed"), (.unprocessableContent, "base_url_not_permitted"),
                    (.unprocessableContent, "token_url_not_permitted"),
                ])
        ) { context in
            let input = try Self.input(context)
            let stored = try await connections.put(input, for: context.tenant, actor: context.principal.actor)
            return .object(ConnectionJSON.object(stored))
        }
        routes.on(
            .get, "\(base)/connection", .read, feature: .emarsys,
            RouteDescription(
                "Show the connection, without its secret.", tag: "Connection", item: ConnectionJSON.schema,
                problems: [(.notFound, "not_connected")])
        ) { context in
            guard let stored = try await connections.connection(of: context.tenant) else {
                throw Problem.notFound("not_connected", "There is no connection to Emarsys yet.")
            }
            return .object(ConnectionJSON.object(stored))
        }
        routes.on(
            .post, "\(base)/connection/test", .write, feature: .emarsys,
            RouteDescription(
                "Test the connection and each permission the integration needs.", tag: "Connection",
                item: ConnectionJSON.testSchema, problems: missing)
        ) { context in
            let result = try await connections.test(context.tenant)
            var object: JSON = ["ok": .bool(result.isOK), "permissions": result.permissions]
            if let error = result.error {
                object["error"] = [
                    "code": .string(error.code), "detail": .string(error.text), "advice": .string(error.advice),
                ]
            }
            return .object(object)
        }
        routes.on(
            .delete, "\(base)/connection", .write, feature: .emarsys,
            RouteDescription(
                "Disconnect: stops all calls, erases the secrets, keeps the contacts.", tag: "Connection",
                status: .noContent, problems: [(.notFound, "not_connected")])
        ) { context in
            try await connections.delete(context.tenant, actor: context.principal.actor)
            return HTTPResponse(status: .noContent)
        }
        routes.on(
            .post, "\(base)/pause", .write, feature: .emarsys,
            RouteDescription(
                "Pause: webhooks are held; imports, exports and deliveries wait.", tag: "Connection",
                item: ConnectionJSON.schema, problems: missing)
        ) { context in
            .object(
                ConnectionJSON.object(
                    try await connections.pause(context.tenant, actor: context.principal.actor)))
        }
        routes.on(
            .post, "\(base)/resume", .write, feature: .emarsys,
            RouteDescription(
                "Resume: what was held is released in order.", tag: "Connection", item: ConnectionJSON.schema,
                problems: missing)
        ) { context in
            .object(
                ConnectionJSON.object(
                    try await connections.resume(context.tenant, actor: context.principal.actor)))
        }
    }

    private static func input(_ context: TenantContext) throws(Problem) -> ConnectionInput {
        var body = BodyReader(try context.json())
        let name = body.string("name", limit: 100)
        let auth = body.word("auth", required: true, as: StoredConnection.Auth.self)
        let isOAuth = auth == .oauth2
        let principal = body.string(isOAuth ? "client_id" : "username", required: true, limit: 512)
        let secret = body.string(isOAuth ? "client_secret" : "secret", limit: 512)
        let token = isOAuth ? body.string("token_url") : nil
        let base = body.string("base_url")
        try body.finish()
        return ConnectionInput(
            name: name.flatMap { $0.isEmpty ? nil : $0 } ?? "Emarsys", auth: auth ?? .wsse, principal: principal ?? "",
            secret: secret.flatMap { $0.isEmpty ? nil : $0 }, tokenURL: token.flatMap { $0.isEmpty ? nil : $0 },
            baseURL: base.flatMap { $0.isEmpty ? nil : $0 })
    }
}
