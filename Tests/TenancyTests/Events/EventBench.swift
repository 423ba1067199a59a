import Crypto
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence
import TestSupport

@testable import Tenancy

/// A database with tenants, and everything that takes, processes and delivers events over it.
final class EventBench: Sendable {
    static let secret = Array("a webhook secret of thirty-two bytes".utf8)

    /// One database for all suites: each bench is a tenant of its own.
    static let shared = Result { () throws -> (test: TestDatabase, database: Database) in
        let test = try TestDatabase()
        return (test, try test.open())
    }

    let test: TestDatabase
    let database: Database
    let time: ManualTime
    let tenantID = UUID()
    let webhooks: WebhookService
    let processor: EventProcessor
    let events: EventService
    let flows: FlowService
    let orders: OrderService

    init() throws {
        (test, database) = try Self.shared.get()
        time = ManualTime(Timestamp(rfc3339: "2026-11-24T12:00:00Z") ?? Timestamp(seconds: 0))
        webhooks = WebhookService(
            inbox: InboxWriter(database: database, group: test.group, time: time),
            contacts: StitchedContacts { _ in nil },
            time: time)
        processor = EventProcessor(database: database, contacts: StitchedContacts { _ in nil }, time: time)
        events = EventService(database: database, time: time)
        flows = FlowService(database: database, time: time)
        orders = OrderService(database: database)
        try addTenant(tenantID)
    }

    func addTenant(_ id: UUID) throws {
        try test.administer(
            "INSERT INTO app.tenants (tenant_id, instance_name, display_name, default_currency) VALUES ($1, $2, $2, 'EUR')",
            [id.uuidString, "t" + id.text])
        try test.administer("SELECT app.create_lanes($1)", [id.uuidString])
    }

    func tenant(_ id: UUID? = nil, isPaused: Bool = false, secret: [UInt8] = EventBench.secret) throws -> Tenant {
        Tenant(
            id: id ?? tenantID, instanceName: "acme", displayName: "Acme",
            features: FeatureSet([.emarsys, .orderEvents]),
            defaultCurrency: "EUR", webhookVerifier: try JWTVerifier(keys: [JWTKey(secret: secret)]),
            connection: .init(status: .connected, isPaused: isPaused))
    }

    static func token(_ payload: String = "{}", secret: [UInt8] = EventBench.secret) -> String {
        let signed =
            Base64URL.encode(Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8)) + "." + Base64URL.encode(Array(payload.utf8))
        return signed + "." + Base64URL.encode(HMACKey(secret).authenticate(Array(signed.utf8)))
    }

    /// Sends a webhook; answers status and body.
    func send(
        _ body: JSON, source: EventSource = .custom, tenant: Tenant? = nil, token: String? = EventBench.token()
    ) async throws -> (status: Int, body: JSON) {
        try await send(bytes: body.encoded(), source: source, tenant: tenant, token: token)
    }

    func send(
        bytes: [UInt8], source: EventSource = .custom, tenant: Tenant? = nil, token: String? = EventBench.token()
    ) async throws -> (status: Int, body: JSON) {
        var headers: HTTPHeaders = [:]
        if let token { headers.set("Authorization", "Bearer " + token) }
        let request = try HTTPRequest(
            method: .post, target: "/", headers: headers, body: bytes)
        let response: HTTPResponse
        let tenant = try tenant ?? self.tenant()
        do throws(Problem) {
            response = try await webhooks.receive(request, tenant: tenant, source: source)
        } catch {
            response = error.response()
        }
        return (response.status.code, (try? JSON.parse(response.bodyBytes)) ?? .null)
    }

    /// Sends an event and has it processed; answers it.
    @discardableResult
    func process(_ body: JSON, source: EventSource = .custom) async throws -> EventView {
        let answer = try await send(body, source: source)
        guard let id = answer.body["data"]?[0]?["id"]?.string.flatMap(UUID.init(uuidString:)) else {
            throw JSONError(.unexpectedKind, at: answer.status)
        }
        try await processor.drain(tenantID: tenantID)
        return try await events.find(tenantID: tenantID, id: id)
    }

    func addFlow(_ change: JSON = .object([:])) async throws -> Flow {
        var body: JSON = [
            "name": "Cart", "trigger": "emarsys_event", "event_name": "cart",
            "payload": ["value": "", "currency": "EUR"],
        ]
        for (key, value) in change.object ?? [:] { body[key] = value }
        return try await flows.create(tenantID: tenantID, body: body)
    }

    /// How many rows of this tenant fulfil a condition.
    func count(_ table: String, _ condition: String = "true") throws -> Int {
        Int(try rows("SELECT count(*) FROM app.\(table) WHERE tenant_id = $1 AND (\(condition))")[0][0] ?? "") ?? -1
    }

    /// Runs SQL as the superuser; `$1` is this tenant.
    @discardableResult
    func rows(_ sql: String, _ more: [String?] = []) throws -> [[String?]] {
        try test.administer(sql, [tenantID.uuidString] + more)
    }
}
