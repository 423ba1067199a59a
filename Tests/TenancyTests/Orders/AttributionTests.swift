import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence
import TestSupport
import Testing

@testable import Tenancy

@Suite("Attribution and reports")
struct AttributionTests {
    private let bench: EventBench
    private let attribution: AttributionService
    private let reports: ReportService

    init() throws {
        bench = try EventBench()
        attribution = AttributionService(
            database: bench.database, contacts: StoredContacts(database: bench.database), time: bench.time)
        reports = ReportService(database: bench.database, time: bench.time)
    }

    private func order(_ id: String = "1", code: String? = nil, contact: JSON = ["phone": "+4915112345678"])
        async throws -> JSON
    {
        var data: JSON = [
            "order_id": .string(id), "amount_total_gross": "20.00", "ordered_at": "2026-11-24T11:00:00Z",
        ]
        if let code { data["discount_code"] = .string(code) }
        var event: JSON = ["event_name": "order_placed", "event_data": data]
        for (key, value) in contact.object ?? [:] { event[key] = value }
        _ = try await bench.process(event, source: .order)
        return try await only()
    }

    private func only() async throws -> JSON {
        let page = try await bench.orders.list(
            tenantID: bench.tenantID, contactID: nil, outcome: nil, request: PageRequest())
        return try #require(page.items.first)
    }

    private func touch(_ more: JSON) async throws -> Touch {
        var body: JSON = ["contact": ["phone": "+49 151 12345678"], "kind": "click"]
        for (key, value) in more.object ?? [:] { body[key] = value }
        return try await attribution.touch(tenant: try bench.tenant(), body: body)
    }

    @Test("a touch that comes late changes the attribution of the orders after it")
    func lateTouch() async throws {
        #expect(try await order()["attribution"] == .null)
        _ = try await touch(["campaign": "winter", "occurred_at": "2026-11-23T11:00:00Z"])
        #expect(try await only()["attribution"]?["campaign"] == "winter")
        _ = try await touch(["campaign": "later", "occurred_at": "2026-11-24T11:00:01Z"])
        #expect(try await only()["attribution"]?["campaign"] == "winter")
        let exact = try await touch(["kind": "reply", "campaign": "nearest", "occurred_at": "2026-11-24T10:59:59Z"])
        let explained = try await only()["attribution"]
        #expect(explained?["campaign"] == "nearest")
        #expect(explained?["touch_id"]?.string == exact.id.text)
        #expect(explained?["touched_at"] != nil)
    }

    @Test("a longer window counts for orders placed after it was set")
    func window() async throws {
        _ = try await order()
        let settings = try await attribution.setSettings(
            tenant: try bench.tenant(), body: ["window_days": 30], actor: "test")
        #expect(settings["window_days"] == 30)
        _ = try await touch(["campaign": "old", "occurred_at": "2026-11-10T11:00:00Z"])
        #expect(try await only()["attribution"] == .null)
    }

    @Test("a code that is named later attributes the anonymous orders that carry it")
    func lateCoupon() async throws {
        #expect(try await order(code: "wa10", contact: [:])["attribution"] == .null)
        _ = try await attribution.putCoupon(tenant: try bench.tenant(), body: ["code": "Wa10", "campaign": "winter"])
        #expect(try await only()["attribution"]?["model"] == "coupon_code_unstitched")
        try await attribution.removeCoupon(tenant: try bench.tenant(), code: "WA10")
        #expect(try await only()["attribution"] == .null)
    }

    @Test("what is no touch is refused")
    func faults() async throws {
        await #expect(throws: Problem.self) { try await touch(["kind": "look"]) }
        await #expect(throws: Problem.self) { try await touch(["occurred_at": "2027-01-01T00:00:00Z"]) }
        await #expect(throws: Problem.self) { try await touch(["contact": ["phone": "+4915199999999"]]) }
        await #expect(throws: Problem.self) { try await touch(["contact": [:]]) }
    }

    @Test("reports count what happened, money per currency")
    func reporting() async throws {
        let flow = try await bench.addFlow()
        _ = try await bench.process(["phone": "+4915112345678", "event_name": "cart"])
        _ = try await touch(["flow_id": .string(flow.id.text), "occurred_at": "2026-11-24T10:00:00Z"])
        _ = try await order("1")
        _ = try await order("2", contact: ["phone": "+4915100000001"])
        let tenant = try bench.tenant()
        let overview = try await reports.report(.overview, tenant: tenant, from: "2026-11-01", to: "2026-11-24")
        #expect(overview["contacts"]?["total"] == 2)
        #expect(overview["events"]?["received"] == 3)
        #expect(overview["orders"] == ["count": 2, "attributed": 1])
        #expect(overview["revenue"]?[0]?["total_gross"] == "40.00")
        #expect(overview["revenue"]?[0]?["attributed_gross"] == "20.00")
        let revenue = try await reports.report(.revenue, tenant: tenant, from: nil, to: nil)
        #expect(revenue["by_flow"]?[0]?["flow_name"] == "Cart")
        #expect(revenue["by_day"]?[0]?["day"] == "2026-11-24")
        let webhooks = try await reports.report(.webhooks, tenant: tenant, from: nil, to: nil)
        #expect(webhooks["by_event_name"]?.array?.count == 2)
        for report in [ReportService.Report.optIns, .imports] {
            #expect(try await reports.report(report, tenant: tenant, from: nil, to: nil)["by_day"] == [])
        }
        let before = try await reports.report(.revenue, tenant: tenant, from: "2026-10-01", to: "2026-10-31")
        #expect(before["by_day"] == [])
        await #expect(throws: Problem.self) {
            try await reports.report(.revenue, tenant: tenant, from: "soon", to: nil)
        }
    }

    @Test("reports show amounts to their last digit, as orders do, whatever the currency")
    func exactAmounts() async throws {
        _ = try await bench.process(["phone": "+4915112345678", "event_name": "x"])
        _ = try await touch(["campaign": "winter", "occurred_at": "2026-11-24T10:00:00Z"])
        let sales: [(String, String, String, String)] = [
            ("1", "JPY", "1500", "500"), ("2", "JPY", "2500", "0"), ("3", "KWD", "12.345", "1.005"),
            ("4", "KWD", "0.2055", "0"),
        ]
        for (id, currency, gross, refund) in sales {
            _ = try await bench.process(
                [
                    "event_name": "order_placed", "phone": "+4915112345678",
                    "event_data": [
                        "order_id": .string(id), "currency": .string(currency), "amount_total_gross": .string(gross),
                        "refund_amount_total_gross": .string(refund), "ordered_at": "2026-11-24T11:00:00Z",
                    ],
                ], source: .order)
        }
        let orders = try await bench.orders.list(
            tenantID: bench.tenantID, contactID: nil, outcome: nil, request: PageRequest())
        #expect(
            Set(orders.items.compactMap { $0["amount_total_gross"]?.string })
                == ["1500.00", "2500.00", "12.345", "0.2055"])

        let tenant = try bench.tenant()
        let revenue = try await reports.report(.revenue, tenant: tenant, from: nil, to: nil)
        func column(_ list: String, _ key: String) -> [String?] {
            (revenue[list]?.array ?? []).sorted { $0["currency"]?.string ?? "" < $1["currency"]?.string ?? "" }
                .map { $0[key]?.string }
        }
        for list in ["totals", "by_day", "by_flow", "by_campaign"] {
            #expect(column(list, "currency") == ["JPY", "KWD"], "\(list)")
            #expect(column(list, "revenue_gross") == ["4000.00", "12.5505"], "\(list)")
        }
        for list in ["totals", "by_day"] {
            #expect(column(list, "attributed_gross") == ["4000.00", "12.5505"], "\(list)")
            #expect(column(list, "refunds_gross") == ["500.00", "1.005"], "\(list)")
        }
        let overview = try await reports.report(.overview, tenant: tenant, from: nil, to: nil)["revenue"]
        #expect(
            overview == [
                [
                    "currency": "JPY", "orders": 2, "total_gross": "4000.00", "attributed_gross": "4000.00",
                    "refunds_gross": "500.00",
                ],
                [
                    "currency": "KWD", "orders": 2, "total_gross": "12.5505", "attributed_gross": "12.5505",
                    "refunds_gross": "1.005",
                ],
            ])
    }

    @Test("when contacts merge the touches of one count for the orders of the other; taken apart they do not")
    func merge() async throws {
        let touched = try #require(try await bench.process(["phone": "+4915112345678", "event_name": "x"]).contactID)
        _ = try await touch(["campaign": "winter", "occurred_at": "2026-11-23T11:00:00Z"])
        #expect(try await order(contact: ["email": "a@example.com"])["attribution"] == .null)
        let buyer = try #require(
            try await only()["contact_id"]?.string.flatMap(UUID.init(uuidString:)))
        let merge = try bench.rows(
            "SELECT app.merge_contacts($1, $2, $3, 'test', 'test', NULL, $4)",
            [buyer.uuidString, touched.uuidString, bench.time.now().rfc3339])
        #expect(try await only()["attribution"]?["campaign"] == "winter")
        #expect(try bench.count("jobs", "kind = 'revenue_daily'") == 1)
        let undone = try bench.rows(
            "SELECT app.undo_merge($1, $2, 'test', $3)", [merge[0][0], bench.time.now().rfc3339])
        #expect(undone[0][0] == "undone")
        #expect(try await only()["attribution"] == .null)
    }

    @Test("the daily facts follow an order to another day, a late touch to its campaign, the instance to its time zone")
    func dailyFacts() async throws {
        _ = try await order()
        try await bench.orders.refreshDailyFacts(tenantID: bench.tenantID)
        #expect(
            try bench.count("revenue_daily", "day = '2026-11-24' AND attributed_to = '' AND revenue_gross = 20") == 1)
        _ = try await touch(["campaign": "winter", "occurred_at": "2026-11-23T11:00:00Z"])
        try await bench.orders.refreshDailyFacts(tenantID: bench.tenantID)
        #expect(try bench.count("revenue_daily", "attributed_to = 'campaign:winter'") == 1)
        #expect(try bench.count("revenue_daily") == 1)

        bench.time.advance(by: .seconds(60))
        _ = try await bench.process(
            [
                "event_name": "order_changed", "phone": "+4915112345678",
                "event_data": [
                    "order_id": "1", "amount_total_gross": "20.00", "ordered_at": "2026-11-22T23:30:00Z",
                ],
            ], source: .order)
        try await bench.orders.refreshDailyFacts(tenantID: bench.tenantID)
        // 23:30 in UTC is the next day in Berlin.
        #expect(try bench.rows("SELECT day FROM app.revenue_daily WHERE tenant_id = $1") == [["2026-11-23"]])

        try bench.rows("UPDATE app.tenants SET time_zone = 'America/New_York' WHERE tenant_id = $1")
        try bench.rows("DELETE FROM app.jobs WHERE tenant_id = $1")
        try await bench.orders.sweepZones(now: bench.time.now())
        #expect(try bench.count("jobs", "kind = 'revenue_daily' AND state = 0") == 1)
        try await bench.orders.refreshDailyFacts(tenantID: bench.tenantID)
        #expect(try bench.rows("SELECT day FROM app.revenue_daily WHERE tenant_id = $1") == [["2026-11-22"]])
        try bench.rows("DELETE FROM app.jobs WHERE tenant_id = $1")
        try await bench.orders.sweepZones(now: bench.time.now())
        #expect(try bench.count("jobs") == 0)
    }

    @Test("the daily facts are those of the days that changed")
    func revenueDaily() async throws {
        _ = try await order()
        let rows = try await bench.database.run(
            .tenant(bench.tenantID),
            Query(
                "SELECT app.refresh_revenue_daily($1, $2)", [.uuid(bench.tenantID), .timestamp(Timestamp(seconds: 0))]))
        #expect(try rows.first?.get(0) == 1)
        #expect(try bench.count("revenue_daily", "day = '2026-11-24' AND orders = 1 AND revenue_gross = 20") == 1)
    }
}
