"""Dashboards over one large instance: every view's usual queries and the ten of the manual, as the instance's own login."""
import pathlib
import re
import subprocess
import time

from bench import Row, median

GOAL = 1.0


def queries(root):
    lines = (root / "Benchmarks/lib/dashboards.sql").read_text().splitlines()
    dashboards = [line.rstrip(";") for line in lines if line and not line.startswith("--")]
    manual = re.findall(r"```sql\n(.*?)```", (root / "docs/reporting.md").read_text(), re.S)
    return dashboards + [query.strip().rstrip(";") for query in manual]


def measure(bench):
    print("  laying 500,000 contacts and 1,000,000 orders …", flush=True)
    bench.psql(pathlib.Path(bench.root / "Benchmarks/lib/reporting.sql").read_text())
    bench.psql("VACUUM (ANALYZE)")
    role = bench.psql("SELECT app.create_reporting_login('11111111-0000-4000-8000-000000000000', 'a password of the bench', 'bench')")
    slowest, total, asked = (0.0, ""), 0.0, queries(bench.root)
    for query in asked:
        took = []
        for _ in range(max(3, bench.options.rounds)):
            started = time.monotonic()
            subprocess.run(
                ["psql", f"host={bench.sockets} port={bench.pg_port} user={role} dbname=charles", "-XAtq", "-o", "/dev/null",
                 "-v", "ON_ERROR_STOP=1", "-c", query],
                check=True, env=bench.environment | {"PGPASSWORD": "a password of the bench"})
            took.append(time.monotonic() - started)
        seconds = median(took)
        total += seconds
        if seconds > slowest[0]:
            slowest = (seconds, " ".join(query.split())[:90])
        if seconds > GOAL:
            print(f"  {seconds:.2f} s: {' '.join(query.split())[:110]}", flush=True)
    # The rows after this one count contacts of their own.
    bench.psql("DELETE FROM app.reporting_logins WHERE role_name = '%s'; DROP ROLE %s" % (role, role))
    return [Row(
        "reporting", f"dashboards over 500,000 contacts and 1,000,000 orders: the slowest of {len(asked)}", "",
        f"{slowest[0]:.2f} s, {total / len(asked):.2f} s on average ({slowest[1]})", f"≤ {GOAL:.0f} s", slowest[0] <= GOAL)]
