"""From exec to the first 200 on /readyz, and resident memory when idle."""
import time

from bench import Row, median


def measure(bench):
    times, memory = [], []
    for _ in range(max(5, bench.options.rounds)):
        bench.end("serve")
        begun = time.monotonic()
        bench.run_program("serve", "serve", ready=bench.is_ready)
        times.append((time.monotonic() - begun) * 1000)
        time.sleep(1)
        memory.append(bench.resident_mb(bench.serve()))
    return [
        Row("start", "exec to first 200 on /readyz", "", f"{median(times):.0f} ms", "≤ 150 ms", median(times) <= 150),
        Row("memory", "resident memory, idle", "", f"{median(memory):.0f} MB", "≤ 32 MB", median(memory) <= 32),
    ]
