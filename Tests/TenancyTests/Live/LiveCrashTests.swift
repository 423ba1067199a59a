import FoundationEssentials
import HTTP
import JSON
import TestSupport
import Testing

@Suite("Killed at work")
struct LiveCrashTests {
    @Test("kill -9 while events are processed and delivered: every event once, no run missing, none twice")
    func killed() async throws {
        let product = try await RunningProduct.start()
        let live = try await LiveInstance.make(product)
        let sink = LiveSink()
        _ = try await live.first(.put, "/delivery_endpoint", ["url": .string(try sink.open())])
        for name in ["one", "two"] {
            _ = try await live.first(
                .post, "/flows",
                ["name": .string(name), "trigger": "emarsys_event", "event_name": "cart", "payload": ["number": 0]])
        }
        let secret = try await live.secret()
        let (rounds, size) = (4, 700)
        var accepted = 0
        for round in 0..<rounds {
            let events = JSON.array(
                (0..<size).map { index in
                    let number = round * size + index
                    return [
                        "phone": .string("+49152\(1_000_000 + number % 900)"), "event_name": "cart",
                        "deduplication_id": .string("\(number)"), "event_data": ["number": .int(number)],
                    ]
                })
            let answer = try await live.webhook(events, secret: secret)
            #expect(answer.status == 202)
            accepted += answer.json["data"]?.array?.filter { $0["status"] == "accepted" }.count ?? 0
            // In the middle of it, each time at another place.
            _ = try await live.eventually(within: 10) {
                let left = try Self.count(product, "events", "status = 'accepted'")
                return left < size - 120 * round ? true : nil
            }
            product.kill()
            try await product.launch()
        }
        #expect(accepted == rounds * size)
        let isDone = try await live.eventually(within: 120) { () -> Bool? in
            let waiting = try Self.count(product, "events", "status <> 'processed'")
            return waiting == 0 ? true : nil
        }
        #expect(isDone == true)
        #expect(try Self.count(product, "events") == accepted)
        #expect(try Self.count(product, "flow_runs") == 2 * accepted)
        let pairs = try product.database.administer(
            "SELECT count(*) FROM (SELECT DISTINCT event_id, flow_id FROM app.flow_runs) x")[0][0]
        #expect(pairs == "\(2 * accepted)")
        #expect(try Self.count(product, "event_attempts") == accepted)
        #expect(try Self.count(product, "deliveries", "type = 'flow.triggered'") == 2 * accepted)
        #expect(
            try product.database.administer(
                "SELECT count(DISTINCT flow_run_id) FROM app.deliveries WHERE type = 'flow.triggered'")[0][0]
                == "\(2 * accepted)")
        // Each delivery arrives, with the same id if it comes again.
        let hasArrived = try await live.eventually(within: 120) { () -> Bool? in
            try Self.count(product, "deliveries", "state <> 'delivered'") == 0 ? true : nil
        }
        #expect(hasArrived == true)
        let runs = Set(
            sink.received.compactMap {
                $0.json["type"] == "flow.triggered" ? $0.json["data"]?["flow_run_id"]?.string : nil
            })
        #expect(runs.count == 2 * accepted)
        #expect(
            Set(sink.received.filter { $0.json["type"] == "flow.triggered" }.map(\.id)).count == 2 * accepted)
    }

    private static func count(_ product: RunningProduct, _ table: String, _ condition: String = "true") throws -> Int {
        Int(try product.database.administer("SELECT count(*) FROM app.\(table) WHERE \(condition)")[0][0] ?? "") ?? -1
    }
}
