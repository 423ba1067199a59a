import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence
import TestSupport
import Testing

@testable import Tenancy

@Suite("Audiences")
struct AudienceTests {
    private let bench: EventBench
    private let audiences: AudienceService
    private let tenant: Tenant

    init() throws {
        bench = try EventBench()
        audiences = AudienceService(database: bench.database, time: bench.time)
        tenant = try bench.tenant()
        // a: two orders of 30 EUR, granted, segment 7, size 40; b: one of 200 USD, withdrawn, segment 8, size 42; c: nothing.
        try bench.rows(
            """
            INSERT INTO app.contacts (tenant_id, id, first_name, opt_in, custom_properties)
            VALUES ($1, gen_random_uuid(), 'a', 'granted', '{"size": 40, "color": "Red", "vip": true}'),
                   ($1, gen_random_uuid(), 'b', 'withdrawn', '{"size": 42, "color": "blue"}'),
                   ($1, gen_random_uuid(), 'c', NULL, '{}')
            """)
        for (name, order, gross, currency, sku, at) in [
            ("a", "1", "30", "EUR", "X1", "2026-11-01T10:00:00Z"),
            ("a", "2", "30", "EUR", "X2", "2026-11-20T10:00:00Z"),
            ("b", "3", "200", "USD", "X2", "2026-10-01T10:00:00Z"),
        ] {
            try bench.rows(
                """
                WITH o AS (
                    INSERT INTO app.orders (tenant_id, order_id, currency, amount_total_gross, outcome, contact_id, ordered_at)
                    SELECT $1, $3, $5, $4::numeric, 'linked', c.id, $7::timestamptz FROM app.contacts c
                     WHERE c.tenant_id = $1 AND c.first_name = $2 RETURNING id, contact_id)
                INSERT INTO app.order_items (tenant_id, order_id, position, contact_id, sku, name, qty, currency)
                SELECT $1, o.id, 1, o.contact_id, $6, 'Blue Tank', 1, $5 FROM o
                """, [name, order, gross, currency, sku, at])
        }
        try bench.rows(
            """
            SELECT app.total_orders($1, ARRAY(SELECT id FROM app.contacts WHERE tenant_id = $1)),
                   app.align_order_items($1, ARRAY(SELECT id FROM app.orders WHERE tenant_id = $1))
            """)
        for (name, segment) in [("a", "7"), ("b", "8")] {
            try bench.rows(
                """
                INSERT INTO app.segment_members (tenant_id, segment_id, contact_id, entered_at)
                SELECT $1, $3, id, now() FROM app.contacts WHERE tenant_id = $1 AND first_name = $2
                """, [name, segment])
        }
        try bench.rows(
            """
            INSERT INTO app.events (tenant_id, id, source, status, event_name, received_at, body, contact_id)
            SELECT $1, gen_random_uuid(), 'custom', 'processed', 'cart', now(), '{}', id
              FROM app.contacts WHERE tenant_id = $1 AND first_name = 'b'
            """)
    }

    private func names(_ rules: JSON) async throws -> String {
        let audience = try await audiences.create(tenant: tenant, body: ["name": "x", "rules": rules])
        let page = try await audiences.contacts(tenant: tenant, id: audience.id, request: PageRequest())
        let names = page.items.compactMap { $0["first_name"]?.string }.sorted().joined()
        #expect(try await audiences.count(tenant: tenant, id: audience.id) == names.count)
        return names
    }

    private func rule(_ field: String, _ op: String, _ value: JSON) -> JSON {
        ["field": .string(field), "op": .string(op), "value": value]
    }

    @Test(
        "each field and op chooses whom it should",
        arguments: [
            ("order_count", "gte", 2, "a"), ("order_count", "eq", 0, "c"), ("order_count", "lt", 2, "bc"),
            ("order_count", "ne", 1, "ac"), ("order_count", "in", [0, 2], "ac"), ("order_total", "in", ["60.00"], "a"),
            ("order_total", "gt", 50, "a"), ("order_total", "lte", "59.99", "bc"),
            ("last_order_at", "after", "2026-11-10", "a"), ("last_order_at", "before", "2026-11-10T00:00:00Z", "b"),
            ("product", "eq", "X2", "ab"), ("product", "ne", "X1", "bc"), ("product", "in", ["X1", "nothing"], "a"),
            ("product", "contains", "tank", "ab"), ("opt_in", "eq", "granted", "a"), ("opt_in", "eq", nil, "c"),
            ("opt_in", "ne", "granted", "bc"), ("opt_in", "in", ["granted", "withdrawn"], "ab"),
            ("segment", "eq", 7, "a"),
            ("segment", "contains", "7", "a"), ("event", "contains", "cart", "b"),
            ("segment", "in", ["7", "8"], "ab"), ("segment", "ne", "7", "bc"), ("event", "eq", "cart", "b"),
            ("event", "ne", "cart", "ac"), ("custom_properties.size", "gt", 40, "b"),
            ("custom_properties.size", "lte", 42, "ab"), ("custom_properties.color", "eq", "blue", "b"),
            ("custom_properties.color", "contains", "RE", "a"), ("custom_properties.color", "ne", "blue", "ac"),
            ("custom_properties.color", "in", ["Red", "blue"], "ab"), ("custom_properties.vip", "eq", true, "a"),
        ] as [(String, String, JSON, String)])
    func fields(field: String, op: String, value: JSON, expected: String) async throws {
        #expect(try await names(rule(field, op, value)) == expected)
    }

    @Test("rules combine by and, or and not; no rule at all is everybody")
    func combinations() async throws {
        #expect(try await names(["and": []]) == "abc")
        #expect(try await names(["or": []]) == "")
        let granted = rule("opt_in", "eq", "granted")
        let bought = rule("product", "eq", "X2")
        #expect(try await names(["and": [granted, bought]]) == "a")
        #expect(try await names(["or": [granted, bought]]) == "ab")
        #expect(try await names(["not": bought]) == "c")
        #expect(try await names(["and": [["not": granted], ["or": [bought, rule("order_count", "eq", 0)]]]]) == "bc")
        #expect(try await names(["not": rule("custom_properties.size", "gt", 40)]) == "ac")
    }

    @Test("order_total counts one currency: the tenant's, or the one that is named")
    func currency() async throws {
        var usd = rule("order_total", "gte", 200)
        #expect(try await names(usd) == "")
        usd["currency"] = "USD"
        #expect(try await names(usd) == "b")
    }

    @Test("who buys in several currencies is judged in the one that is asked for")
    func severalCurrencies() async throws {
        try bench.rows("INSERT INTO app.contacts (tenant_id, first_name) VALUES ($1, 'd')")
        for (order, gross, currency) in [("8", "40", "EUR"), ("9", "500", "USD")] {
            try bench.rows(
                """
                INSERT INTO app.orders (tenant_id, order_id, currency, amount_total_gross, outcome, contact_id, ordered_at)
                SELECT $1, $2, $4, $3::numeric, 'linked', id, now() FROM app.contacts WHERE tenant_id = $1 AND first_name = 'd'
                """, [order, gross, currency])
        }
        try bench.rows("SELECT app.total_orders($1, ARRAY(SELECT id FROM app.contacts WHERE tenant_id = $1))")
        #expect(try bench.count("contacts", "order_currency = '*' AND order_total IS NULL AND order_count = 2") == 1)
        #expect(try await names(rule("order_total", "gte", 40)) == "ad")
        #expect(try await names(rule("order_total", "gt", 50)) == "a")
        #expect(try await names(rule("order_total", "lte", 45)) == "bcd")
        #expect(try await names(rule("order_total", "ne", 40)) == "abc")
        var usd = rule("order_total", "gte", 200)
        usd["currency"] = "USD"
        #expect(try await names(usd) == "bd")
        #expect(try await names(["not": usd]) == "ac")
        #expect(try await names(["or": [usd, rule("opt_in", "eq", "granted")]]) == "abd")
    }

    @Test("values stay values, whatever they look like")
    func injection() async throws {
        let nasty: JSON = "x') OR true --"
        #expect(try await names(rule("product", "eq", nasty)) == "")
        #expect(try await names(rule("custom_properties.a') OR true --", "eq", "1")) == "")
        #expect(try await names(rule("segment", "in", [nasty, "7"])) == "a")
    }

    @Test(
        "what is no rule is refused, and the place is named",
        arguments: [
            (["field": "shoe_size", "op": "eq", "value": 1], "rules.field"),
            (["field": "order_count", "op": "contains", "value": 1], "rules.op"),
            (["field": "order_count", "op": "eq", "value": "many"], "rules.value"),
            (["field": "order_count", "op": "in", "value": 2], "rules.value"),
            (["field": "order_count", "op": "in", "value": ["many"]], "rules.value"),
            (["and": [["field": "opt_in", "op": "eq", "value": "maybe"]]], "rules.and[0].value"),
            (["field": "last_order_at", "op": "before", "value": "soon"], "rules.value"), (["xor": []], "rules.field"),
            ([:], "rules.field"), (nil, "rules"), (["and": [], "or": []], "rules.and"), (["not": []], "rules.not"),
            (["field": "segment", "op": "in", "value": "7"], "rules.value"),
            (["field": "custom_properties.", "op": "eq", "value": 1], "rules.field"),
        ] as [(JSON, String)])
    func refused(rules: JSON, place: String) async throws {
        do {
            _ = try await audiences.create(tenant: tenant, body: ["name": "x", "rules": rules])
            Issue.record("accepted")
        } catch let problem as Problem {
            #expect(problem.status.code == 422)
            #expect(problem.errors.map(\.field) == [place])
        }
    }

    @Test("merged and erased people are in no audience")
    func gone() async throws {
        try bench.rows("UPDATE app.contacts SET erased_at = now() WHERE tenant_id = $1 AND first_name = 'c'")
        #expect(try await names(["and": []]) == "ab")
    }
}
