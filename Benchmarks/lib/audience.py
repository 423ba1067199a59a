"""Audiences over 500,000 contacts and 1,000,000 orders, counted and paged through the API."""
import http.client
import json
import sys
import time

from bench import Row, median

CONTACTS, ORDERS = 500_000, 1_000_000

# Four fifths of the contacts buy, two in a hundred of them in two currencies; ids are those of nobody, so that the data is the
# same at every run.
DATA = """
INSERT INTO app.contacts (tenant_id, id, first_name, last_name, phone, email, external_reference_id, custom_properties, opt_in, created_at)
SELECT '{t}', md5('c' || n)::uuid, 'Erika', 'M' || n, '+4917' || lpad(n::text, 9, '0'), 'a' || n || '@example.com', (700000000 + n)::text,
       jsonb_build_object('size', n % 50, 'color', (ARRAY['red', 'blue', 'green'])[1 + n % 3], 'vip', n % 20 = 0),
       (ARRAY['granted', 'granted', 'granted', 'withdrawn', 'pending', NULL, NULL, NULL, NULL, NULL])[1 + n % 10],
       timestamptz '2026-01-01' + n * interval '1 second'
  FROM generate_series(1, {contacts}) n;
INSERT INTO app.orders (tenant_id, id, order_id, currency, amount_total_gross, outcome, contact_id, ordered_at)
SELECT '{t}', md5('o' || n)::uuid, n::text, CASE WHEN b % 10 = 0 OR b % 50 = 1 AND n > {orders} / 2 THEN 'CHF' ELSE 'EUR' END, 10 + n % 190, 'linked',
       md5('c' || b)::uuid, timestamptz '2026-11-20' - (n % 31536000) * interval '20 seconds'
  FROM generate_series(1, {orders}) n CROSS JOIN LATERAL (SELECT 1 + (n::bigint * 7919) % ({contacts} * 4 / 5) AS b) x;
INSERT INTO app.order_items (tenant_id, order_id, position, contact_id, sku, name, qty, currency)
SELECT '{t}', o.id, 1, o.contact_id, 'SKU-' || o.order_id::int % 1000, 'Product ' || o.order_id::int % 1000, 1, o.currency
  FROM app.orders o WHERE o.tenant_id = '{t}';
INSERT INTO app.segment_members (tenant_id, segment_id, contact_id, entered_at)
SELECT '{t}', s, md5('c' || n)::uuid, now() FROM generate_series(1, {contacts}) n, unnest(ARRAY['7', '8', '9']) s WHERE n % s::int = 0;
INSERT INTO app.events (tenant_id, id, source, status, event_name, received_at, body, contact_id)
SELECT '{t}', gen_random_uuid(), 'custom', 'processed', 'event_' || n % 20, now() - n * interval '1 second', '{{}}', md5('c' || n)::uuid
  FROM generate_series(1, {contacts} * 3 / 5) n;
SELECT app.total_orders('{t}', ARRAY(SELECT id FROM app.contacts WHERE tenant_id = '{t}'));
SELECT app.align_order_items('{t}', ARRAY(SELECT id FROM app.orders WHERE tenant_id = '{t}'));
VACUUM (ANALYZE) app.contacts, app.orders, app.order_items, app.products, app.segment_members, app.events, app.contact_order_totals;
"""


def rule(field, op, value, **more):
    return {"field": field, "op": op, "value": value} | more


RULES = {
    "everybody": {"and": []},
    "3 orders or more": rule("order_count", "gte", 3),
    "no order": rule("order_count", "eq", 0),
    "300 EUR or more": rule("order_total", "gte", "300.00"),
    "an order since October": rule("last_order_at", "after", "2026-10-01"),
    "one product": rule("product", "eq", "SKU-7"),
    "not that product": rule("product", "ne", "SKU-7"),
    "a word in products": rule("product", "contains", "duct 77"),
    "opt-in granted": rule("opt_in", "eq", "granted"),
    "a segment": rule("segment", "eq", "7"),
    "an event": rule("event", "eq", "event_3"),
    "a property above 40": rule("custom_properties.size", "gt", 40),
    "a property's text": rule("custom_properties.color", "eq", "red"),
    "granted, 2 orders, since September": {"and": [rule("opt_in", "eq", "granted"), rule("order_count", "gte", 2),
                                                   rule("last_order_at", "after", "2026-09-01")]},
    "granted, product or total, not in a segment": {"and": [
        rule("opt_in", "eq", "granted"), {"or": [rule("product", "eq", "SKU-7"), rule("order_total", "gte", "400.00")]},
        {"not": rule("segment", "eq", "7")}]},
    "orders or segments or an event": {"or": [rule("order_count", "gte", 3), rule("segment", "in", ["7", "8"]),
                                              rule("event", "eq", "event_3")]},
}


def measure(bench):
    tenant = bench.need_tenants(len(bench.tenants) + 1)[-1]
    bench.psql(DATA.format(t=tenant["id"], contacts=CONTACTS, orders=ORDERS))
    connection = http.client.HTTPConnection("127.0.0.1", bench.port, timeout=60)
    headers = {"Host": f"{tenant['name']}.bench.test", "X-API-Key": tenant["key"]}

    def timed(path):
        started = time.monotonic()
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {text[:200]!r}")
        return (time.monotonic() - started) * 1000, json.loads(text)

    slowest = {}
    for name, rules in RULES.items():
        made = bench.tenant(tenant, "POST", "/api/v0/audiences", {"name": name, "rules": rules})["data"][0]["id"]
        for what, path in (("count", f"/api/v0/audiences/{made}/count"), ("page", f"/api/v0/audiences/{made}/contacts?limit=50")):
            times = []
            for _ in range(bench.options.rounds + 1):
                milliseconds, answer = timed(path)
                times.append(milliseconds)
            if what == "count":
                size = answer["data"][0]["count"]
            slowest.setdefault(what, []).append((median(times[1:]), name))
        print(f"    {name} ({size:,}): count {slowest['count'][-1][0]:.0f} ms, page {slowest['page'][-1][0]:.0f} ms", file=sys.stderr, flush=True)
    found = []
    for what, times in slowest.items():
        worst, name = max(times)
        found.append(Row("audience", f"audience {what}, {CONTACTS:,} contacts, {ORDERS:,} orders: slowest of {len(times)} sets of rules", name,
                         f"{worst:.0f} ms (median {median([t for t, _ in times]):.0f} ms)", "≤ 200 ms", worst <= 200))
    return found
