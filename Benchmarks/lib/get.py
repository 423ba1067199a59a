"""Reads: the smallest authenticated GET against nginx, and a contact by phone against the same SQL without isolation."""
import pathlib
import subprocess
import time

from bench import Row, median

NGINX = """
daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}/nginx-body; proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi; uwsgi_temp_path {folder}/nginx-uwsgi; scgi_temp_path {folder}/nginx-scgi;
  server {{ listen 127.0.0.1:18090; location / {{ default_type application/json; return 200 '{body}'; }} }} }}
"""
BODY = '{"count":1,"data":[{"id":"00000000-0000-4000-8000-000000000000","permissions":["read"]}]}'


def measure(bench):
    tenant = bench.need_tenants(1)[0]
    configuration = pathlib.Path(bench.folder) / "nginx.conf"
    configuration.write_text(NGINX.format(folder=bench.folder, body=BODY))
    nginx = subprocess.Popen(["nginx", "-c", str(configuration)], stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        ratios, rates, yardsticks = [], [], []
        for _ in range(bench.options.rounds):
            yardstick = bench.wrk(None, 64, url="http://127.0.0.1:18090/")
            result = bench.wrk(None, 64, url=f"http://127.0.0.1:{bench.port}/api/v0/session",
                               headers=[f"Host: {tenant['name']}.bench.test", f"X-API-Key: {tenant['key']}"])
            if result["bad"]:
                raise RuntimeError(f"{result['bad']} refused")
            ratios.append(result["rate"] / yardstick["rate"])
            rates.append(result["rate"])
            yardsticks.append(yardstick["rate"])
    finally:
        nginx.terminate()
        nginx.wait()
    return [Row("get", "smallest authenticated GET, 64 connections", f"nginx return 200, 2 workers: {median(yardsticks):,.0f}/s",
                f"{median(ratios):.2f} × ({median(rates):,.0f}/s)", "≥ 0.9", median(ratios) >= 0.9)]


def measure_contact(bench):
    tenant = bench.need_tenants(1)[0]
    rows = 50_000
    bench.psql(f"""
        INSERT INTO app.contacts (tenant_id, id, first_name, last_name, phone, email, external_reference_id)
        SELECT '{tenant['id']}', gen_random_uuid(), 'Erika', 'M' || n, '+4916' || lpad(n::text, 9, '0'), 'm' || n || '@example.com',
               (900000000 + n)::text FROM generate_series(1, {rows}) n ON CONFLICT DO NOTHING;
        INSERT INTO app.contact_identifiers (tenant_id, kind, value, contact_id, source)
        SELECT tenant_id, 'phone', phone, id, 'benchmark' FROM app.contacts WHERE tenant_id = '{tenant['id']}' AND phone LIKE '+4916%'
        ON CONFLICT DO NOTHING;
        ANALYZE app.contacts, app.contact_identifiers;
        DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'yardstick') THEN
            CREATE ROLE yardstick LOGIN BYPASSRLS PASSWORD 'benchmark'; END IF; END $$;
        GRANT USAGE ON SCHEMA app TO yardstick; GRANT SELECT ON ALL TABLES IN SCHEMA app TO yardstick;""")
    phones = pathlib.Path(bench.folder) / "phones"
    phones.write_text("\n".join(f"+4916{n:09d}" for n in range(1, rows + 1)) + "\n")
    # The same rows as the product reads for one contact, without isolation.
    script = f"""
\\set n random(1, {rows})
SELECT c.id, c.first_name, c.last_name, c.phone, c.email, c.external_reference_id, c.custom_properties, c.created_at, c.updated_at,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', i.kind, 'value', i.value, 'primary', i.is_primary)), '[]')
     FROM app.contact_identifiers i WHERE i.tenant_id = c.tenant_id AND i.contact_id = c.id AND i.status = 'active'),
  (SELECT coalesce(jsonb_agg(s.segment_id), '[]') FROM app.segment_members s
    WHERE s.tenant_id = c.tenant_id AND s.contact_id = c.id AND s.left_at IS NULL),
  (SELECT s.status FROM app.consents s WHERE s.tenant_id = c.tenant_id AND s.contact_id = c.id AND s.phone = c.phone LIMIT 1),
  (SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM app.contact_order_totals t WHERE t.tenant_id = c.tenant_id AND t.contact_id = c.id)
 FROM app.contact_identifiers p JOIN app.contacts c ON c.tenant_id = p.tenant_id AND c.id = p.contact_id
WHERE p.tenant_id = '{tenant['id']}' AND p.kind = 'phone' AND p.value = '+4916' || lpad(:n::text, 9, '0') AND p.status = 'active'
  AND c.tenant_id = '{tenant['id']}';
"""
    ratios, rates, yardsticks = [], [], []
    for _ in range(bench.options.rounds):
        yardstick = bench.pgbench(script, 64, user="yardstick")
        result = bench.wrk("contact.lua", 64, [f"{tenant['name']}.bench.test", tenant["key"], phones])
        if result["bad"]:
            raise RuntimeError(f"{result['bad']} refused")
        ratios.append(result["rate"] / yardstick)
        rates.append(result["rate"])
        yardsticks.append(yardstick)
    return [Row("contact read", "contact read by phone under RLS, 64 connections", f"same SQL by pgbench, no RLS: {median(yardsticks):,.0f}/s",
                f"{median(ratios):.2f} × ({median(rates):,.0f}/s)", "≥ 0.9", median(ratios) >= 0.9)]
