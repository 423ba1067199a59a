"""The first import of a segment, from run start to the last contact stitched and readable, and re-imports."""
import http.client
import json
import time

from bench import Row

STAGE = "id uuid, first_name text, last_name text, phone text, email text, ext text, custom jsonb, hash bytea"


def sandbox_call(bench, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", bench.sandbox_port, timeout=60)
    connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
    response = connection.getresponse()
    text = response.read()
    return json.loads(text) if text else None


def sandbox(bench, contacts):
    """A simulated account with one segment of that many contacts; how to reach it."""
    if "sandbox" not in bench.processes:
        output = open(f"{bench.folder}/sandbox.json", "w+b")
        bench.run_program("sandbox", "sandbox", "--port", str(bench.sandbox_port), "--contacts", str(contacts), "--json", stdout=output,
                          ready=lambda: open(f"{bench.folder}/sandbox.json").read().strip() != "")
        # How long Emarsys evaluates a segment is not ours to measure.
        sandbox_call(bench, "POST", "/sandbox/quirks", {"evaluation_calls": 0})
    return json.loads(open(f"{bench.folder}/sandbox.json").read().splitlines()[0])


def connected_tenant(bench, account):
    tenant = bench.need_tenants(len(bench.tenants) + 1)[-1]
    bench.tenant(tenant, "PUT", "/api/v0/integrations/emarsys/connection", {
        "name": "bench", "auth": "oauth2", "client_id": account["client_id"], "client_secret": account["client_secret"],
        "token_url": account["token_url"], "base_url": account["base_url"]})
    return tenant


def connect(bench, contacts):
    """A tenant of its own, connected to a simulated account."""
    return connected_tenant(bench, sandbox(bench, contacts))


def wait_for_import(bench, tenant, newer_than=None):
    peak = 0.0
    while True:
        found = bench.tenant(tenant, "GET", "/api/v0/imports?limit=1")["data"]
        peak = max(peak, bench.resident_mb(bench.serve()))
        if found and found[0]["id"] != newer_than and found[0]["state"] in (
                "succeeded", "succeeded_with_rejections", "failed", "cancelled"):
            if not found[0]["state"].startswith("succeeded"):
                raise RuntimeError(f"import {found[0]['state']}: {found[0].get('error')}")
            return found[0], peak
        time.sleep(0.05)


def fresh_minute():
    """Emarsys allows 1000 calls a minute, and an import of 500,000 contacts makes 501: let the next begin with all of them."""
    time.sleep(61)


def seconds(run):
    from datetime import datetime
    return (datetime.fromisoformat(run["finished_at"]) - datetime.fromisoformat(run["started_at"])).total_seconds()


def largest_segment(bench, tenant, contacts):
    segments = bench.tenant(tenant, "GET", "/api/v0/integrations/emarsys/segments")["data"]
    exact = [s for s in segments if s.get("size") == contacts or "all" in (s.get("name") or "").lower()]
    return str((exact or segments)[0].get("id") or (exact or segments)[0].get("segment_id"))


def yardstick(bench, tenant):
    """psql: \\copy the same rows into a staging table, then INSERT … SELECT … ON CONFLICT into the same indexed tables."""
    csv = f"{bench.folder}/contacts.csv"
    bench.psql(f"""\\copy (SELECT c.id, c.first_name, c.last_name, c.phone, c.email, c.external_reference_id, c.custom_properties, i.source_hash FROM app.contacts c LEFT JOIN app.contact_identifiers i ON i.tenant_id = c.tenant_id AND i.contact_id = c.id AND i.kind = 'emarsys_contact_id' WHERE c.tenant_id = '{tenant['id']}' AND c.merged_into IS NULL) TO '{csv}' CSV""")
    other = bench.need_tenants(len(bench.tenants) + 1)[-1]["id"]
    begun = time.monotonic()
    bench.psql(f"""
        CREATE TEMP TABLE stage ({STAGE});
\\copy stage FROM '{csv}' CSV
        ANALYZE stage;
        INSERT INTO app.contacts (tenant_id, id, first_name, last_name, phone, email, external_reference_id, custom_properties)
        SELECT '{other}', id, first_name, last_name, phone, email, ext, coalesce(custom, '{{}}') FROM stage
        ON CONFLICT (tenant_id, id) DO NOTHING;
        INSERT INTO app.contact_identifiers (tenant_id, kind, value, contact_id, raw, source, source_hash)
        SELECT '{other}', k.kind, k.value, s.id, k.value, 'yardstick', k.hash FROM stage s CROSS JOIN LATERAL (VALUES
            ('emarsys_contact_id', s.ext, s.hash), ('phone', s.phone, NULL), ('email', lower(s.email), NULL)) AS k (kind, value, hash)
        WHERE k.value IS NOT NULL ON CONFLICT DO NOTHING;
        INSERT INTO app.segment_members (tenant_id, segment_id, contact_id, entered_at)
        SELECT '{other}', 'x', id, now() FROM stage ON CONFLICT DO NOTHING;""")
    taken = time.monotonic() - begun
    bench.psql(f"DELETE FROM app.contacts WHERE tenant_id = '{other}'")
    return taken


def measure(bench):
    contacts = bench.options.contacts
    bench.serve()
    tenant = connect(bench, contacts)
    segment = largest_segment(bench, tenant, contacts)
    before = (sandbox_call(bench, "GET", "/sandbox/calls") or {}).get("serving_seconds", 0)
    bench.tenant(tenant, "PUT", "/api/v0/integrations/emarsys/segments/selected", [{"segment_id": segment}])
    run, peak = wait_for_import(bench, tenant)
    serving = (sandbox_call(bench, "GET", "/sandbox/calls") or {}).get("serving_seconds", 0) - before
    first = seconds(run)
    baseline = yardstick(bench, tenant)

    bench.psql("VACUUM ANALYZE app.contacts, app.contact_identifiers")
    written = "SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relid = 'app.contacts'::regclass"
    time.sleep(1.5)
    rows_before = int(bench.psql(written))
    fresh_minute()
    started = bench.tenant(tenant, "POST", "/api/v0/imports", {"segment_id": segment, "mode": "incremental"})["data"][0]["id"]
    again, _ = wait_for_import(bench, tenant, newer_than=run["id"])
    assert again["id"] == started
    time.sleep(1.5)
    rows_written = int(bench.psql(written)) - rows_before
    unchanged = seconds(again)

    sandbox_call(bench, "POST", "/sandbox/change", {"share": 0.01})
    fresh_minute()
    bench.tenant(tenant, "POST", "/api/v0/imports", {"segment_id": segment, "mode": "incremental"})
    changed, _ = wait_for_import(bench, tenant, newer_than=again["id"])
    allowed = baseline + serving
    return [
        Row("import", f"first import of {contacts:,} contacts: {run['counts']}", f"psql \\copy and INSERT … SELECT: {baseline:.1f} s, "
            f"simulator's serving time {serving:.1f} s", f"{first:.1f} s = {first / allowed:.2f} × both", "≤ 1.0 ×", first <= allowed),
        Row("import", "re-import, nothing changed", "the first import", f"{unchanged / first:.2f} × ({unchanged:.1f} s), "
            f"{rows_written} contact rows written", "≤ 0.25 ×, 0 rows", unchanged <= 0.25 * first and rows_written == 0),
        Row("import", f"re-import, 1 % changed ({changed['counts'].get('updated')} updated)", "the first import",
            f"{seconds(changed) / first:.2f} × ({seconds(changed):.1f} s)", "≤ 0.3 ×", seconds(changed) <= 0.3 * first),
        Row("import", "peak resident memory during the import", "", f"{peak:.0f} MB", "≤ 96 MB", peak <= 96),
    ]
