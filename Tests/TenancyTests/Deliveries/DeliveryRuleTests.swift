import EventLoop
import FoundationEssentials
import Testing

@testable import Tenancy

@Suite("The rules of delivering")
struct DeliveryRuleTests {
    private let now = Timestamp(seconds: 1_000_000)

    @Test("attempts spread over three days and then end")
    func plan() {
        let plan = DeliveryRetryPlan()
        let giveUpAt = now + plan.retryFor
        var time = now
        var attempts = 1
        while let next = plan.next(failures: attempts, giveUpAt: giveUpAt, now: time, jitter: 0) {
            #expect(next > time)
            time = next
            attempts += 1
        }
        #expect(attempts > 12)
        #expect(time > giveUpAt - .seconds(8 * 3600))
        #expect(time <= giveUpAt)
    }

    @Test("jitter is only ever added, a tenth of the step at most", arguments: 1...12)
    func jitter(failures: Int) throws {
        let plan = DeliveryRetryPlan()
        let far = now + plan.retryFor
        let least = try #require(plan.next(failures: failures, giveUpAt: far, now: now, jitter: 0))
        let most = try #require(plan.next(failures: failures, giveUpAt: far, now: now, jitter: 1))
        #expect(most > least)
        #expect(most - now <= (least - now) * 11 / 10)
    }

    @Test("a longer wait that the other side asks for is honoured")
    func retryAfter() {
        let plan = DeliveryRetryPlan()
        let next = plan.next(
            failures: 1, giveUpAt: now + plan.retryFor, now: now, retryAfter: .seconds(120), jitter: 1)
        #expect(next == now + .seconds(120))
    }

    @Test("five failures in a row open the circuit, one success closes it")
    func circuit() {
        var circuit = EndpointCircuit()
        for _ in 0..<4 { circuit.fail(now: now) }
        #expect(circuit.permits(8, now: now) == 8)
        circuit.fail(now: now)
        #expect(circuit.permits(8, now: now) == 0)
        #expect(circuit.permits(8, now: now + .seconds(31)) == 1)
        circuit.fail(now: now + .seconds(31))
        #expect(circuit.permits(8, now: now + .seconds(31 + 59)) == 0)
        #expect(circuit.permits(8, now: now + .seconds(31 + 61)) == 1)
        circuit.succeed()
        #expect(circuit == EndpointCircuit())
    }

    @Test("the circuit never stays open for more than ten minutes at a time")
    func longestOpen() throws {
        var circuit = EndpointCircuit()
        for _ in 0..<60 { circuit.fail(now: now) }
        #expect(try #require(circuit.openUntil) == now + .seconds(600))
    }

    @Test("answers are judged by the specification")
    func verdicts() {
        func verdict(_ status: Int, _ retryAfter: Duration? = nil) -> DeliveryVerdict {
            DeliveryVerdict(.answered(status: status, retryAfter: retryAfter, excerpt: ""))
        }
        #expect(verdict(204) == .delivered)
        #expect(verdict(302) == .retry(after: nil))
        #expect(verdict(410) == .gone)
        #expect(verdict(429, .seconds(7)) == .quiet(.seconds(7)))
        #expect(verdict(429) == .quiet(.seconds(30)))
        #expect(verdict(503, .seconds(9)) == .quiet(.seconds(9)))
        #expect(verdict(503) == .retry(after: nil))
        #expect(verdict(500) == .retry(after: nil))
        #expect(DeliveryVerdict(.failed(code: "timed_out")) == .retry(after: nil))
    }

    @Test(
        "Retry-After is seconds or a date, a day at most",
        arguments: [
            ("120", 120), ("0", 0), (" 7 ", 7), ("999999", 86_400), ("-1", nil), ("soon", nil), ("", nil),
            ("Tue, 24 Nov 2026 12:01:30 GMT", 90), ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
            ("Wed, 24 Nov 2027 12:00:00 GMT", 86_400), ("Tue, 24 Foo 2026 12:01:30 GMT", nil),
        ] as [(String, Int?)])
    func retryAfterHeader(value: String, seconds: Int?) throws {
        let now = try #require(Timestamp(rfc3339: "2026-11-24T12:00:00Z"))
        #expect(DeliveryVerdict.retryAfter(value, now: now) == seconds.map { .seconds($0) })
    }

    @Test("of an answer the first kilobyte is kept, as text that the database can keep")
    func excerpt() {
        let excerpt = HTTPDeliveryTransport.excerpt([UInt8](repeating: 0x61, count: 5000))
        #expect(excerpt == String(repeating: "a", count: 1024))
        #expect(HTTPDeliveryTransport.excerpt([0x61, 0, 0xFF]) == "a\u{FFFD}")
    }
}
