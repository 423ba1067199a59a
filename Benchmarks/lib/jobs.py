"""The fair claim against a bare SKIP LOCKED claim and delete of the same batch size."""
import time

from bench import Row, median

JOBS, TENANTS, BATCH, LANES = 1_000_000, 50, 50, 16

FILL = f"""
TRUNCATE app.jobs; DELETE FROM app.lanes WHERE queue = 'bench';
INSERT INTO app.lanes (tenant_id, queue, max_running)
SELECT md5(n::text)::uuid, 'bench', 1000000 FROM generate_series(1, {TENANTS}) n;
INSERT INTO app.jobs (tenant_id, queue, kind)
SELECT md5(CASE WHEN n % 10 > 0 THEN 1 ELSE 2 + n / 10 % {TENANTS - 1} END::text)::uuid, 'bench', 'bench'
  FROM generate_series(1, {JOBS}) n;
DROP TABLE IF EXISTS public.bare_jobs;
CREATE TABLE public.bare_jobs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid, args jsonb DEFAULT '{{}}',
    state smallint NOT NULL DEFAULT 0, run_at timestamptz NOT NULL DEFAULT now(), lease_token uuid);
CREATE INDEX ON public.bare_jobs (run_at, id) WHERE state = 0;
CREATE INDEX ON public.bare_jobs (lease_token) WHERE state = 1;
INSERT INTO public.bare_jobs (tenant_id) SELECT tenant_id FROM app.jobs;
GRANT ALL ON public.bare_jobs TO PUBLIC;
ANALYZE app.jobs, app.lanes, public.bare_jobs;
"""
# Sixteen lanes a claim and deletion by primary key, as the service's workers do.
FAIR = f"""
BEGIN;
SELECT app.enter_dispatch();
SELECT gen_random_uuid() AS token \\gset
SELECT coalesce(array_agg(tenant_id), '{{}}') AS tenants, coalesce(array_agg(id), '{{}}') AS ids
  FROM app.claim('bench', {BATCH}, {LANES}, '60 s', :token::uuid, now()) \\gset
COMMIT;
BEGIN;
SELECT app.enter_dispatch();
DELETE FROM app.jobs j USING unnest(:tenants::uuid[], :ids::bigint[]) AS d(t, i)
 WHERE j.tenant_id = d.t AND j.id = d.i AND j.state = 1 AND j.lease_token = :token::uuid;
COMMIT;
"""
BARE = f"""
BEGIN;
SELECT gen_random_uuid() AS token \\gset
UPDATE public.bare_jobs SET state = 1, lease_token = :token::uuid WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM public.bare_jobs WHERE state = 0 AND run_at <= now() ORDER BY run_at, id LIMIT {BATCH} FOR UPDATE SKIP LOCKED));
COMMIT;
DELETE FROM public.bare_jobs WHERE state = 1 AND lease_token = :token::uuid;
"""


def rate(bench, script, table):
    """Jobs done in a second, by what is left in the table: a claim that found nothing is no work."""
    begun = time.monotonic()
    bench.pgbench(script, 4, seconds=3)
    left = int(bench.psql(f"SELECT count(*) FROM {table}"))
    if left == 0:
        raise RuntimeError(f"{JOBS} jobs were too few")
    return (JOBS - left) / (time.monotonic() - begun)


def measure(bench):
    bench.end("serve")
    ratios, rates, bares = [], [], []
    for _ in range(bench.options.rounds):
        bench.psql(FILL)
        bares.append(rate(bench, BARE, "public.bare_jobs"))
        rates.append(rate(bench, FAIR, "app.jobs"))
        ratios.append(rates[-1] / bares[-1])
    bench.psql("TRUNCATE app.jobs; DROP TABLE public.bare_jobs; DELETE FROM app.lanes WHERE queue = 'bench'")
    return [Row("claim", "fair job claim, 50 tenants, one with 90 % of the jobs",
                f"bare SKIP LOCKED claim and delete: {median(bares):,.0f} jobs/s",
                f"{median(ratios):.2f} × ({median(rates):,.0f} jobs/s)", "≥ 0.7", median(ratios) >= 0.7)]
