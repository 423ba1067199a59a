import FoundationEssentials
import HTTP
import JSON
import TestSupport
import Testing

@Suite("Webhooks over the wire")
struct LiveWebhookTests {
    private func cart(_ number: Int, phone: String = "+4915112345678") -> JSON {
        ["phone": .string(phone), "event_name": "cart", "event_data": ["number": .int(number)]]
    }

    @Test("each kind of body has its answer")
    func answers() async throws {
        let live = try await LiveInstance.make()
        let secret = try await live.secret()
        let first = try await live.webhook(cart(1), secret: secret)
        #expect(first.status == 202)
        #expect(first.json["count"] == 1)
        #expect(first.json["data"]?[0]?["status"] == "accepted")
        #expect(first.headers["X-Request-Id"] != nil)
        let repeated = try await live.webhook(cart(1), secret: secret)
        #expect(repeated.status == 200)
        #expect(repeated.json["data"]?[0]?["status"] == "duplicate")
        #expect(repeated.json["data"]?[0]?["id"] == first.json["data"]?[0]?["id"])

        let unusable = try await live.webhook(["event_name": "cart", "phone": "null", "email": "-"], secret: secret)
        #expect(unusable.status == 202)
        #expect(unusable.json["data"]?[0]?["status"] == "rejected")
        #expect(unusable.json["data"]?[0]?["errors"]?[0]?["code"] == "contact_key_missing")
        let kept = try await live.first(.get, "/events/\(unusable.json["data"]?[0]?["id"]?.string ?? "")")
        #expect(kept["status"] == "rejected")

        for (body, status, code) in [
            ("{", 400, "invalid_json"), ("", 400, "invalid_json"), (#"{"event_name":"\u0000"}"#, 400, "invalid_json"),
            (#"{"phone":"+4915112345678"}"#, 422, "invalid_event_name"),
            (#"{"phone":"+4915112345678","event_name":"two words"}"#, 422, "invalid_event_name"),
            (#"{"phone":"+4915112345678","event_name":17}"#, 422, "invalid_event_name"),
            (
                #"{"event_name":"x","event_data":\#(String(repeating: "[", count: 9))1\#(String(repeating: "]", count: 9))}"#,
                422, "invalid_event_data"
            ),
            (
                #"{"event_name":"x","event_data":\#(String(repeating: #"{"a":"#, count: 9))1\#(String(repeating: "}", count: 9))}"#,
                422, "too_deep"
            ),
            (
                #"{"event_name":"x","event_data":{"a":"\#(String(repeating: "x", count: 70_000))"}}"#, 413,
                "event_data_too_large"
            ),
        ] {
            let answer = try await live.webhook(.null, secret: secret, raw: Array(body.utf8))
            #expect(answer.status == status, "\(body.prefix(60))")
            #expect(answer.json["code"]?.string == code, "\(body.prefix(60))")
        }
        let invalidText = try await live.webhook(
            .null, secret: secret, raw: Array(#"{"event_name":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8))
        #expect(invalidText.status == 400)
        let large = Array(#"{"event_name":"x","a":""#.utf8) + [UInt8](repeating: 0x61, count: 256 * 1024)
        #expect(try await live.webhook(.null, secret: secret, raw: large).status == 413)
    }

    @Test("tokens: one answer for all that are wrong; the previous secret counts inside its overlap")
    func tokens() async throws {
        let live = try await LiveInstance.make()
        let old = try await live.secret()
        var bodies = Set<JSON>()
        let now = Int(Date().timeIntervalSince1970)
        for token in [
            "x", EventBench.token(secret: Array("not the secret".utf8)), "eyJhbGciOiJub25lIn0.e30.",
            EventBench.token(#"{"exp":\#(now - 120)}"#, secret: Array(old.utf8)),
            EventBench.token(#"{"nbf":\#(now + 120)}"#, secret: Array(old.utf8)),
            EventBench.token(#"{"iat":\#(now + 120)}"#, secret: Array(old.utf8)),
            EventBench.token(secret: Array(old.utf8)) + "=",
        ] {
            let answer = try await live.webhook(cart(0), token: token)
            #expect(answer.status == 401)
            var body = answer.json
            body["request_id"] = nil
            bodies.insert(body)
        }
        #expect(bodies.count == 1)
        for claims in [#"{"exp":\#(now - 30)}"#, #"{"nbf":\#(now + 30)}"#, #"{"iat":\#(now + 30)}"#] {
            let answer = try await live.webhook(
                cart(0), token: EventBench.token(claims, secret: Array(old.utf8)))
            #expect([200, 202].contains(answer.status))
        }
        _ = try await live.first(.post, "/integrations/emarsys/webhook/rotate", [:])
        let new = try await live.secret()
        #expect(new != old)
        try await live.settled { try await live.webhook(self.cart(1), secret: new).status == 202 }
        #expect(try await live.webhook(cart(2), secret: old).status == 202)
        _ = try await live.first(.post, "/integrations/emarsys/webhook/rotate", ["overlap_hours": 0])
        let newest = try await live.secret()
        try await live.settled { try await live.webhook(self.cart(3), secret: newest).status < 300 }
        try await live.settled { try await live.webhook(self.cart(4), secret: new).status == 401 }
    }

    @Test("of fifty copies at once exactly one is accepted")
    func copies() async throws {
        let live = try await LiveInstance.make()
        let secret = try await live.secret()
        let event = cart(7)
        let statuses = try await withThrowingTaskGroup(of: (Int, String?).self) { group in
            for _ in 0..<50 {
                group.addTask {
                    let answer = try await live.webhook(event, secret: secret)
                    return (answer.status, answer.json["data"]?[0]?["id"]?.string)
                }
            }
            var statuses: [(Int, String?)] = []
            for try await status in group { statuses.append(status) }
            return statuses
        }
        #expect(statuses.filter { $0.0 == 202 }.count == 1)
        #expect(statuses.filter { $0.0 == 200 }.count == 49)
        #expect(Set(statuses.map(\.1)).count == 1)
    }

    @Test("with order_events off the order webhook answers 403, with emarsys off both do; nothing is stored")
    func features() async throws {
        let live = try await LiveInstance.make()
        let secret = try await live.secret()
        let order: JSON = [
            "phone": "+4915112345678", "event_name": "order_placed",
            "event_data": ["order_id": "1", "amount_total_gross": "1.00"],
        ]
        let features = "/api/v0/tenants/\(live.name)/features/"
        _ = try await live.product.callOperator(.put, features + "order_events", ["enabled": false])
        try await live.settled { try await live.webhook(order, order: true, secret: secret).status == 403 }
        let refused = try await live.webhook(order, order: true, secret: secret)
        #expect(refused.json["code"] == "feature_not_enabled")
        #expect(try await live.webhook(order, order: true, token: "x").status == 403)
        #expect(try await live.webhook(cart(1), secret: secret).status == 202)
        #expect(try await live.list("/events").count == 1)
        _ = try await live.product.callOperator(.put, features + "emarsys", ["enabled": false])
        try await live.settled { try await live.webhook(self.cart(2), secret: secret).status == 403 }
        #expect(try await live.webhook(cart(2), secret: secret).json["code"] == "feature_not_enabled")
        _ = try await live.product.callOperator(.put, features + "emarsys", ["enabled": true])
        _ = try await live.product.callOperator(.put, features + "order_events", ["enabled": true])
        try await live.settled { try await live.webhook(order, order: true, secret: secret).status == 202 }
    }

    @Test("while paused events are held; resuming releases them in their order")
    func held() async throws {
        let live = try await LiveInstance.make()
        let emarsys = try SandboxProcess.start(contacts: 5)
        _ = try await live.first(
            .put, "/integrations/emarsys/connection",
            [
                "name": "x", "auth": "oauth2", "client_id": .string(emarsys.clientID),
                "client_secret": .string(emarsys.clientSecret), "token_url": .string(emarsys.tokenURL),
                "base_url": .string(emarsys.baseURL),
            ])
        _ = try await live.first(
            .post, "/flows",
            [
                "name": "f", "trigger": "emarsys_event", "event_name": "cart", "payload": ["number": 0],
            ])
        let secret = try await live.secret()
        _ = try await live.first(.post, "/integrations/emarsys/pause")
        var number = 0
        try await live.settled {
            number += 1
            return try await live.webhook(self.cart(number), secret: secret).json["data"]?[0]?["status"] == "held"
        }
        for _ in 0..<3 {
            number += 1
            let answer = try await live.webhook(cart(number), secret: secret)
            #expect(answer.status == 202)
            #expect(answer.json["data"]?[0]?["status"] == "held")
        }
        #expect(try await live.list("/events?status=held").count == 4)
        _ = try await live.first(.post, "/integrations/emarsys/resume")
        let runs = try await live.eventually { () -> [JSON]? in
            let runs = try await live.list("/flow_runs")
            return runs.count == number ? runs : nil
        }
        #expect(runs?.reversed().compactMap { $0["payload"]?["number"]?.int } == Array(1...number))
        #expect(try await live.list("/events?status=held").isEmpty)
    }

    @Test("a replay is a new attempt: of one event, of one flow of it, of a filter")
    func replays() async throws {
        let live = try await LiveInstance.make()
        var flows: [String] = []
        for name in ["one", "two"] {
            let flow = try await live.first(
                .post, "/flows",
                ["name": .string(name), "trigger": "emarsys_event", "event_name": "cart", "payload": ["number": 0]])
            flows.append(flow["id"]?.string ?? "")
        }
        let sent = try await live.webhook(cart(1))
        let id = sent.json["data"]?[0]?["id"]?.string
        let event = try #require(try await live.processed(id))
        #expect(event["trace"]?["contact"]?["action"] == "created")
        #expect(event["trace"]?["flows"]?.array?.count == 2)
        func runs(_ count: Int) async throws -> Bool {
            try await live.eventually { try await live.list("/flow_runs").count == count ? true : nil } ?? false
        }
        #expect(try await live.call(.post, "/events/\(id ?? "")/replay").status == 202)
        #expect(try await runs(4))
        #expect(try await live.call(.post, "/events/\(id ?? "")/replay", ["flow_id": .string(flows[1])]).status == 202)
        #expect(try await runs(5))
        _ = try await live.processed(id)
        let replayed = try await live.first(
            .post, "/events/replay", ["filter": ["event_name": "cart"], "flow_id": .string(flows[0])])
        #expect(replayed["replayed"] == 1)
        #expect(try await runs(6))
        let seen = try #require(try await live.processed(id))
        #expect(seen["attempts"]?.array?.map { $0["reason"] } == ["arrival", "replay", "replay", "replay"])
        #expect(seen["attempts"]?.array?.map { $0["flow_id"]?.string } == [nil, nil, flows[1], flows[0]])
        #expect(try await live.call(.post, "/events/replay", ["filter": ["status": "none"]]).status == 422)
        // Asked twice with one key it is done once.
        for _ in 0..<2 {
            let answer = try await live.product.call(
                .post, host: live.name, "/api/v0/events/\(id ?? "")/replay", [:],
                headers: ["X-API-Key": live.key, "Idempotency-Key": "again"])
            #expect(answer.status == .accepted)
        }
        #expect(try await runs(8))
        _ = try await live.processed(id)
        #expect(try await live.list("/flow_runs").count == 8)
    }
}

extension LiveInstance {
    /// Waits until what a replica holds of the directory has caught up, which takes a second at most.
    func settled(_ ask: () async throws -> Bool) async throws {
        let isSettled = try await eventually(within: 3) { try await ask() ? true : nil }
        #expect(isSettled == true)
    }
}
