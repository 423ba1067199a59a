import Crypto
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence
import Synchronization
import TestSupport
import Testing

@testable import Tenancy

/// Stands for an instance: answers as told, remembers what it got.
final class FakeInstance: DeliveryTransport {
    struct Received: Sendable {
        let url: String
        let headers: HTTPHeaders
        let body: [UInt8]
        var json: JSON { (try? JSON.parse(body)) ?? .null }
        var signature: WebhookSigner.Signature {
            .init(
                id: headers["webhook-id"] ?? "", timestamp: headers["webhook-timestamp"] ?? "",
                signature: headers["webhook-signature"] ?? "")
        }
    }

    private let state = Mutex<(answer: @Sendable (Received) -> DeliveryResult, received: [Received])>(
        ({ _ in .answered(status: 200, retryAfter: nil, excerpt: "ok") }, []))

    var received: [Received] { state.withLock(\.received) }

    func answer(_ answer: @escaping @Sendable (Received) -> DeliveryResult) { state.withLock { $0.answer = answer } }

    func answer(_ status: Int, retryAfter: Duration? = nil) {
        answer { _ in .answered(status: status, retryAfter: retryAfter, excerpt: "status \(status)") }
    }

    func post(_ url: HTTPURL, headers: HTTPHeaders, body: [UInt8]) async -> DeliveryResult {
        let received = Received(url: url.description, headers: headers, body: body)
        return state.withLock { state in
            state.received.append(received)
            return state.answer(received)
        }
    }
}

@Suite("Delivering")
struct DelivererTests {
    private let bench: EventBench
    private let instance = FakeInstance()
    private let deliverer: Deliverer
    private let service: DeliveryService

    init() throws {
        bench = try EventBench()
        let secrets = SecretBox(
            database: bench.database,
            masterKeys: try MasterKeys(parsing: "k1:" + Base64.encode([UInt8](repeating: 7, count: 32))),
            time: bench.time)
        deliverer = Deliverer(database: bench.database, transport: instance, secrets: secrets, time: bench.time)
        service = DeliveryService(
            database: bench.database, secrets: secrets, policy: EndpointPolicy(addresses: .publicOnly()),
            deliverer: deliverer, time: bench.time)
    }

    private func putEndpoint() async throws -> String {
        let put = try await service.putEndpoint(
            tenantID: bench.tenantID, body: ["url": "https://203.0.114.9/hook", "enabled": true])
        return try #require(put.json["secret"]?.string)
    }

    private func queue(_ types: [String], contacts: [UUID?]) async throws {
        let events = zip(types, contacts).map { OutgoingEvent(type: $0, contactID: $1, data: ["n": .string($0)]) }
        _ = try await bench.database.run(
            .tenant(bench.tenantID), DeliveryOutbox.queries(tenant: bench.tenantID, events, now: bench.time.now()))
    }

    private func drain() async throws { try await deliverer.drain(tenantID: bench.tenantID) }

    @Test("a delivery is signed by the Standard Webhooks specification")
    func signed() async throws {
        let secret = try await putEndpoint()
        try await queue(["contact.created"], contacts: [UUID()])
        try await drain()
        let received = try #require(instance.received.first)
        let signer = try #require(WebhookSigner(secrets: [secret]))
        #expect(signer.isValid(received.signature, body: received.body, now: bench.time.now().seconds))
        #expect(received.json["type"] == "contact.created")
        #expect(received.json["timestamp"] != nil)
        #expect(received.json["data"] == ["n": "contact.created"])
        #expect(try bench.count("deliveries", "state = 'delivered' AND attempts = 1") == 1)
    }

    @Test("without an enabled endpoint nothing is queued")
    func noEndpoint() async throws {
        try await queue(["a"], contacts: [nil])
        #expect(try bench.count("deliveries") == 0)
        _ = try await putEndpoint()
        _ = try await service.putEndpoint(
            tenantID: bench.tenantID, body: ["url": "https://203.0.114.9/hook", "enabled": false])
        try await queue(["a"], contacts: [nil])
        #expect(try bench.count("deliveries") == 0)
    }

    @Test("one contact's deliveries keep their order, whoever else fails")
    func order() async throws {
        _ = try await putEndpoint()
        let (slow, quick) = (UUID(), UUID())
        try await queue(["slow1", "quick1", "slow2", "quick2", "slow3"], contacts: [slow, quick, slow, quick, slow])
        instance.answer { received in
            .answered(status: received.json["type"] == "slow1" ? 500 : 200, retryAfter: nil, excerpt: "")
        }
        try await drain()
        #expect(
            instance.received.map { $0.json["type"]?.string ?? "" }.filter { $0.hasPrefix("quick") } == [
                "quick1", "quick2",
            ])
        #expect(try bench.count("deliveries", "state = 'queued'") == 3)
        instance.answer(200)
        bench.time.advance(by: .seconds(6))
        try await drain()
        #expect(
            instance.received.map { $0.json["type"]?.string ?? "" }.filter { $0.hasPrefix("slow") }
                == ["slow1", "slow1", "slow2", "slow3"])
    }

    @Test("an alert is not held up by what waits for contacts and orders, nor by a contact whose line stands still")
    func instanceFirst() async throws {
        _ = try await putEndpoint()
        let stuck = UUID()
        try await queue(
            Array(repeating: "stuck", count: 40) + Array(repeating: "order.recorded", count: 40)
                + (0..<40).map { "flow\($0)" } + ["alert.raised", "import.finished"],
            contacts: Array(repeating: stuck, count: 40) + Array(repeating: nil, count: 40)
                + (0..<40).map { _ in UUID() } + [nil, nil])
        instance.answer { received in
            .answered(status: received.json["type"] == "stuck" ? 500 : 200, retryAfter: nil, excerpt: "")
        }
        try await drain()
        let types = instance.received.map { $0.json["type"]?.string ?? "" }
        let first = Set(types.prefix(16))
        #expect(first.isSuperset(of: ["alert.raised", "import.finished", "stuck", "order.recorded"]))
        #expect(types.count == 83)
        #expect(types.filter { $0 == "stuck" }.count == 1)
    }

    @Test("many alerts leave most places to the others")
    func instanceShare() async throws {
        _ = try await putEndpoint()
        try await queue(
            (0..<40).map { "flow\($0)" } + Array(repeating: "alert.raised", count: 10),
            contacts: (0..<40).map { _ in UUID() } + Array(repeating: nil, count: 10))
        try await drain()
        let types = instance.received.map { $0.json["type"]?.string ?? "" }
        #expect(types.prefix(16).filter { $0 == "alert.raised" }.count == 4)
        #expect(types.prefix(32).filter { $0 == "alert.raised" }.count == 8)
        #expect(types.count == 50)
    }

    @Test("every attempt carries the same id, and is logged")
    func retries() async throws {
        _ = try await putEndpoint()
        try await queue(["a"], contacts: [nil])
        instance.answer(500)
        for _ in 0..<3 {
            try await drain()
            bench.time.advance(by: .seconds(3600))
        }
        instance.answer(200)
        try await drain()
        #expect(Set(instance.received.map { $0.headers["webhook-id"] }).count == 1)
        let id = try #require(UUID(uuidString: instance.received[0].headers["webhook-id"] ?? ""))
        let delivery = try await service.find(tenantID: bench.tenantID, id: id)
        #expect(delivery.state == "delivered")
        #expect(delivery.log?.map { $0["status"] } == [500, 500, 500, 200])
        #expect(delivery.log?.first?["response_excerpt"] == "status 500")
    }

    @Test("after three days a delivery is dead, and can be replayed")
    func dead() async throws {
        _ = try await putEndpoint()
        _ = try await bench.addFlow()
        _ = try await bench.process(["phone": "+4915112345678", "event_name": "cart"])
        instance.answer(500)
        for _ in 0..<200 {
            try await drain()
            bench.time.advance(by: .seconds(1800))
        }
        #expect(try bench.count("deliveries", "state = 'dead'") == 2)
        #expect(try bench.count("flow_runs", "state = 'failed'") == 1)
        let dead = try await service.list(
            tenantID: bench.tenantID, filter: DeliveryFilter(state: "dead"), request: PageRequest())
        instance.answer(200)
        for delivery in dead.items {
            #expect(try await service.replay(tenantID: bench.tenantID, id: delivery.id).state == "queued")
        }
        bench.time.advance(by: .seconds(700))
        try await drain()
        #expect(try bench.count("deliveries", "state = 'delivered'") == 2)
        #expect(try bench.count("flow_runs", "state = 'delivered'") == 1)
    }

    @Test("410 switches the endpoint off; what is queued waits for a new one")
    func gone() async throws {
        _ = try await putEndpoint()
        try await queue(["a", "b"], contacts: [nil, nil])
        instance.answer(410)
        try await drain()
        try await drain()
        let endpoint = try #require(try await service.endpoint(tenantID: bench.tenantID, revealedTo: nil))
        #expect(endpoint["enabled"] == false)
        #expect(endpoint["disabled_reason"] == "gone")
        instance.answer(200)
        _ = try await service.putEndpoint(
            tenantID: bench.tenantID, body: ["url": "https://203.0.114.9/new", "enabled": true])
        bench.time.advance(by: .seconds(10))
        try await drain()
        #expect(try bench.count("deliveries", "state = 'delivered'") == 2)
        #expect(instance.received.last?.url == "https://203.0.114.9/new")
    }

    @Test("the quiet that 429 asks for is kept by the whole endpoint")
    func quiet() async throws {
        _ = try await putEndpoint()
        try await queue(["a"], contacts: [UUID()])
        instance.answer(429, retryAfter: .seconds(120))
        try await drain()
        try await queue(["b"], contacts: [UUID()])
        instance.answer(200)
        bench.time.advance(by: .seconds(60))
        try await drain()
        #expect(instance.received.count == 1)
        bench.time.advance(by: .seconds(61))
        try await drain()
        #expect(instance.received.count == 3)
    }

    @Test("an endpoint that keeps failing is left alone and then tried with one delivery")
    func circuit() async throws {
        _ = try await putEndpoint()
        try await queue(Array(repeating: "a", count: 20), contacts: (0..<20).map { _ in UUID() })
        instance.answer(500)
        try await drain()
        let before = instance.received.count
        #expect(before == 16)
        try await drain()
        #expect(instance.received.count == before)
        bench.time.advance(by: .seconds(601))
        try await drain()
        #expect(instance.received.count == before + 1)
        bench.time.advance(by: .seconds(1200))
        instance.answer(200)
        try await drain()
        #expect(try bench.count("deliveries", "state = 'delivered'") == 20)
    }

    @Test("after a rotation both secrets sign until the overlap ends")
    func rotation() async throws {
        let old = try await putEndpoint()
        let rotated = try await service.rotate(tenantID: bench.tenantID, body: ["overlap_hours": 1])
        let new = try #require(rotated["secret"]?.string)
        try await queue(["a"], contacts: [nil])
        try await drain()
        let both = try #require(instance.received.last)
        for secret in [old, new] {
            #expect(
                try #require(WebhookSigner(secrets: [secret])).isValid(
                    both.signature, body: both.body, now: bench.time.now().seconds))
        }
        bench.time.advance(by: .seconds(3601))
        try await queue(["b"], contacts: [nil])
        try await drain()
        let one = try #require(instance.received.last)
        #expect(
            try !#require(WebhookSigner(secrets: [old])).isValid(
                one.signature, body: one.body, now: bench.time.now().seconds))
        #expect(
            try #require(WebhookSigner(secrets: [new])).isValid(
                one.signature, body: one.body, now: bench.time.now().seconds))
    }

    @Test("the test button says how it went")
    func testButton() async throws {
        _ = try await putEndpoint()
        instance.answer(404)
        let answer = try await service.test(tenantID: bench.tenantID)
        #expect(answer["ok"] == false)
        #expect(answer["status"] == 404)
        #expect(try bench.count("deliveries", "type = 'endpoint.test' AND state = 'failed'") == 1)
    }

    @Test("while paused nothing leaves")
    func paused() async throws {
        _ = try await putEndpoint()
        try await queue(["a"], contacts: [nil])
        try bench.rows("UPDATE app.lanes SET paused = true WHERE tenant_id = $1")
        try await drain()
        #expect(instance.received.isEmpty)
    }

    @Test(
        "an endpoint inside is refused when it is configured",
        arguments: [
            "http://127.0.0.1/", "http://localhost:8080/", "http://x.localhost/", "https://10.1.2.3/",
            "https://192.168.1.1/",
            "http://169.254.169.254/latest", "http://[::1]/", "http://[fe80::1]/", "http://[fd00::1]/",
            "http://0.0.0.0/",
            "http://[::]/", "http://[::ffff:10.0.0.1]/", "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/",
            "http://127.1/", "https://user:pass@example.com/", "ftp://example.com/", "file:///etc/passwd",
            "gopher://x/", "",
        ])
    func inside(url: String) async throws {
        await #expect {
            _ = try await service.putEndpoint(tenantID: bench.tenantID, body: ["url": .string(url)])
        } throws: { ($0 as? Problem)?.status.code == 422 }
    }

    @Test("a real connection into a private network is refused again, and an allowed one arrives")
    func live() async throws {
        let group = bench.test.group
        let server = HTTPServer(
            configuration: HTTPServerConfiguration(address: .loopback(port: 0)), group: group, responder: Sink())
        let address = try server.bind()
        let running = Task(executorPreference: group.loops[0]) { try? await server.run() }
        defer { server.drain(); running.cancel() }
        let client = HTTPClient(group: group)
        let url = try #require(HTTPURL("http://\(address)/hook"))
        let closed = HTTPDeliveryTransport(client: client, addresses: .publicOnly(), timeout: .seconds(5))
        let refused = await closed.post(url, headers: [:], body: [])
        #expect(refused.error == "address_refused")
        let block = try #require(CIDRBlock("127.0.0.0/8"))
        let open = HTTPDeliveryTransport(
            client: client, addresses: .publicOnly(allowing: [block]), timeout: .seconds(5))
        let taken = await open.post(url, headers: ["webhook-id": "1"], body: Array("{}".utf8))
        #expect(taken.status == 200)
        #expect(taken.excerpt == "id 1")
        client.close()
    }
}

private struct Sink: HTTPResponder {
    func respond(to request: HTTPRequest) async -> HTTPResponse { .text("id \(request.header("webhook-id") ?? "")") }
}
