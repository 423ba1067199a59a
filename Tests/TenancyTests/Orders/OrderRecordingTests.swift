import EventLoop
import FoundationEssentials
import JSON
import Persistence
import TestSupport
import Testing

@testable import Tenancy

@Suite("Recording orders")
struct OrderRecordingTests {
    private let bench: EventBench

    init() throws { bench = try EventBench() }

    private func order(
        _ id: String = "1", gross: String = "20.00", at: String = "2026-11-24T11:00:00Z",
        contact: JSON = ["phone": "+4915112345678"],
        _ more: JSON = .object([:])
    ) -> JSON {
        var data: JSON = [
            "order_id": .string(id), "currency": "EUR", "amount_total_gross": .string(gross), "ordered_at": .string(at),
            "updated_at": .string(at), "items": [["sku": "A", "name": "Tank", "qty": 2, "price": "10.00"]],
        ]
        for (key, value) in more.object ?? [:] { data[key] = value }
        var event: JSON = ["event_name": "order_placed", "event_data": data]
        for (key, value) in contact.object ?? [:] { event[key] = value }
        return event
    }

    private func only() async throws -> JSON {
        let page = try await bench.orders.list(
            tenantID: bench.tenantID, contactID: nil, outcome: nil, request: PageRequest())
        try #require(page.items.count == 1)
        return page.items[0]
    }

    @Test("an order is linked, totalled, told, and starts its flow once")
    func linked() async throws {
        try bench.rows(
            "INSERT INTO app.delivery_endpoints (tenant_id, url, secret) VALUES ($1, 'http://sink', 'x')")
        _ = try await bench.addFlow([
            "trigger": "emarsys_order", "event_name": "order_placed", "payload": ["order_id": ""],
        ])
        let event = try await bench.process(order(), source: .order)
        #expect(event.status == .processed)
        #expect(event.trace?["order"]?["outcome"] == "linked")
        let stored = try await only()
        #expect(stored["amount_total_gross"] == "20.00")
        #expect(stored["contact_id"]?.string == event.contactID?.text)
        #expect(stored["items"]?[0]?["qty"] == "2.00")
        #expect(try bench.count("flow_runs", "payload->>'order_id' = '1'") == 1)
        #expect(
            try bench.rows("SELECT type FROM app.deliveries WHERE tenant_id = $1 ORDER BY sequence").map { $0[0] }
                == ["contact.created", "flow.triggered", "order.recorded"])
        #expect(
            try bench.count("contact_order_totals", "order_count = 1 AND total_gross = 20 AND currency = 'EUR'") == 1)

        _ = try await bench.process(
            order(at: "2026-11-24T11:30:00Z", ["status": "completed"]), source: .order)
        #expect(try bench.count("flow_runs") == 1)
        #expect(try await only()["status"] == "completed")
        _ = try await bench.events.replay(tenantID: bench.tenantID, id: event.id, flowID: nil, actor: "t")
        try await bench.processor.drain(tenantID: bench.tenantID)
        #expect(try bench.count("flow_runs") == 1)
    }

    @Test("an update that comes too late is kept in the history and not applied")
    func late() async throws {
        _ = try await bench.process(order(gross: "30.00", at: "2026-11-24T11:30:00Z"), source: .order)
        _ = try await bench.process(order(gross: "20.00", at: "2026-11-24T11:00:00Z"), source: .order)
        let stored = try await only()
        #expect(stored["amount_total_gross"] == "30.00")
        let id = try #require(stored["id"]?.string.flatMap(UUID.init(uuidString:)))
        let history = try await bench.orders.find(tenantID: bench.tenantID, id: id)["history"]
        #expect(history?.array?.count == 2)
        #expect(history?.array?.contains { $0["reason"] == "older_than_stored" } == true)
    }

    @Test("a cancellation keeps the order and takes it out of the totals")
    func cancelled() async throws {
        _ = try await bench.process(order(), source: .order)
        _ = try await bench.process(
            order(gross: "-20.00", at: "2026-11-24T11:30:00Z", ["type": "cancellation"]), source: .order)
        let stored = try await only()
        #expect(stored["status"] == "cancelled")
        #expect(stored["cancelled_at"] == "2026-11-24T11:30:00Z")
        #expect(try bench.count("contact_order_totals") == 0)
    }

    @Test("a refund alone leaves everything else as it is")
    func refund() async throws {
        _ = try await bench.process(order(), source: .order)
        var refund: JSON = ["event_name": "refund", "phone": "+4915112345678"]
        refund["event_data"] = [
            "order_id": "1", "refund_amount_total_gross": "5.50", "updated_at": "2026-11-24T11:40:00Z",
        ]
        _ = try await bench.process(refund, source: .order)
        let stored = try await only()
        #expect(stored["amount_total_gross"] == "20.00")
        #expect(stored["refund_amount_total_gross"] == "5.50")
        #expect(stored["items"]?.array?.count == 1)
        #expect(stored["flags"]?.array?.contains("partially_refunded") == true)
        #expect(try bench.count("contact_order_totals", "total_gross = 20 AND refunds_gross = 5.5") == 1)
    }

    @Test("currencies are never added up")
    func currencies() async throws {
        _ = try await bench.process(order("1"), source: .order)
        _ = try await bench.process(order("2", ["currency": "USD"]), source: .order)
        #expect(try bench.count("contact_order_totals") == 2)
    }

    @Test("a discount code alone makes an anonymous order, attributed by the code")
    func anonymous() async throws {
        try bench.rows(
            "INSERT INTO app.coupon_codes (tenant_id, code, campaign) VALUES ($1, 'WA10', 'winter')")
        _ = try await bench.addFlow(["trigger": "emarsys_order", "event_name": "order_placed"])
        let event = try await bench.process(order(contact: [:], ["discount_codes": ["wa10"]]), source: .order)
        #expect(event.status == .processed)
        let stored = try await only()
        #expect(stored["outcome"] == "anonymous")
        #expect(stored["contact_id"] == .null)
        #expect(stored["attribution"]?["model"] == "coupon_code_unstitched")
        #expect(stored["attribution"]?["campaign"] == "winter")
        #expect(try bench.count("flow_runs") == 0)
        #expect(try bench.count("contacts") == 0)
    }

    @Test("with neither contact nor code an order is skipped, and an event without either is rejected on arrival")
    func skipped() async throws {
        let event = try await bench.process(order(contact: ["external_reference_id": "77"]), source: .order)
        #expect(event.status == .processed)
        #expect(try await only()["outcome"] == "skipped")
        let answer = try await bench.send(order("2", contact: [:]), source: .order)
        #expect(answer.body["data"]?[0]?["status"] == "rejected")
    }

    @Test("a phone typed into an address finds a contact and is never attached")
    func guestPhone() async throws {
        _ = try await bench.process(["phone": "+4915112345678", "event_name": "x"])
        _ = try await bench.process(
            order("1", contact: [:], ["shipping_address": ["phone": "+49 151 12345678"]]), source: .order)
        let stored = try await only()
        #expect(stored["outcome"] == "linked")
        #expect(stored["evidence"] == "guest_phone")
        _ = try await bench.process(
            order("2", contact: [:], ["shipping_address": ["phone": "+49 151 99999999"], "discount_code": "x"]),
            source: .order)
        #expect(try bench.count("contacts") == 1)
        #expect(try bench.count("orders", "outcome = 'anonymous'") == 1)
    }

    @Test("the last touch inside the window that was in force gets the order")
    func lastTouch() async throws {
        let contact = try #require(try await bench.process(["phone": "+4915112345678", "event_name": "x"]).contactID)
        for (hours, campaign) in [("130", "early"), ("100", "first"), ("3", "second")] {
            try bench.rows(
                """
                INSERT INTO app.touches (tenant_id, contact_id, kind, campaign, occurred_at)
                VALUES ($1, $2, 'click', $4, '2026-11-24T11:00:00Z'::timestamptz - $3::int * interval '1 hour')
                """, [contact.uuidString, hours, campaign])
        }
        _ = try await bench.process(order(), source: .order)
        var attribution = try await only()["attribution"]
        #expect(attribution?["model"] == "last_touch")
        #expect(attribution?["campaign"] == "second")
        #expect(attribution?["window_days"] == 5)
        try bench.rows("DELETE FROM app.touches WHERE tenant_id = $1 AND campaign IN ('first', 'second')")
        _ = try await bench.process(
            order(gross: "20.00", at: "2026-11-24T11:00:00Z", ["note": "again"]), source: .order)
        attribution = try await only()["attribution"]
        #expect(attribution == .null)
        try bench.rows(
            "INSERT INTO app.attribution_windows VALUES ($1, '2026-01-01', 30, 'test')")
        _ = try await bench.process(order(at: "2026-11-24T11:00:00Z", ["note": "once more"]), source: .order)
        #expect(try await only()["attribution"]?["campaign"] == "early")
    }

    @Test("a flow run is a touch")
    func flowTouch() async throws {
        _ = try await bench.addFlow()
        _ = try await bench.process(["phone": "+4915112345678", "event_name": "cart"])
        bench.time.advance(by: .seconds(3600))
        _ = try await bench.process(order(at: bench.time.now().rfc3339), source: .order)
        let run = try bench.rows("SELECT id FROM app.flow_runs WHERE tenant_id = $1")[0][0]
        #expect(try await only()["attribution"]?["flow_run_id"]?.string == run)
    }

    @Test("many orders of one batch, several events of one among them, are recorded as one by one")
    func batch() async throws {
        _ = try await bench.addFlow([
            "trigger": "emarsys_order", "event_name": "order_placed", "payload": ["order_id": ""],
        ])
        for number in 1...30 {
            _ = try await bench.send(
                order("\(number)", gross: "\(number).50", contact: ["phone": .string("+49151123456\(number % 10)0")]),
                source: .order)
            bench.time.advance(by: .milliseconds(5))
        }
        // The second event of an order is newer, the third is older than both.
        _ = try await bench.send(
            order("7", at: "2026-11-24T11:30:00Z", contact: ["phone": "+4915112345670"], ["status": "completed"]),
            source: .order)
        bench.time.advance(by: .milliseconds(5))
        _ = try await bench.send(
            order("7", at: "2026-11-24T10:30:00Z", contact: ["phone": "+4915112345670"], ["status": "open"]),
            source: .order)
        bench.time.advance(by: .milliseconds(5))
        _ = try await bench.send(order("bad", gross: "much", contact: ["phone": "+4915112345670"]), source: .order)
        try await bench.processor.drain(tenantID: bench.tenantID)
        #expect(try bench.count("orders") == 30)
        #expect(try bench.count("order_items", "contact_id IS NOT NULL AND product_id IS NOT NULL") == 30)
        #expect(try bench.count("products") == 1)
        #expect(try bench.count("flow_runs") == 30)
        #expect(try bench.count("orders", "order_id = '7' AND status = 'completed' AND amount_total_gross = 20") == 1)
        #expect(try bench.count("order_history", "reason = 'older_than_stored'") == 1)
        #expect(try bench.count("order_history") == 32)
        #expect(try bench.count("contacts", "order_count = 3 AND order_currency = 'EUR'") == 10)
        #expect(
            try bench.rows(
                """
                SELECT sum(t.total_gross) = (SELECT sum(o.amount_total_gross) FROM app.orders o WHERE o.tenant_id = $1),
                       sum(t.total_gross) = (SELECT sum(c.order_total) FROM app.contacts c WHERE c.tenant_id = $1)
                  FROM app.contact_order_totals t WHERE t.tenant_id = $1
                """) == [["t", "t"]])
        // The broken one was refused on arrival and is kept.
        #expect(try bench.count("events", "status = 'rejected'") == 1)
    }

    @Test("a contact key that comes later outweighs a phone typed into an address; the items go along")
    func weakEvidence() async throws {
        _ = try await bench.process(["phone": "+4915112345678", "event_name": "x"])
        _ = try await bench.process(
            order("1", contact: [:], ["shipping_address": ["phone": "+49 151 12345678"]]), source: .order)
        #expect(try await only()["evidence"] == "guest_phone")
        let update: JSON = [
            "event_name": "order_placed", "email": "buyer@example.com",
            "event_data": ["order_id": "1", "status": "completed", "updated_at": "2026-11-24T11:40:00Z"],
        ]
        let event = try await bench.process(update, source: .order)
        let stored = try await only()
        #expect(stored["evidence"] == "contact_key")
        #expect(stored["contact_id"]?.string == event.contactID?.text)
        #expect(try bench.count("order_items", "contact_id = '\(event.contactID?.text ?? "")'") == 1)
        #expect(try bench.count("contacts", "order_count = 1 AND email = 'buyer@example.com'") == 1)
        #expect(try bench.count("contacts", "order_count = 0 AND phone = '+4915112345678'") == 1)
        #expect(try bench.count("contact_order_totals") == 1)
    }

    @Test("a cancelled order's products were not bought")
    func cancelledItems() async throws {
        _ = try await bench.process(order(), source: .order)
        #expect(try bench.count("order_items", "counts") == 1)
        _ = try await bench.process(
            order(at: "2026-11-24T11:30:00Z", ["status": "cancelled"]), source: .order)
        #expect(try bench.count("order_items", "counts") == 0)
        #expect(try bench.count("contacts", "order_count = 0 AND order_currency IS NULL") == 1)
    }

    @Test("the customer's e-mail inside an order is as good as a contact key")
    func emailInside() async throws {
        let event = try await bench.process(
            order(contact: [:], ["customerEmail": "erika@example.com"]), source: .order)
        #expect(event.status == .processed)
        let stored = try await only()
        #expect(stored["outcome"] == "linked")
        #expect(stored["evidence"] == "contact_key")
        #expect(try bench.count("contacts", "email = 'erika@example.com' AND order_count = 1") == 1)
    }

    private func memo(_ number: String, _ total: String, at minute: Int) -> JSON {
        [
            "event_name": "creditmemo", "phone": "+4915112345678",
            "event_data": [
                "order": [
                    "entity_id": "1", "order_currency_code": "EUR", "status": "closed",
                    "updated_at": .string("2026-11-24T11:\(minute):00Z"),
                ],
                "creditmemo": ["increment_id": .string(number), "grand_total": .string(total)],
            ],
        ]
    }

    @Test("credit memos of an order add up, each counts once")
    func creditMemos() async throws {
        _ = try await bench.process(order(), source: .order)
        for (number, total, minute) in [("100", "5.00", 40), ("101", "3.50", 41), ("100", "5.00", 42)] {
            _ = try await bench.process(memo(number, total, at: minute), source: .order)
        }
        let stored = try await only()
        #expect(stored["refund_amount_total_gross"] == "8.50")
        #expect(stored["amount_total_gross"] == "20.00")
        #expect(stored["flags"]?.array?.contains("partially_refunded") == true)
        #expect(try bench.count("contact_order_totals", "refunds_gross = 8.5") == 1)
        _ = try await bench.process(memo("102", "11.50", at: 43), source: .order)
        #expect(try await only()["flags"]?.array?.filter { $0.string?.hasSuffix("refunded") == true } == ["refunded"])
    }

    @Test("a credit memo that comes after a newer update counts once, and nothing else it says")
    func lateCreditMemo() async throws {
        try bench.rows(
            "INSERT INTO app.delivery_endpoints (tenant_id, url, secret) VALUES ($1, 'http://sink', 'x')")
        _ = try await bench.process(order(), source: .order)
        _ = try await bench.process(
            order(gross: "30.00", at: "2026-11-24T11:50:00Z", ["status": "pending"]), source: .order)
        let late = try await bench.process(memo("100", "5.00", at: 40), source: .order)
        #expect(late.trace?["order"]?["decision"] == "late_refund")
        var stored = try await only()
        #expect(stored["refund_amount_total_gross"] == "5.00")
        #expect(stored["flags"]?.array?.contains("partially_refunded") == true)
        #expect(stored["status"] == "pending")
        #expect(stored["amount_total_gross"] == "30.00")
        #expect(try bench.count("orders", "source_updated_at = '2026-11-24T11:50:00Z'") == 1)
        #expect(try bench.count("contact_order_totals", "total_gross = 30 AND refunds_gross = 5") == 1)
        #expect(try bench.count("order_history", "applied AND reason = 'only_refund_applied'") == 1)
        #expect(try bench.count("deliveries", "type = 'order.updated'") == 2)

        // The same memo again, by another event and by a replay.
        _ = try await bench.process(memo("100", "5.00", at: 41), source: .order)
        _ = try await bench.events.replay(tenantID: bench.tenantID, id: late.id, flowID: nil, actor: "t")
        try await bench.processor.drain(tenantID: bench.tenantID)
        #expect(try await only()["refund_amount_total_gross"] == "5.00")
        #expect(try bench.count("order_history", "reason = 'older_than_stored'") == 1)
        #expect(try bench.count("deliveries", "type = 'order.updated'") == 2)

        _ = try await bench.process(memo("101", "2.50", at: 30), source: .order)
        stored = try await only()
        #expect(stored["refund_amount_total_gross"] == "7.50")
        #expect(stored["details"]?["credit_memos"] == ["100": "5.00", "101": "2.50"])
        try bench.rows("SELECT app.refresh_revenue_daily($1)")
        #expect(try bench.count("revenue_daily", "revenue_gross = 30 AND refunds_gross = 7.5") == 1)
    }

    @Test("a shop's sum of refunds that comes late counts unless a newer sum is known")
    func lateRefundSum() async throws {
        func refund(_ sum: String, at minute: Int) -> JSON {
            [
                "event_name": "refund", "phone": "+4915112345678",
                "event_data": [
                    "order_id": "1", "refund_amount_total_gross": .string(sum), "status": "cancelled",
                    "updated_at": .string("2026-11-24T11:\(minute):00Z"),
                ],
            ]
        }
        _ = try await bench.process(order("1", ["refund_amount_total_gross": "0.00"]), source: .order)
        _ = try await bench.process(
            order(at: "2026-11-24T11:50:00Z", ["status": "completed"]), source: .order)
        _ = try await bench.process(refund("5.50", at: 40), source: .order)
        #expect(try await only()["refund_amount_total_gross"] == "5.50")
        _ = try await bench.process(refund("7.00", at: 45), source: .order)
        #expect(try await only()["refund_amount_total_gross"] == "7.00")
        _ = try await bench.process(refund("6.00", at: 42), source: .order)
        let stored = try await only()
        #expect(stored["refund_amount_total_gross"] == "7.00")
        #expect(stored["status"] == "completed")
        #expect(try bench.count("contact_order_totals", "order_count = 1 AND refunds_gross = 7") == 1)
    }
}
