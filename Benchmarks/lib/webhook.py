"""Webhooks accepted durably against the same row inserted by pgbench, one client per connection."""
import pathlib

from bench import Row, median

GOALS = {1: 1.5, 16: 2, 64: 4, 256: 8}
P99_GOALS = {64: 8, 256: 20}

# The yardstick: what a service that commits each webhook by itself would ask of the database.
SCRIPT = """
\\set t random(1, {count})
\\set n random(1, 1000000000)
BEGIN;
SELECT set_config('app.tenant', (ARRAY[{tenants}])[:t], true);
INSERT INTO app.events (tenant_id, id, source, status, dedup_key, event_name, occurred_at, received_at, body)
VALUES (current_setting('app.tenant')::uuid, gen_random_uuid(), 'custom', 'processed', decode(md5(:n::text || random()::text), 'hex'),
        'abandoned_cart', now(), now(), '{body}');
COMMIT;
"""
BODY = ('{"external_reference_id":"8123456789","email":"erika.mustermann@example.com","phone":"+4915112345678",'
        '"event_name":"abandoned_cart","event_time":"2026-11-23T08:16:00Z","deduplication_id":"0123456789abcdef-0-1234567",'
        '"event_data":{"discount_code":"HAPPY24","cart":{"value":59.9,"currency":"EUR"},"note":"' + "x" * 150 + '"}}')


def tenants_file(bench, tenants):
    path = pathlib.Path(bench.folder) / f"tenants.{len(tenants)}"
    path.write_text("".join(f"{t['name']}.bench.test {t['jwt']}\n" for t in tenants))
    return path


def script(tenants):
    return SCRIPT.format(count=len(tenants), tenants=", ".join(f"'{t['id']}'" for t in tenants), body=BODY)


def measure(bench):
    tenants = bench.need_tenants(10)
    file = tenants_file(bench, tenants)
    found = []
    for connections in (1, 16, 64, 256):
        ratios, p99, rates, yardsticks = [], [], [], []
        for _ in range(bench.options.rounds):
            bench.settle()
            yardstick = bench.pgbench(script(tenants), connections)
            result = bench.wrk("webhook.lua", connections, [file])
            if result["bad"] or result["errors"]:
                raise RuntimeError(f"{result['bad']} refused, socket errors: {result['errors']}")
            ratios.append(result["rate"] / yardstick)
            p99.append(result["p99"])
            rates.append(result["rate"])
            yardsticks.append(yardstick)
        memory = bench.resident_mb(bench.serve())
        found.append(Row("webhook", f"webhook accepted durably, {connections} connections, 10 tenants",
                         f"pgbench, {connections} clients: {median(yardsticks):,.0f}/s",
                         f"{median(ratios):.2f} × ({median(rates):,.0f}/s)", f"≥ {GOALS[connections]}",
                         median(ratios) >= GOALS[connections]))
        if connections in P99_GOALS:
            found.append(Row("webhook", f"p99 of the same at {connections} connections", "", f"{median(p99):.1f} ms",
                             f"≤ {P99_GOALS[connections]} ms", median(p99) <= P99_GOALS[connections]))
        if connections == 256:
            found.append(Row("webhook", "resident memory after 256 connections under load", "", f"{memory:.0f} MB", "≤ 64 MB",
                             memory <= 64))
    return found
