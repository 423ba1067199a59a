import API
import Crypto
import Emarsys
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence
import Sandbox
import Synchronization
import Tenancy
import TestSupport

@testable import API

/// The whole HTTP surface over a database of its own, asked in the process.
final class APIStage: Sendable {
    static let operatorToken = "operator-token-for-tests-0123456789"

    let test: TestDatabase
    let database: Database
    let time: any TimeSource
    let directory: Directory
    let responder: APIResponder
    let watch: AlertWatch
    let refusals: RefusedWebhooks
    let erasures: ErasureService
    let keyUse: KeyUse
    let lines = Mutex<[String]>([])
    private let polling: Task<Void, Never>

    init(time: any TimeSource = SystemTime(), trusting proxies: [CIDRBlock] = []) throws {
        test = try TestDatabase()
        let database = try test.open()
        self.database = database
        self.time = time
        let keys = try MasterKeys(parsing: "k1:" + Base64.encode([UInt8](repeating: 7, count: 32)))
        let secrets = SecretBox(database: database, masterKeys: keys, time: time)
        let directory = Directory(database: database, secrets: secrets, time: SystemTime())
        self.directory = directory
        polling = test.group.loops[0].start { try? await directory.run() }
        let administration = TenantAdministration(database: database, secrets: secrets, time: time)
        let access = EmarsysAccess(
            http: HTTPClient(group: test.group), policy: EmarsysEndpointPolicy(extraHosts: ["127.0.0.1"]), time: time)
        let connections = ConnectionService(
            database: database, secrets: secrets, directory: directory, access: access, time: time)
        let catalogue = AccountCatalogue(connections: connections)
        let keyUse = KeyUse(database: database, time: time)
        self.keyUse = keyUse
        let hosts = HostPolicy(baseDomains: ["localhost"], trustedProxies: proxies)
        let suppressions = SuppressionKeys(database: database, secrets: secrets, time: time)
        let erasures = ErasureService(database: database, keys: suppressions, time: time)
        self.erasures = erasures
        refusals = RefusedWebhooks(time: time)
        let watch = AlertWatch(database: database, refusals: refusals, time: time)
        self.watch = watch
        responder = APIResponder(
            hosts: hosts, directory: directory, database: database, secrets: secrets, time: time, log: .silent,
            operatorToken: Self.operatorToken,
            groups: [
                ConnectionRoutes(connections: connections),
                MappingRoutes(
                    catalogue: catalogue,
                    mappings: MappingService(database: database, catalogue: catalogue, time: time),
                    properties: CustomPropertyService(database: database, time: time),
                    segments: SegmentSelectionService(database: database, catalogue: catalogue, time: time),
                    optIn: OptInSettingService(database: database, catalogue: catalogue, time: time),
                    syncInterval: .seconds(43_200)),
                WebhookSecretRoutes(
                    webhooks: WebhookSecretService(database: database, secrets: secrets, time: time),
                    database: database, hosts: hosts),
                ContactRoutes(contacts: ContactService(database: database)),
                PrivacyRoutes(
                    erasures: erasures, deletion: ContactDeletion(database: database, erasures: erasures)),
                AlertRoutes(watch: watch),
                OptInRoutes(
                    consent: ConsentService(
                        database: database,
                        lookup: StoredContacts(database: database) {
                            try await suppressions.key(of: $0, creating: false)
                        }, time: time),
                    exports: OptInExportService(database: database, time: time), time: time),
            ],
            operatorGroups: [
                TenantAdministrationRoutes(administration: administration, log: .silent),
                AccessRoutes(
                    administration: administration,
                    reporting: ReportingAccess(
                        administration: administration,
                        address: ReportingAddress(connectionString: test.serviceURL))),
            ], pages: EmbeddedPages(), keyUse: keyUse)
    }

    deinit { polling.cancel() }

    struct Answer {
        let response: HTTPResponse
        let json: JSON

        var status: Int { response.status.code }
        var code: String? { json["code"]?.string }
        var first: JSON { json["data"]?[0] ?? .null }
        var list: [JSON] { json["data"]?.array ?? [] }
    }

    /// Asks the surface.
    func call(
        _ method: HTTPMethod, _ path: String, host: String = "acme.localhost", headers: HTTPHeaders = [:],
        body: JSON? = nil, raw: String? = nil, from peer: SocketAddress? = nil
    ) async throws -> Answer {
        var request = try HTTPRequest(
            method: method, target: path, host: host, headers: headers,
            body: raw.map { Array($0.utf8) } ?? body?.encoded() ?? [], requestID: "test")
        request.remoteAddress = peer
        let response = await responder.respond(to: request)
        return Answer(response: response, json: (try? JSON.parse(response.bodyBytes)) ?? .null)
    }

    /// Asks as an operator.
    func operate(
        _ method: HTTPMethod, _ path: String, _ body: JSON? = nil, token: String = APIStage.operatorToken,
        headers: HTTPHeaders = [:]
    ) async throws -> Answer {
        var headers = headers
        headers.set("Authorization", "Bearer \(token)")
        return try await call(method, path, host: "operator.localhost", headers: headers, body: body)
    }

    /// Creates an instance with the feature on and a key of the given permissions.
    func instance(_ name: String = "acme", permissions: [String] = ["read", "write", "consent", "erase", "admin"])
        async throws -> (key: String, id: String)
    {
        _ = try await operate(
            .post, "/api/v0/tenants", ["instance_name": .string(name), "display_name": .string(name)])
        _ = try await operate(.put, "/api/v0/tenants/\(name)/features/emarsys", ["enabled": true])
        return try await key(of: name, permissions: permissions)
    }

    /// Makes a key.
    func key(of name: String, permissions: [String]) async throws -> (key: String, id: String) {
        let made = try await operate(
            .post, "/api/v0/tenants/\(name)/api_keys",
            ["name": "test", "permissions": .array(permissions.map { .string($0) })])
        return (made.first["key"]?.string ?? "", made.first["id"]?.string ?? "")
    }

    /// Asks again and again until the answer fits or a second and a bit has gone.
    func within(seconds: Double = 1.3, _ ask: () async throws -> Bool) async throws -> Bool {
        let end = MonotonicTime.now + .milliseconds(Int64(seconds * 1000))
        repeat {
            if try await ask() { return true }
            try await Task.sleep(for: .milliseconds(20))
        } while MonotonicTime.now < end
        return false
    }
}
