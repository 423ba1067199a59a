import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence
import TestSupport
import Testing

@testable import Tenancy

@Suite("The inbox")
struct InboxTests {
    private let bench: EventBench

    init() throws { bench = try EventBench() }

    private func event(_ id: String, phone: String = "+4915112345678") -> JSON {
        ["phone": .string(phone), "event_name": "cart", "deduplication_id": .string(id), "event_data": ["value": 59.9]]
    }

    @Test("an accepted event is durable, and its processing is asked for")
    func accepted() async throws {
        let answer = try await bench.send(event("1"))
        #expect(answer.status == 202)
        #expect(answer.body["count"]?.int == 1)
        #expect(answer.body["data"]?[0]?["status"] == "accepted")
        #expect(try bench.count("events", "status = 'accepted'") == 1)
    }

    @Test("a repeat is answered with 200 and the first one's id")
    func duplicate() async throws {
        let first = try await bench.send(event("1"))
        let repeated = try await bench.send(event("1"))
        #expect(repeated.status == 200)
        #expect(repeated.body["data"]?[0]?["status"] == "duplicate")
        #expect(repeated.body["data"]?[0]?["id"] == first.body["data"]?[0]?["id"])
        #expect(try bench.count("events") == 1)
    }

    @Test("after a day the same key is a new event")
    func windowEnds() async throws {
        _ = try await bench.send(event("1"))
        bench.time.advance(by: .seconds(24 * 3600 - 1))
        #expect(try await bench.send(event("1")).status == 200)
        bench.time.advance(by: .seconds(2))
        #expect(try await bench.send(event("1")).status == 202)
        #expect(try bench.count("events") == 2)
    }

    @Test("of fifty copies at once exactly one is accepted")
    func concurrentCopies() async throws {
        let bench = bench
        let answers = try await withThrowingTaskGroup(of: (Int, JSON?).self) { group in
            for index in 0..<50 {
                let loop = bench.test.group.loops[index % bench.test.group.loops.count]
                group.addTask(executorPreference: loop) {
                    let answer = try await bench.send([
                        "phone": "+49151", "event_name": "cart", "deduplication_id": "1",
                    ])
                    return (answer.status, answer.body["data"]?[0]?["id"])
                }
            }
            var answers: [(Int, JSON?)] = []
            for try await answer in group { answers.append(answer) }
            return answers
        }
        #expect(answers.filter { $0.0 == 202 }.count == 1)
        #expect(answers.filter { $0.0 == 200 }.count == 49)
        #expect(Set(answers.compactMap(\.1)).count == 1)
        #expect(try bench.count("events") == 1)
    }

    @Test("two tenants share no keys")
    func tenants() async throws {
        let other = UUID()
        try bench.addTenant(other)
        #expect(try await bench.send(event("1")).status == 202)
        #expect(try await bench.send(event("1"), tenant: bench.tenant(other)).status == 202)
    }

    @Test("many requests of many tenants at once are each answered for themselves")
    func load() async throws {
        let bench = bench
        let others = (0..<5).map { _ in UUID() }
        for id in others { try bench.addTenant(id) }
        let ids = try await withThrowingTaskGroup(of: String?.self) { group in
            for index in 0..<600 {
                group.addTask(executorPreference: bench.test.group.loops[index % 2]) {
                    let answer = try await bench.send(
                        ["phone": "+49151", "event_name": "cart", "deduplication_id": .string("\(index)")],
                        tenant: bench.tenant(others[index % others.count]))
                    return answer.body["data"]?[0]?["id"]?.string
                }
            }
            var ids = Set<String>()
            for try await id in group { if let id { ids.insert(id) } }
            return ids
        }
        #expect(ids.count == 600)
        let stored = try bench.test.administer(
            "SELECT count(*) FROM app.events WHERE tenant_id = ANY ($1::uuid[])",
            ["{" + others.map(\.uuidString).joined(separator: ",") + "}"])
        #expect(stored[0][0] == "600")
    }

    @Test("a row that the database refuses is set apart from its neighbours")
    func poison() async throws {
        let now = bench.time.now()
        let rows = (0..<9).map { index in
            let text = index == 4 ? #"{"n":1e999999}"# : #"{"n":\#(index)}"#
            return InboxRow(
                tenantID: bench.tenantID, source: .custom, status: .accepted, receivedAt: now,
                event: ReceivedEvent(
                    id: UUID(), name: "cart", occurredAt: now, body: Array(text.utf8),
                    dedupKey: Array("\(index)".utf8), faults: []))
        }
        let outcomes = await InboxBatch(database: bench.database, now: now).store(rows)
        #expect(outcomes == (0..<9).map { $0 == 4 ? .unstorable : .stored })
        #expect(try bench.count("events") == 8)
    }

    @Test("without contact keys that can be used the event is kept and rejected, and not sent again")
    func rejected() async throws {
        let answer = try await bench.send(["phone": "0151 2345678", "email": "-", "event_name": "cart"])
        #expect(answer.status == 202)
        #expect(answer.body["data"]?[0]?["status"] == "rejected")
        #expect(answer.body["data"]?[0]?["errors"]?[0]?["field"] == "phone")
        #expect(try bench.count("events", "status = 'rejected' AND errors IS NOT NULL") == 1)
    }

    @Test("while paused events are held, and processed after the pause in their order")
    func held() async throws {
        try bench.rows(
            "INSERT INTO app.connections (tenant_id, name, auth, status, paused) VALUES ($1, 'x', 'wsse', 'connected', true)"
        )
        for index in 0..<3 {
            let answer = try await bench.send(event("\(index)"), tenant: bench.tenant(isPaused: true))
            #expect(answer.status == 202)
            #expect(answer.body["data"]?[0]?["status"] == "held")
            bench.time.advance(by: .seconds(1))
        }
        try await bench.processor.drain(tenantID: bench.tenantID)
        #expect(try bench.count("events", "status = 'held'") == 3)
        try bench.rows("UPDATE app.connections SET paused = false WHERE tenant_id = $1")
        try await bench.processor.drain(tenantID: bench.tenantID)
        #expect(try bench.count("events", "status = 'processed'") == 3)
    }

    @Test("a token that is missing, wrong, unsigned, expired or another tenant's is answered with one body")
    func tokens() async throws {
        let wrong = EventBench.token(secret: Array("another secret of thirty-two bytes !".utf8))
        let unsigned = "eyJhbGciOiJub25lIn0.e30."
        let expired = EventBench.token(#"{"exp":\#(bench.time.now().seconds - 61)}"#)
        var bodies = Set<JSON>()
        for token in [nil, "", "x", wrong, unsigned, expired] {
            let answer = try await bench.send(event("1"), token: token)
            #expect(answer.status == 401)
            bodies.insert(answer.body)
        }
        #expect(bodies.count == 1)
        #expect(try bench.count("events") == 0)
        #expect(
            try await bench.send(event("1"), token: EventBench.token(#"{"exp":\#(bench.time.now().seconds - 59)}"#))
                .status == 202)
    }

    @Test("without the database nothing is acknowledged")
    func unavailable() async throws {
        var configuration = bench.test.configuration
        configuration.url = "host=/nowhere dbname=none user=none"
        configuration.waitTimeout = .milliseconds(200)
        let database = try Database(configuration, group: bench.test.group)
        let service = WebhookService(
            inbox: InboxWriter(database: database, group: bench.test.group, time: bench.time),
            contacts: StitchedContacts { _ in nil }, time: bench.time)
        let request = try HTTPRequest(
            method: .post, target: "/", headers: ["Authorization": "Bearer " + EventBench.token()],
            body: event("1").encoded())
        await #expect {
            _ = try await service.receive(request, tenant: bench.tenant(), source: .custom)
        } throws: { error in
            let problem = error as? Problem
            return problem?.status.code == 503 && problem?.headers["Retry-After"] == "5"
        }
        await database.close()
    }

    @Test("an array answers each element in its order")
    func array() async throws {
        let answer = try await bench.send([event("1"), event("1"), ["event_name": "no name"], event("2")])
        #expect(answer.status == 202)
        #expect(
            answer.body["data"]?.array?.map { $0["status"] } == ["accepted", "duplicate", "rejected", "accepted"])
        #expect(answer.body["data"]?[1]?["id"] == answer.body["data"]?[0]?["id"])
    }
}
