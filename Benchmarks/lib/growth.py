"""From ten tenants to ten thousand: webhooks, memory, idle CPU, and the scheduler's query."""
import time

import webhook
from bench import Row, median

TENANTS = 10_000


def measure(bench):
    serve = bench.serve()
    few = bench.need_tenants(10)
    small = webhook.tenants_file(bench, few)
    bench.wrk("webhook.lua", 64, [small], seconds=2)
    time.sleep(2)
    memory_before = bench.resident_mb(serve)

    # Ten thousand instances, each with features and a webhook secret: through the API, as it would happen.
    many = bench.need_tenants(TENANTS)
    bench.psql("""
        INSERT INTO app.jobs (tenant_id, queue, kind, state, run_at, unique_key)
        SELECT tenant_id, 'imports', 'import_due', 4, now() + interval '12 hours' * random() + interval '1 hour', 'due:bench'
          FROM app.tenants ON CONFLICT DO NOTHING;
        ANALYZE app.jobs, app.lanes, app.tenants""")
    large = webhook.tenants_file(bench, many)
    ratios = []
    bench.wrk("webhook.lua", 64, [large], seconds=5)  # every tenant seen once: a start, not the steady state
    for _ in range(bench.options.rounds):
        bench.settle()
        ten = bench.wrk("webhook.lua", 64, [small])
        bench.settle()
        thousand = bench.wrk("webhook.lua", 64, [large])
        if thousand["bad"]:
            raise RuntimeError(f"{thousand['bad']} refused")
        ratios.append(thousand["rate"] / ten["rate"])
    while int(bench.psql("SELECT count(*) FROM app.jobs WHERE state IN (0, 1)")):
        time.sleep(0.5)
    time.sleep(3)
    memory_after = bench.resident_mb(serve)
    cpu = bench.cpu_seconds(serve)
    time.sleep(10)
    cpu = (bench.cpu_seconds(serve) - cpu) / 10
    timing = []
    for _ in range(5):
        text = bench.psql("EXPLAIN (ANALYZE, TIMING OFF) SELECT * FROM app.claim('imports', 50, 50, '60 s', gen_random_uuid(), now())")
        timing.append(float(text.split("Execution Time:")[1].split("ms")[0]))
    return [
        Row("growth", "webhooks with 10,000 tenants ÷ with 10", "itself", f"{median(ratios):.2f}", "≥ 0.95", median(ratios) >= 0.95),
        Row("growth", "memory, 10 → 10,000 tenants", "itself", f"+{memory_after - memory_before:.0f} MB", "≤ +16 MB",
            memory_after - memory_before <= 16),
        Row("growth", "idle CPU with 10,000 tenants", "one core", f"{cpu * 100:.1f} %", "< 1 %", cpu < 0.01),
        Row("growth", "scheduler query with 10,000 tenants", "", f"{median(timing):.1f} ms", "≤ 5 ms", median(timing) <= 5),
    ]
