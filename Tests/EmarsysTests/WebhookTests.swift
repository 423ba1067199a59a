import Crypto
import EventLoop
import HTTP
import JSON
import Sandbox
import Synchronization
import Testing

/// A receiver of webhooks that answers with the given statuses in turn, the last one for ever.
private final class Receiver: HTTPResponder {
    private let state: Mutex<(statuses: [Int], requests: [HTTPRequest])>

    init(_ statuses: [Int] = [202]) { state = Mutex((statuses, [])) }

    var requests: [HTTPRequest] { state.withLock { $0.requests } }

    func respond(to request: HTTPRequest) async -> HTTPResponse {
        let status = state.withLock { state in
            state.requests.append(request)
            return state.statuses.count > 1 ? state.statuses.removeFirst() : state.statuses[0]
        }
        return HTTPResponse.json(["count": 1], status: HTTPStatus(status))
    }

    /// Serves on a loop for the length of `body`, which is given the receiver's address.
    static func run(_ receiver: Receiver, _ body: (String) async throws -> Void) async throws {
        let group = EventLoopGroup(loops: 1)
        defer { group.shutDown() }
        let server = HTTPServer(
            configuration: HTTPServerConfiguration(address: .loopback(port: 0)), group: group, responder: receiver)
        let address = try server.bind()
        let serving = Task(executorPreference: group.next()) { try await server.run() }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body("http://\(address)/hook")) } catch { outcome = .failure(error) }
        serving.cancel()
        _ = await serving.result
        try outcome.get()
    }
}

@Suite("Webhooks of the simulated account")
struct WebhookTests {
    private func body(_ request: HTTPRequest?) throws -> JSON { try JSON.parse(request?.body ?? []) }

    @Test("are flat JSON with the contact's data, signed by the secret", arguments: ["HS256", "HS384", "HS512"])
    func custom(algorithm: String) async throws {
        let receiver = Receiver()
        try await SandboxStage.run { stage in
            try await Receiver.run(receiver) { url in
                var order = SandboxWebhookOrder(url: url, secret: "a secret of some length for hmac")
                order.algorithm = algorithm
                order.contacts = [stage.id(4)]
                order.additionalData = ["scenario": "winter"]
                let sent = await stage.server.send(order)
                #expect(sent.map(\.statuses) == [[202]])
            }
            let request = try #require(receiver.requests.first)
            let body = try body(request)
            #expect(body["external_reference_id"]?.string == stage.id(4))
            #expect(body["event_name"]?.string == "abandoned_cart")
            #expect(body["scenario"]?.string == "winter")
            #expect(body["event_data"]?["cart"]?["currency"]?.string == "EUR")
            #expect(body["deduplication_id"]?.string?.isEmpty == false && body["ems_program_id"] != nil)
            #expect(SandboxValue.text(body["phone"]?.string ?? "") == stage.account.value(37, of: stage.id(4)))
            let token = try #require(request.header("Authorization")?.dropFirst("Bearer ".count))
            let key = try JWTKey(secret: "a secret of some length for hmac")
            _ = try JWTVerifier(keys: [key]).verify(String(token), now: stage.time.now().seconds)
        }
    }

    @Test("of orders carry an order, and keys that are left out are")
    func orders() async throws {
        let receiver = Receiver()
        try await SandboxStage.run { stage in
            try await Receiver.run(receiver) { url in
                var order = SandboxWebhookOrder(url: url, secret: "s")
                order.isOrder = true
                order.eventName = "order_placed"
                order.omitted = ["phone", "email"]
                order.hasDeduplicationID = false
                _ = await stage.server.send(order)
            }
            let body = try body(receiver.requests.first)
            #expect(body["event_data"]?["amount_total_gross"]?.string == "114.90")
            #expect(body["phone"] == nil && body["email"] == nil && body["deduplication_id"] == nil)
        }
    }

    @Test("are sent twice with the same deduplication id when duplicates are asked for")
    func duplicates() async throws {
        let receiver = Receiver()
        try await SandboxStage.run { stage in
            try await Receiver.run(receiver) { url in
                var order = SandboxWebhookOrder(url: url, secret: "s")
                order.copies = 3
                order.first = 2
                _ = await stage.server.send(order)
            }
            let ids = try receiver.requests.map { try body($0)["deduplication_id"]?.string ?? "" }
            #expect(ids.count == 6 && Set(ids).count == 2)
        }
    }

    @Test("are repeated with growing waits until they are taken")
    func retries() async throws {
        let receiver = Receiver([503, 500, 202])
        try await SandboxStage.run { stage in
            try await Receiver.run(receiver) { url in
                var order = SandboxWebhookOrder(url: url, secret: "s")
                order.attempts = 11
                let asked = order
                async let sent = stage.server.send(asked)
                for wait in [30, 60] {
                    await stage.time.waitForSleepers()
                    stage.time.advance(by: .seconds(wait))
                }
                let statuses = await sent.map(\.statuses)
                #expect(statuses == [[503, 500, 202]])
            }
        }
    }

    @Test("follow the schedule of 11 attempts from half a minute to ten")
    func schedule() {
        let waits = (1...11).map { SandboxRetrySchedule.wait(after: $0)?.components.seconds }
        #expect(waits == [30, 60, 120, 240, 480, 600, 600, 600, 600, 600, nil])
    }
}
