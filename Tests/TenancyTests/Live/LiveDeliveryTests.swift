import Crypto
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import TestSupport
import Testing

@Suite("Deliveries over the wire")
struct LiveDeliveryTests {
    private func flow(_ live: LiveInstance) async throws {
        _ = try await live.first(
            .post, "/flows",
            [
                "name": "Cart", "trigger": "emarsys_event", "event_name": "cart",
                "payload": ["number": 0, "nested": ["a": "", "b": "kept"]],
            ])
    }

    private func cart(_ number: Int, phone: String = "+4915112345678") -> JSON {
        [
            "phone": .string(phone), "external_reference_id": 4711, "event_name": "cart",
            "event_data": ["number": .int(number), "nested": ["a": "filled"]],
        ]
    }

    @Test("an instance is told all it needs, signed, in order")
    func told() async throws {
        let live = try await LiveInstance.make()
        let sink = LiveSink()
        let put = try await live.first(
            .put, "/delivery_endpoint", ["url": .string(try sink.open() + "/hook"), "enabled": true])
        let secret = try #require(put["secret"]?.string)
        #expect(secret.hasPrefix("whsec_"))
        try await flow(live)
        let sent = try await live.webhook(cart(1))
        #expect(sent.status == 202)
        _ = try await live.eventually { sink.received.count >= 2 ? true : nil }
        #expect(sink.received.map { $0.json["type"]?.string } == ["contact.created", "flow.triggered"])
        let triggered = try #require(sink.received.last)
        let signer = try #require(WebhookSigner(secrets: [secret]))
        #expect(
            signer.isValid(triggered.signature, body: triggered.body, now: Int64(Date().timeIntervalSince1970)))
        let data = triggered.json["data"]
        #expect(data?["payload"] == ["number": 1, "nested": ["a": "filled", "b": "kept"]])
        #expect(data?["event"]?["event_name"] == "cart")
        let contactID = data?["contact"]?["id"]?.string ?? ""
        var shown = try await live.first(.get, "/contacts/\(contactID)")
        var carried = data?["contact"] ?? .null
        // Times are one moment in two spellings; everything else is the same, letter for letter.
        for field in ["created_at", "updated_at"] {
            #expect(
                carried[field]?.string.flatMap { Timestamp(rfc3339: $0) }
                    == shown[field]?.string.flatMap { Timestamp(rfc3339: $0) })
            shown[field] = nil
            carried[field] = nil
        }
        #expect(shown == carried)
        #expect(carried["phones"] == [["value": "+4915112345678", "primary": true]])
        #expect(carried["external_reference_id"] == "4711")
        #expect(carried["orders"]?["count"] == 0)

        let listed = try await live.eventually { () -> [JSON]? in
            let found = try await live.list("/deliveries?state=delivered")
            return found.count == 2 ? found : nil
        }
        #expect(listed?.first?["contact_id"]?.string == contactID)
        #expect(listed?.first?["attempts"] == 1)
        let log = try await live.first(.get, "/deliveries/\(listed?.first?["id"]?.string ?? "")")["log"]?[0]
        #expect(log?["status"] == 200)
        #expect(log?["response_excerpt"] == "a word of the sink")
        let event = try await live.first(.get, "/events/\(sent.json["data"]?[0]?["id"]?.string ?? "")")
        #expect(event["deliveries"]?.array?.map { $0["state"] } == ["delivered"])
        #expect(event["deliveries"]?[0]?["flow_run_id"] == data?["flow_run_id"])
        #expect(try await live.list("/flow_runs?state=delivered").count == 1)
    }

    @Test("what fails is failed until it is taken, and dead when its time is over; a replay sends it again")
    func failing() async throws {
        let product = try await RunningProduct.start(["CHARLES_DELIVERY_RETRY_FOR": "1s"])
        let live = try await LiveInstance.make(product)
        let sink = LiveSink()
        sink.answer(.internalServerError)
        _ = try await live.first(.put, "/delivery_endpoint", ["url": .string(try sink.open())])
        try await flow(live)
        _ = try await live.webhook(cart(1))
        func dead(_ count: Int) async throws -> [JSON] {
            try await live.eventually { () -> [JSON]? in
                let found = try await live.list("/deliveries?state=dead")
                return found.count == count ? found : nil
            } ?? []
        }
        let first = try await dead(2).last
        #expect(first?["last_error"]?["code"] == "http_500")
        #expect(first?["next_attempt_at"] == .null)
        sink.answer(.ok)
        let id = first?["id"]?.string ?? ""
        #expect(try await live.first(.post, "/deliveries/\(id)/replay")["state"] == "queued")
        let again = try await live.eventually { () -> JSON? in
            let delivery = try await live.first(.get, "/deliveries/\(id)")
            guard delivery["state"] == "delivered" else { return nil }
            return delivery
        }
        #expect(again?["attempts"] == 2)
        #expect(Set(sink.received.filter { $0.id == id }.map(\.id)).count == 1)

        sink.answer(.tooManyRequests, headers: ["Retry-After": "1"])
        let asked = sink.received.count
        _ = try await live.webhook(cart(2))
        #expect(try await dead(2).count == 2)
        #expect(sink.received.count == asked + 1)
    }

    @Test("an endpoint that never answers holds up nobody else: neither deliveries nor events of others")
    func hanging() async throws {
        let slow = try await LiveInstance.make()
        let hanging = LiveSink(hangs: true)
        _ = try await slow.first(.put, "/delivery_endpoint", ["url": .string(try hanging.open())])
        try await flow(slow)
        let secret = try await slow.secret()
        let many = JSON.array((0..<200).map { cart($0, phone: "+49151200\(10_000 + $0)") })
        #expect(try await slow.webhook(many, secret: secret).status == 202)
        #expect(try await slow.eventually { hanging.received.isEmpty ? nil : true } == true)

        let quick = try await LiveInstance.make()
        let sink = LiveSink()
        _ = try await quick.first(.put, "/delivery_endpoint", ["url": .string(try sink.open())])
        try await flow(quick)
        let start = MonotonicTime.now
        #expect(try await quick.webhook(cart(1)).status == 202)
        #expect(try await quick.eventually(within: 10) { sink.received.count >= 2 ? true : nil } == true)
        #expect(MonotonicTime.now - start < .seconds(5))
        // The slow one still waits for its first answers.
        #expect(try await slow.list("/deliveries?state=delivered").isEmpty)
    }

    @Test("410 switches the endpoint off; the test button says how it went; pulling works without an endpoint")
    func goneAndPulled() async throws {
        let live = try await LiveInstance.make()
        let sink = LiveSink()
        sink.answer(.gone)
        let address = try sink.open()
        _ = try await live.first(.put, "/delivery_endpoint", ["url": .string(address)])
        let tested = try await live.first(.post, "/delivery_endpoint/test")
        #expect(tested["ok"] == false)
        #expect(tested["status"] == 410)
        try await flow(live)
        _ = try await live.webhook(cart(1))
        let disabled = try await live.eventually { () -> JSON? in
            let endpoint = try await live.first(.get, "/delivery_endpoint")
            guard endpoint["enabled"] == false else { return nil }
            return endpoint
        }
        #expect(disabled?["disabled_reason"] == "gone")

        _ = try await live.webhook(cart(2))
        let runs = try await live.eventually { () -> [JSON]? in
            let runs = try await live.list("/flow_runs?state=queued")
            return runs.count == 2 ? runs : nil
        }
        let run = try #require(runs?.first)
        #expect(run["payload"]?["number"] == 2)
        #expect(run["contact"]?["phone"] == "+4915112345678")
        #expect(run["contact"]?["phones"]?.array?.count == 1)
        let taken = try await live.first(.post, "/flow_runs/\(run["id"]?.string ?? "")/ack")
        #expect(taken["state"] == "delivered")
        #expect(try await live.list("/flow_runs?state=queued").count == 1)
    }
}
