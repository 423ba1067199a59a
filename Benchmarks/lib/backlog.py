"""How fast a backlog of accepted events is worked off: of one tenant, and of ten."""
import time

from bench import Row

EVENTS = 30_000

LAY = """
INSERT INTO app.events (tenant_id, id, source, status, dedup_key, event_name, occurred_at, received_at, body)
SELECT '{t}', gen_random_uuid(), '{source}', 'accepted', decode(md5('{key}' || n), 'hex'), 'backlog', now(), now() + n * interval '1 microsecond',
       jsonb_build_object('phone', '+49176' || lpad((n % 5000)::text, 8, '0'), 'event_name', 'backlog', 'event_data', {data})
  FROM generate_series(1, {count}) n;
INSERT INTO app.jobs (tenant_id, queue, kind, unique_key) VALUES ('{t}', 'events', 'process_events', 'drain') ON CONFLICT DO NOTHING;
"""
CUSTOM = "jsonb_build_object('value', n)"
ORDER = ("jsonb_build_object('order_id', n::text, 'currency', 'EUR', 'amount_total_gross', '30.00', 'ordered_at', '2026-11-20T10:00:00Z', 'items', "
         "jsonb_build_array(jsonb_build_object('sku', 'A' || n % 50, 'qty', 2, 'price', '10.00'), jsonb_build_object('sku', 'B', 'qty', 1, 'price', '10.00')))")


def measure(bench):
    tenants = bench.need_tenants(10)
    for tenant in tenants:
        bench.tenant(tenant, "POST", "/api/v0/flows", {
            "name": "backlog", "trigger": "emarsys_event", "event_name": "backlog", "payload": {"value": 0}})
    found = []
    for what, some, source, data, count, goal in (
            ("events of one tenant, each with a flow run", tenants[:1], "custom", CUSTOM, EVENTS, 1500),
            ("events of ten tenants, each with a flow run", tenants, "custom", CUSTOM, EVENTS, 1500),
            ("orders of one tenant", tenants[1:2], "order", ORDER, EVENTS // 3, 500)):
        for tenant in some:
            bench.psql(LAY.format(t=tenant["id"], source=source, key=what, data=data, count=count // len(some)))
        ids = ", ".join(f"'{t['id']}'" for t in some)
        started, left = time.monotonic(), 1
        while left:
            time.sleep(0.2)
            left = int(bench.psql(f"SELECT count(*) FROM app.events WHERE tenant_id IN ({ids}) AND status = 'accepted'"))
            if time.monotonic() - started > 300:
                raise RuntimeError(f"{left} of {count} are left")
        rate = count / (time.monotonic() - started)
        found.append(Row("backlog", f"backlog worked off: {what}", "", f"{rate:,.0f}/s", f"≥ {goal:,}/s", rate >= goal))
    return found
