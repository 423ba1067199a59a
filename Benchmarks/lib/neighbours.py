"""Webhooks of other tenants while one tenant imports: they may wait at most twice as long as without it."""
import time

import imports
import webhook
from bench import Row, median

CONNECTIONS = 16


def begin_import(bench, tenant):
    segment = imports.largest_segment(bench, tenant, bench.options.contacts)
    bench.tenant(tenant, "PUT", "/api/v0/integrations/emarsys/segments/selected", [{"segment_id": segment}])
    while not bench.tenant(tenant, "GET", "/api/v0/imports?limit=1")["data"]:
        time.sleep(0.02)


def is_running(bench, tenant):
    return bench.tenant(tenant, "GET", "/api/v0/imports?limit=1")["data"][0]["state"] in ("queued", "running", "waiting")


def measure(bench):
    bench.serve()
    others = bench.need_tenants(10)
    file = webhook.tenants_file(bench, others)
    account = imports.sandbox(bench, bench.options.contacts)
    bench.wrk("paced.lua", CONNECTIONS, [file], seconds=2)
    alone, beside, ratios, seconds = [], [], [], bench.options.seconds
    for _ in range(bench.options.rounds):
        tenant = imports.connected_tenant(bench, account)
        alone.append(bench.wrk("paced.lua", CONNECTIONS, [file], seconds=seconds)["p99"])
        imports.fresh_minute()
        begin_import(bench, tenant)
        result = bench.wrk("paced.lua", CONNECTIONS, [file], seconds=seconds)
        if result["bad"] or result["errors"]:
            raise RuntimeError(f"{result['bad']} refused, socket errors: {result['errors']}")
        if not is_running(bench, tenant):
            raise RuntimeError("the import was over before the webhooks were: take more contacts or fewer seconds")
        beside.append(result["p99"])
        ratios.append(beside[-1] / alone[-1])
        imports.wait_for_import(bench, tenant)
    return [Row("import_neighbours", f"p99 of other tenants' webhooks during an import, {CONNECTIONS} connections at a steady pace",
                f"the same without an import: {median(alone):.1f} ms", f"{median(beside):.1f} ms = {median(ratios):.2f} ×",
                "≤ 2 ×", median(ratios) <= 2)]
