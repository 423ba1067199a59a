"""What every row needs: the private PostgreSQL, the service, tenants, and the load programs."""
import base64
import dataclasses
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import secrets
import statistics
import subprocess
import time

OPERATOR_TOKEN = "op_benchmark_" + secrets.token_hex(8)


@dataclasses.dataclass
class Row:
    name: str
    what: str
    yardstick: str
    measured: str
    goal: str
    reached: bool


def median(values):
    return statistics.median(values)


def b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jwt(secret: str) -> str:
    signed = b64url(b'{"alg":"HS256","typ":"JWT"}') + "." + b64url(b'{"iss":"emarsys"}')
    return signed + "." + b64url(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())


class Bench:
    port, management, sandbox_port = 18080, 18081, 18082

    def __init__(self, root, program, folder, options):
        self.root, self.program, self.folder, self.options = root, program, folder, options
        self.processes = {}
        self.tenants = []
        self.environment = dict(os.environ)

    # The database -----------------------------------------------------------------------------------------------------

    def start(self):
        started = subprocess.run(
            [self.root / "tools/postgres", "start", f"{self.folder}/postgres", "fsync=on", "synchronous_commit=on",
             "shared_buffers=1GB", "max_connections=600", "autovacuum_naptime=10s"],
            check=True, capture_output=True, text=True)
        self.sockets, self.pg_port = started.stdout.split()
        self.owner = f"host={self.sockets} port={self.pg_port} user=postgres dbname=charles"
        self.psql("CREATE DATABASE charles", database="postgres")
        host = self.sockets.replace("/", "%2F")
        self.environment |= {
            "CHARLES_OWNER_DATABASE_URL": f"postgresql://postgres@/charles?host={host}&port={self.pg_port}",
            "DATABASE_URL": f"postgresql://charles_service:benchmark@/charles?host={host}&port={self.pg_port}",
            "CHARLES_BASE_DOMAINS": "bench.test",
            "CHARLES_LISTEN": f"127.0.0.1:{self.port}",
            "CHARLES_MANAGEMENT_LISTEN": f"127.0.0.1:{self.management}",
            "CHARLES_MASTER_KEYS": "k1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
            "CHARLES_OPERATOR_TOKEN": OPERATOR_TOKEN,
            "CHARLES_EMARSYS_HOSTS": "127.0.0.1",
            "CHARLES_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
            "CHARLES_LOG_LEVEL": "warning",
        }
        subprocess.run([self.program, "migrate"], check=True, env=self.environment, capture_output=True)

    def stop(self):
        for name in list(self.processes):
            self.end(name)
        subprocess.run([self.root / "tools/postgres", "remove", f"{self.folder}/postgres"])

    def psql(self, sql, database="charles", timing=False):
        # The owner bypasses row-level security as superuser: benchmarks look at all tenants.
        command = ["psql", f"host={self.sockets} port={self.pg_port} user=postgres dbname={database}", "-XAtq",
                   "-v", "ON_ERROR_STOP=1", "-f", "-"]
        return subprocess.run(command, input=sql, check=True, capture_output=True, text=True).stdout.strip()

    # Programs ---------------------------------------------------------------------------------------------------------

    def run_program(self, name, *arguments, ready=None, stdout=None):
        log = open(f"{self.folder}/{name}.log", "ab")
        process = subprocess.Popen([self.program, *arguments], env=self.environment, stdout=stdout or log, stderr=log)
        self.processes[name] = process
        if ready:
            deadline = time.monotonic() + 20
            while not ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    tail = pathlib.Path(f"{self.folder}/{name}.log").read_text()[-800:]
                    raise RuntimeError(f"{name} did not get ready: {tail}")
                time.sleep(0.002)
        return process

    def end(self, name):
        process = self.processes.pop(name, None)
        if process and process.poll() is None:
            process.terminate()
            try:
                process.wait(35)
            except subprocess.TimeoutExpired:
                process.kill()

    def serve(self):
        if "serve" not in self.processes:
            self.run_program("serve", "serve", ready=self.is_ready)
        return self.processes["serve"]

    def is_ready(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.management, timeout=1)
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def resident_mb(self, process):
        text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024

    def cpu_seconds(self, process):
        fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # The API ----------------------------------------------------------------------------------------------------------

    def call(self, method, host, path, body=None, headers=None, expect=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Host": f"{host}.bench.test", "Content-Type": "application/json"} | (headers or {})
        connection.request(method, path, json.dumps(body) if body is not None else None, sent)
        response = connection.getresponse()
        text = response.read()
        if expect and response.status not in expect:
            raise RuntimeError(f"{method} {path}: {response.status} {text[:300]!r}")
        return json.loads(text) if text else None

    def operator(self, method, path, body=None, expect=(200, 201)):
        return self.call(method, "operator", path, body, {"Authorization": f"Bearer {OPERATOR_TOKEN}"}, expect)

    def tenant(self, tenant, method, path, body=None, expect=(200, 201, 202, 204)):
        return self.call(method, tenant["name"], path, body, {"X-API-Key": tenant["key"]}, expect)

    def need_tenants(self, count):
        """Instances with features, a key and a webhook secret, made through the API."""
        self.serve()
        while len(self.tenants) < count:
            name = f"bench{len(self.tenants)}"
            made = self.operator("POST", "/api/v0/tenants", {
                "instance_name": name, "display_name": name, "default_currency": "EUR", "default_country": "DE"})
            for feature in ("emarsys", "order_events"):
                self.operator("PUT", f"/api/v0/tenants/{name}/features/{feature}", {"enabled": True})
            key = self.operator("POST", f"/api/v0/tenants/{name}/api_keys", {
                "name": "bench", "permissions": ["read", "write", "consent", "erase", "admin"]})["data"][0]["key"]
            tenant = {"name": name, "key": key, "id": made["data"][0]["id"]}
            tenant["secret"] = self.tenant(tenant, "GET", "/api/v0/integrations/emarsys/webhook")["data"][0]["secret"]
            tenant["jwt"] = jwt(tenant["secret"])
            self.tenants.append(tenant)
        return self.tenants[:count]

    def settle(self):
        """Waits until nothing is left to process, so that no round pays for the one before it."""
        begun = time.monotonic()
        while int(self.psql("SELECT count(*) FROM app.events WHERE status = 'accepted'")):
            if time.monotonic() - begun > 600:
                raise RuntimeError("events are still waiting after 10 minutes")
            time.sleep(0.5)

    # Load -------------------------------------------------------------------------------------------------------------

    def pgbench(self, script, clients, seconds=None, user="charles_service"):
        path = f"{self.folder}/script.sql"
        pathlib.Path(path).write_text(script)
        done = subprocess.run(
            ["pgbench", "-h", self.sockets, "-p", self.pg_port, "-U", user, "-n", "-M", "prepared", "-c", str(clients),
             "-j", "2", "-T", str(seconds or self.options.seconds), "-f", path, "charles"],
            env=self.environment | {"PGPASSWORD": "benchmark"}, capture_output=True, text=True)
        found = re.search(r"tps = ([0-9.]+)", done.stdout)
        if not found:
            raise RuntimeError(done.stderr[-500:])
        return float(found.group(1))

    def wrk(self, script, connections, arguments=(), seconds=None, url=None, headers=()):
        """Requests a second, p99 in ms, answers that were not 2xx, socket errors."""
        command = ["wrk", "-t", str(min(2, connections)), "-c", str(connections), "-d", f"{seconds or self.options.seconds}s",
                   "--latency", "--timeout", "10s"]
        for header in headers:
            command += ["-H", header]
        if script:
            command += ["-s", str(self.root / "Benchmarks/wrk" / script)]
        command += [url or f"http://127.0.0.1:{self.port}/", "--", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        rate = re.search(r"Requests/sec:\s+([0-9.]+)", done.stdout)
        if not rate:
            raise RuntimeError(done.stdout[-300:] + done.stderr[-300:])
        p99 = re.search(r"99%\s+([0-9.]+)(us|ms|s)", done.stdout)
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
        errors = re.search(r"Socket errors: (.*)", done.stdout)
        scale = {"us": 0.001, "ms": 1, "s": 1000}[p99.group(2)]
        return {"rate": float(rate.group(1)), "p99": float(p99.group(1)) * scale, "bad": int(bad.group(1)) if bad else 0,
                "errors": errors.group(1) if errors else ""}
