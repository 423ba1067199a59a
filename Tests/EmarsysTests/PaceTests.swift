import Emarsys
import EventLoop
import Testing

@Suite("The pace of calls")
struct PaceTests {
    private let begin = Timestamp(seconds: 1_800_000_000)

    private func headers(_ values: [String: String]) -> RateLimitHeaders {
        RateLimitHeaders { name in values.first { $0.key.lowercased() == name.lowercased() }?.value }
    }

    @Test("stops at the limit and goes on with the next window")
    func window() {
        var budget = RateBudget(limit: 10)
        for _ in 0..<10 { #expect(budget.take(at: begin, urgency: .urgent) == .go) }
        #expect(budget.take(at: begin + .seconds(1), urgency: .urgent) == .wait(until: begin + .seconds(60)))
        #expect(budget.take(at: begin + .seconds(60), urgency: .urgent) == .go)
    }

    @Test("leaves a tenth to urgent calls")
    func reserve() {
        var budget = RateBudget(limit: 10)
        for _ in 0..<9 { #expect(budget.take(at: begin) == .go) }
        #expect(budget.take(at: begin) == .wait(until: begin + .seconds(60)))
        #expect(budget.take(at: begin, urgency: .urgent) == .go)
    }

    @Test("is lowered by headers in any capitalisation, never raised above its own limit")
    func told() {
        var budget = RateBudget(limit: 1000)
        #expect(budget.take(at: begin) == .go)
        budget.observe(
            headers([
                "x-ratelimit-limit": "5000", "X-Ratelimit-Remaining": "3",
                "X-RATELIMIT-RESET": String(begin.seconds + 60),
            ]), status: 200, at: begin)
        #expect(budget.limit == 1000)
        #expect(budget.remaining == 3)
        budget.observe(
            headers(["X-RateLimit-Remaining": "900", "X-RateLimit-Reset": String(begin.seconds + 60)]), status: 200,
            at: begin)
        #expect(budget.remaining == 3)
    }

    @Test("takes over Emarsys' own window, with what is under way taken off")
    func otherWindow() {
        var budget = RateBudget(limit: 1000)
        for _ in 0..<5 { #expect(budget.take(at: begin) == .go) }
        budget.observe(
            headers(["X-RateLimit-Remaining": "10", "X-RateLimit-Reset": String(begin.seconds + 20)]), status: 200,
            at: begin)
        #expect(budget.remaining == 6)
        for _ in 0..<6 { #expect(budget.take(at: begin, urgency: .urgent) == .go) }
        #expect(budget.take(at: begin, urgency: .urgent) == .wait(until: begin + .seconds(20)))
        #expect(budget.take(at: begin + .seconds(20), urgency: .urgent) == .go)
    }

    @Test("closes after a 429 until Retry-After, else Reset, else a minute")
    func closed() {
        let cases: [([String: String], Int64)] = [
            (["Retry-After": "7"], 7), (["X-RateLimit-Reset": String(begin.seconds + 33)], 33), ([:], 60),
            (["Retry-After": "86400"], 300), (["X-RateLimit-Reset": String(begin.seconds - 5)], 60),
        ]
        for (values, seconds) in cases {
            var budget = RateBudget(limit: 1000)
            #expect(budget.take(at: begin) == .go)
            budget.observe(headers(values), status: 429, at: begin)
            #expect(budget.take(at: begin, urgency: .urgent) == .wait(until: begin + .seconds(seconds)))
            #expect(budget.take(at: begin + .seconds(seconds), urgency: .urgent) == .go)
        }
    }

    @Test("of questions for a segment grows from 5 s to 60 s, until the patience is over")
    func polling() {
        var plan = SegmentPollPlan(growth: 2, patience: .seconds(200))
        var now = begin
        var waits: [Int64] = []
        while case .again(let next) = plan.notReady(at: now) {
            waits.append((next - now).components.seconds)
            now = next
        }
        #expect(waits == [5, 10, 20, 40, 60, 60])
    }

    @Test("of questions follows the answer's own wish")
    func pollingWish() {
        var plan = SegmentPollPlan()
        #expect(plan.notReady(at: begin, retryAfterSeconds: 30) == .again(at: begin + .seconds(30)))
    }
}

@Suite("A token's life")
struct TokenPlanTests {
    private let begin = Timestamp(seconds: 1_800_000_000)

    @Test("begins with one fetch that others join, and ends a minute early")
    func life() {
        var plan = TokenPlan()
        #expect(plan.decide(at: begin) == .fetch)
        #expect(plan.decide(at: begin) == .join)
        plan.fetched("t1", expiresIn: 3600, at: begin)
        #expect(plan.decide(at: begin + .seconds(3539)) == .use("t1"))
        #expect(plan.decide(at: begin + .seconds(3540)) == .fetch)
    }

    @Test("ends with a refusal, unless it was replaced meanwhile")
    func refused() {
        var plan = TokenPlan()
        _ = plan.decide(at: begin)
        plan.fetched("t1", expiresIn: 3600, at: begin)
        plan.refused("t0")
        #expect(plan.decide(at: begin) == .use("t1"))
        plan.refused("t1")
        #expect(plan.decide(at: begin) == .fetch)
    }

    @Test("respects the endpoint's 50 a minute and 200 an hour")
    func limits() {
        var plan = TokenPlan()
        var now = begin
        for _ in 0..<50 {
            #expect(plan.decide(at: now) == .fetch)
            plan.failed()
        }
        #expect(plan.decide(at: now) == .refuse(until: begin + .seconds(60)))
        for _ in 0..<3 {
            now = now + .seconds(60)
            for _ in 0..<50 {
                #expect(plan.decide(at: now) == .fetch)
                plan.failed()
            }
        }
        #expect(plan.decide(at: now + .seconds(60)) == .refuse(until: begin + .seconds(3600)))
    }
}
