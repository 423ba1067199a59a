"""Opt-in changes exported to the simulated account: calls needed, and the delay of a single change."""
import time

import imports
from bench import Row

PENDING = 100_000


def measure(bench):
    if "sandbox" not in bench.processes:
        imports.measure(bench)
    tenant = next(t for t in reversed(bench.tenants) if bench.psql(
        f"SELECT 1 FROM app.connections WHERE tenant_id = '{t['id']}' AND status = 'connected'"))
    fields = bench.tenant(tenant, "GET", "/api/v0/integrations/emarsys/fields")["data"]
    field = next(f for f in fields if "whatsapp" in (f.get("name") or "").lower() and "time" not in f["name"].lower())
    pending = min(PENDING, bench.options.contacts)
    bench.tenant(tenant, "POST", "/api/v0/integrations/emarsys/pause")
    bench.psql(f"""
        WITH c AS (SELECT tenant_id, id, phone, gen_random_uuid() AS entry FROM app.contacts
                    WHERE tenant_id = '{tenant['id']}' AND merged_into IS NULL AND phone IS NOT NULL
                      AND external_reference_id IS NOT NULL LIMIT {pending}),
             e AS (INSERT INTO app.consent_entries (tenant_id, id, contact_id, phone, status, occurred_at, source, actor)
                   SELECT tenant_id, entry, id, phone, 'granted', now(), 'benchmark', 'benchmark' FROM c RETURNING 1)
        INSERT INTO app.consents (tenant_id, contact_id, subscription_type, phone, status, occurred_at, entry_id)
        SELECT tenant_id, id, 'whatsapp', phone, 'granted', now(), entry FROM c""")
    pending = int(bench.psql(f"SELECT count(*) FROM app.consents WHERE tenant_id = '{tenant['id']}'"))
    bench.tenant(tenant, "PUT", "/api/v0/integrations/emarsys/opt_in", {"field_id": str(field["id"])})
    before = imports.sandbox_call(bench, "GET", "/sandbox/calls")
    bench.tenant(tenant, "POST", "/api/v0/integrations/emarsys/resume")
    begun = time.monotonic()
    while time.monotonic() - begun < 180:
        left = int(bench.psql(f"SELECT count(*) FROM app.consents s WHERE s.tenant_id = '{tenant['id']}' AND NOT EXISTS (SELECT 1 "
                              "FROM app.opt_in_confirmed c WHERE c.tenant_id = s.tenant_id AND c.contact_id = s.contact_id)"))
        if left == 0:
            break
        time.sleep(0.2)
    taken = time.monotonic() - begun
    calls = imports.sandbox_call(bench, "GET", "/sandbox/calls")
    made = calls.get("contact.update", 0) - before.get("contact.update", 0)
    goal = pending / 1000 * 1.05
    delays = []
    for phone in bench.psql(f"SELECT phone FROM app.consents WHERE tenant_id = '{tenant['id']}' LIMIT 5").splitlines():
        begun = time.monotonic()
        bench.tenant(tenant, "POST", "/api/v0/opt_ins", {"contact": {"phone": phone}, "status": "withdrawn"})
        while time.monotonic() - begun < 10:
            exports = bench.tenant(tenant, "GET", "/api/v0/opt_ins/exports?limit=1")["data"]
            if exports and exports[0]["status"] == "withdrawn" and exports[0]["state"] == "confirmed":
                break
            time.sleep(0.01)
        delays.append(time.monotonic() - begun)
    return [
        Row("optin", f"{pending:,} pending opt-in changes exported ({left} left after {taken:.0f} s)", "", f"{made} calls",
            f"≤ {goal:.0f} calls", left == 0 and made <= goal),
        Row("optin", "one change leaves after it was posted (slowest of 5)", "", f"{max(delays):.2f} s", "≤ 2 s", max(delays) <= 2),
    ]
