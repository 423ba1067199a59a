import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence
import TestSupport
import Testing

@testable import Tenancy

@Suite("Processing events")
struct EventProcessingTests {
    private let bench: EventBench

    init() throws { bench = try EventBench() }

    private func cart(_ value: JSON = "59.90", phone: String? = "+4915112345678", key: String? = nil) -> JSON {
        var event: JSON = ["event_name": "cart", "scenario": "winter", "event_data": ["value": value]]
        if let phone { event["phone"] = .string(phone) }
        if let key { event["deduplication_id"] = .string(key) }
        return event
    }

    private func addEndpoint() throws {
        try bench.rows(
            "INSERT INTO app.delivery_endpoints (tenant_id, url, secret) VALUES ($1, 'http://sink', 'x')")
    }

    @Test("a contact is created, the flow runs with its payload, and the instance is told all it needs")
    func wholeWay() async throws {
        try addEndpoint()
        let flow = try await bench.addFlow()
        let event = try await bench.process(cart())
        #expect(event.status == .processed)
        let contactID = try #require(event.contactID)
        #expect(event.trace?["contact"]?["action"] == "created")
        #expect(event.trace?["flows"]?[0]?["state"] == "queued")
        #expect(event.trace?["flows"]?[0]?["missing_keys"] == ["currency"])

        let run = try #require(
            try await bench.flows.runs(
                tenantID: bench.tenantID, state: "queued", flowID: flow.id, contactID: nil, eventID: nil,
                request: PageRequest()
            ).items.first)
        #expect(run.payload == ["value": "59.90", "currency": "EUR"])
        #expect(run.contactID == contactID)
        #expect(run.flowVersion == 1)

        let deliveries = try bench.rows("SELECT type, body FROM app.deliveries WHERE tenant_id = $1 ORDER BY sequence")
        #expect(deliveries.map { $0[0] } == ["contact.created", "flow.triggered"])
        let body = try JSON.parse(Array((deliveries[1][1] ?? "").utf8))
        #expect(body["data"]?["contact"]?["phone"] == "+4915112345678")
        #expect(body["data"]?["payload"]?["value"] == "59.90")
        #expect(body["data"]?["event"]?["event_name"] == "cart")
        #expect(body["data"]?["event"]?["additional_data"] == ["scenario": "winter"])
        #expect(body["data"]?["flow_run_id"]?.string == run.id.text)
        #expect(try bench.count("touches", "kind = 'flow'") == 1)
        #expect(try bench.count("jobs", "queue = 'deliveries'") == 1)
    }

    @Test("several flows may wait for one name; a disabled or removed one does not run")
    func severalFlows() async throws {
        _ = try await bench.addFlow(["name": "one"])
        bench.time.advance(by: .seconds(1))
        _ = try await bench.addFlow(["name": "two"])
        _ = try await bench.addFlow(["name": "off", "enabled": false])
        let gone = try await bench.addFlow(["name": "gone"])
        try await bench.flows.remove(tenantID: bench.tenantID, id: gone.id)
        let event = try await bench.process(cart())
        #expect(event.trace?["flows"]?.array?.map { $0["name"] } == ["one", "two"])
    }

    @Test("without a flow the event is processed and says so")
    func noFlow() async throws {
        let event = try await bench.process(cart())
        #expect(event.status == .processed)
        #expect(event.trace?["notes"]?.array?.contains("no_matching_flow") == true)
    }

    @Test("an unknown external id alone identifies nobody")
    func unidentifiable() async throws {
        let event = try await bench.process(["external_reference_id": 77, "event_name": "cart"])
        #expect(event.status == .rejected)
        #expect(event.errors?[0]?["code"] == "contact_not_identifiable")
    }

    @Test("a contact without a phone, or without the opt-in that the flow asks for, is not written to")
    func noPhoneNoConsent() async throws {
        _ = try await bench.addFlow(["require_consent": true])
        var event = try await bench.process(["email": "a@example.com", "event_name": "cart"])
        #expect(event.trace?["flows"]?[0]?["state"] == "no_phone")
        event = try await bench.process(cart(key: "1"))
        #expect(event.trace?["flows"]?[0]?["state"] == "no_consent")
        let contactID = try #require(event.contactID)
        try bench.rows(
            """
            INSERT INTO app.consents (tenant_id, contact_id, subscription_type, phone, status, occurred_at, entry_id)
            VALUES ($1, $2, 'whatsapp', '+4915112345678', 'granted', now(), gen_random_uuid())
            """, [contactID.uuidString])
        try bench.rows("SELECT app.refresh_opt_ins($1, ARRAY[$2::uuid])", [contactID.uuidString])
        event = try await bench.process(cart(key: "2"))
        #expect(event.trace?["flows"]?[0]?["state"] == "queued")
    }

    @Test("a frequency cap counts the runs of its hours, those of the same batch too")
    func capped() async throws {
        _ = try await bench.addFlow(["frequency_cap": ["max": 2, "hours": 24]])
        for index in 0..<3 { _ = try await bench.send(cart(key: "\(index)")) }
        try await bench.processor.drain(tenantID: bench.tenantID)
        #expect(try bench.count("flow_runs", "state = 'queued'") == 2)
        #expect(try bench.count("flow_runs", "state = 'capped'") == 1)
        #expect(try await bench.process(cart(key: "3")).trace?["flows"]?[0]?["state"] == "capped")
        bench.time.advance(by: .seconds(25 * 3600))
        #expect(try await bench.process(cart(key: "4")).trace?["flows"]?[0]?["state"] == "queued")
    }

    @Test("a burst for one new contact makes one contact, and runs keep the order of arrival")
    func burst() async throws {
        _ = try await bench.addFlow()
        for index in 0..<40 {
            _ = try await bench.send(cart(.int(index), key: "\(index)"))
            bench.time.advance(by: .milliseconds(1))
        }
        try await bench.processor.drain(tenantID: bench.tenantID)
        #expect(try bench.count("contacts") == 1)
        let values = try bench.rows(
            "SELECT payload->>'value' FROM app.flow_runs WHERE tenant_id = $1 ORDER BY created_at")
        #expect(values.compactMap { $0[0] } == (0..<40).map { "\($0)" })
    }

    @Test("an event that fails holds up nobody, is tried again, and fails for good in the end")
    func poison() async throws {
        _ = try await bench.addFlow()
        // The trigger stands for any fault that one event's data causes.
        try bench.test.administer(
            """
            CREATE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql AS
              $$ BEGIN IF NEW.payload->>'value' = 'poison' THEN RAISE EXCEPTION 'no' USING ERRCODE = '22000'; END IF; RETURN NEW; END $$;
            """)
        try bench.test.administer(
            "CREATE TRIGGER refuse BEFORE INSERT ON app.flow_runs FOR EACH ROW EXECUTE FUNCTION app.refuse()")
        for (index, value) in ["a", "poison", "b"].enumerated() {
            _ = try await bench.send(cart(.string(value), phone: "+491511234567\(index)", key: "\(index)"))
            bench.time.advance(by: .seconds(1))
        }
        try await bench.processor.drain(tenantID: bench.tenantID)
        #expect(try bench.count("events", "status = 'processed'") == 2)
        #expect(try bench.count("events", "status = 'accepted' AND attempts = 1 AND next_attempt_at IS NOT NULL") == 1)
        for _ in 0..<6 {
            bench.time.advance(by: .seconds(3600))
            try await bench.processor.drain(tenantID: bench.tenantID)
        }
        #expect(try bench.count("events", "status = 'failed' AND attempts = 6") == 1)
    }

    @Test("a replay is a new attempt with its own run; the old ones stay")
    func replay() async throws {
        let one = try await bench.addFlow(["name": "one"])
        _ = try await bench.addFlow(["name": "two"])
        let event = try await bench.process(cart())
        bench.time.advance(by: .seconds(1))
        _ = try await bench.events.replay(tenantID: bench.tenantID, id: event.id, flowID: nil, actor: "test")
        try await bench.processor.drain(tenantID: bench.tenantID)
        #expect(try bench.count("flow_runs") == 4)
        bench.time.advance(by: .seconds(1))
        _ = try await bench.events.replay(tenantID: bench.tenantID, id: event.id, flowID: one.id, actor: "test")
        try await bench.processor.drain(tenantID: bench.tenantID)
        #expect(try bench.count("flow_runs") == 5)
        let seen = try await bench.events.find(tenantID: bench.tenantID, id: event.id)
        #expect(seen.attempts?.map { $0["reason"] } == ["arrival", "replay", "replay"])
        #expect(seen.attempts?.last?["flow_id"]?.string == one.id.text)
        #expect(seen.attempts?.last?["requested_by"] == "test")
        #expect(seen.status == .processed)
    }

    @Test("a replay by filter takes what had its turn, in the order of arrival")
    func replayByFilter() async throws {
        for index in 0..<3 {
            _ = try await bench.process(cart(.int(index), key: "\(index)"))
            bench.time.advance(by: .seconds(1))
        }
        _ = try await bench.send(cart("waiting", key: "w"))
        _ = try await bench.addFlow()
        var filter = EventFilter()
        filter.eventName = "cart"
        filter.status = .processed
        #expect(try await bench.events.replay(tenantID: bench.tenantID, filter: filter, flowID: nil, actor: "t") == 3)
        try await bench.processor.drain(tenantID: bench.tenantID)
        let values = try bench.rows(
            "SELECT payload->>'value' FROM app.flow_runs WHERE tenant_id = $1 ORDER BY created_at")
        #expect(values.compactMap { $0[0] } == ["0", "1", "2", "waiting"])
    }

    @Test("an event that has its turn to come, or is unknown, cannot be replayed")
    func replayTooEarly() async throws {
        let answer = try await bench.send(cart())
        let id = try #require(answer.body["data"]?[0]?["id"]?.string.flatMap(UUID.init(uuidString:)))
        await #expect(throws: Problem.self) {
            try await bench.events.replay(tenantID: bench.tenantID, id: id, flowID: nil, actor: "t")
        }
        await #expect(throws: Problem.self) {
            try await bench.events.replay(tenantID: bench.tenantID, id: UUID(), flowID: nil, actor: "t")
        }
    }

    @Test("two workers at once process each event once")
    func twoWorkers() async throws {
        _ = try await bench.addFlow()
        for index in 0..<60 { _ = try await bench.send(cart(.int(index), key: "\(index)")) }
        let bench = bench
        await withTaskGroup(of: Void.self) { group in
            for loop in bench.test.group.loops {
                group.addTask(executorPreference: loop) { try? await bench.processor.drain(tenantID: bench.tenantID) }
            }
        }
        try await bench.processor.drain(tenantID: bench.tenantID)
        #expect(try bench.count("flow_runs") == 60)
        #expect(try bench.count("events", "status = 'processed'") == 60)
    }

    @Test("large events come in small batches, and none is left out")
    func largeEvents() async throws {
        _ = try await bench.addFlow()
        for index in 0..<9 {
            var event = cart(.int(index), key: "\(index)")
            event["event_data"]?["note"] = .string(String(repeating: "x", count: 40_000))
            _ = try await bench.send(event)
            bench.time.advance(by: .milliseconds(1))
        }
        var limits = EventProcessor.Limits()
        limits.batchLength = 100_000
        limits.batches = 1
        let processor = EventProcessor(
            database: bench.database, contacts: StitchedContacts { _ in nil }, time: bench.time, limits: limits)
        try await processor.drain(tenantID: bench.tenantID)
        #expect(try bench.count("events", "status = 'processed'") == 2)
        // It made way for others, and asked to be called again.
        #expect(try bench.count("jobs", "kind = 'process_events' AND state = 0") == 1)
        for _ in 0..<4 { try await processor.drain(tenantID: bench.tenantID) }
        #expect(try bench.count("events", "status = 'processed'") == 9)
        #expect(try bench.count("flow_runs") == 9)
    }

    @Test("events that a crash left without a wake are found")
    func sweep() async throws {
        let now = bench.time.now()
        let row = InboxRow(
            tenantID: bench.tenantID, source: .custom, status: .accepted, receivedAt: now,
            event: ReceivedEvent(
                id: UUID(), name: "cart", occurredAt: now, body: cart().encoded(), dedupKey: [1], faults: []))
        _ = await InboxBatch(database: bench.database, now: now).store([row])
        #expect(try bench.count("jobs") == 0)
        try await bench.processor.sweep()
        #expect(try bench.count("jobs", "queue = 'events'") == 1)
        try await bench.processor.sweep()
        #expect(try bench.count("jobs", "queue = 'events'") == 1)
    }

    @Test("an instance without an endpoint fetches its runs and acknowledges them")
    func pull() async throws {
        _ = try await bench.addFlow()
        _ = try await bench.process(cart())
        #expect(try bench.count("deliveries") == 0)
        let run = try #require(
            try await bench.flows.runs(
                tenantID: bench.tenantID, state: "queued", flowID: nil, contactID: nil, eventID: nil,
                request: PageRequest()
            ).items.first)
        #expect(run.contact?["phone"] == "+4915112345678")
        let taken = try await bench.flows.acknowledge(tenantID: bench.tenantID, id: run.id)
        #expect(taken.state == .delivered)
        #expect(taken.acknowledgedAt != nil)
        #expect(try await bench.flows.acknowledge(tenantID: bench.tenantID, id: run.id).state == .delivered)
    }
}
