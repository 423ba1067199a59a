import FoundationEssentials
import HTTP
import JSON
import Testing

@testable import Tenancy

@Suite("Flows")
struct FlowServiceTests {
    private let bench: EventBench

    init() throws { bench = try EventBench() }

    @Test("a change is a new version; a body that changes nothing is none")
    func versions() async throws {
        let flow = try await bench.addFlow()
        #expect(flow.version == 1)
        let same = try await bench.flows.update(tenantID: bench.tenantID, id: flow.id, body: ["name": "Cart"])
        #expect(same.version == 1)
        let next = try await bench.flows.update(
            tenantID: bench.tenantID, id: flow.id, body: ["enabled": false, "frequency_cap": ["max": 1, "hours": 24]])
        #expect(next.version == 2)
        #expect(!next.isEnabled)
        #expect(next.frequencyCap == FrequencyCap(max: 1, hours: 24))
        let open = try await bench.flows.update(tenantID: bench.tenantID, id: flow.id, body: ["frequency_cap": nil])
        #expect(open.frequencyCap == nil)
        #expect(try await bench.flows.find(tenantID: bench.tenantID, id: flow.id) == open)
    }

    @Test("each fault of a body is named")
    func faults() async throws {
        do {
            _ = try await bench.flows.create(
                tenantID: bench.tenantID,
                body: [
                    "trigger": "x", "event_name": "two words", "payload": 3, "frequency_cap": ["max": 0, "hours": 1],
                ])
            Issue.record("accepted")
        } catch let problem as Problem {
            #expect(problem.status.code == 422)
            #expect(problem.errors.map(\.field) == ["name", "trigger", "event_name", "payload", "frequency_cap"])
        }
    }

    @Test("a test run fills the skeleton and delivers nothing")
    func testRun() async throws {
        let flow = try await bench.addFlow()
        let run = try await bench.flows.test(
            tenantID: bench.tenantID, id: flow.id, sample: ["event_name": "cart", "event_data": ["value": 1]])
        #expect(run.isTest)
        #expect(run.payload == ["value": 1, "currency": "EUR"])
        #expect(run.missingKeys == ["currency"])
        #expect(try bench.count("deliveries") == 0)
    }

    @Test("a removed flow is gone, and another tenant's was never there")
    func removed() async throws {
        let flow = try await bench.addFlow()
        let other = UUID()
        try bench.addTenant(other)
        await #expect(throws: Problem.self) { try await bench.flows.find(tenantID: other, id: flow.id) }
        try await bench.flows.remove(tenantID: bench.tenantID, id: flow.id)
        await #expect(throws: Problem.self) { try await bench.flows.remove(tenantID: bench.tenantID, id: flow.id) }
        #expect(try await bench.flows.list(tenantID: bench.tenantID, request: PageRequest()).items.isEmpty)
    }

    @Test("lists go on where the page before ended")
    func paging() async throws {
        for index in 0..<5 { _ = try await bench.addFlow(["name": .string("\(index)")]) }
        let first = try await bench.flows.list(tenantID: bench.tenantID, request: PageRequest(limit: 3))
        let second = try await bench.flows.list(
            tenantID: bench.tenantID, request: PageRequest(limit: 3, after: first.next))
        #expect(first.items.count == 3)
        #expect(second.items.count == 2)
        #expect(second.next == nil)
        #expect(Set(first.items.map(\.id)).isDisjoint(with: second.items.map(\.id)))
    }
}
