import Crypto
import EventLoop
import Foundation
import HTTP
import JSON
import Persistence
import TestSupport
import Testing

/// What an operator sees of the running program: its metrics, its log and its traces.
@Suite("Watching the running product")
struct WatchingTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let traceparent = "00-\(trace)-00f067aa0ba902b7-01"
    private static let tracestate = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"

    @Test(
        "a day in its life: metrics by the format, a line for each request, one trace from end to end, and nobody's data"
    )
    func day() async throws {
        let sandbox = try SandboxProcess.start(contacts: 300)
        let emarsys = try CaptureServer.start(handingOnTo: sandbox.baseURL)
        let instance = try CaptureServer.start()
        defer {
            emarsys.stop()
            instance.stop()
        }
        let product = try await RunningProduct.start(["CHARLES_LOG_LEVEL": "debug"])
        let key = try await product.makeInstance("acme", displayName: "Markedname Ltd")
        let tenant = try await product.callOperator(.get, "/api/v0/tenants/acme")["id"]?.string ?? ""
        func ask(_ method: HTTPMethod, _ path: String, _ body: JSON? = nil) async throws -> (HTTPStatus, JSON) {
            let answer = try await product.call(
                method, host: "acme", path, body,
                headers: ["X-API-Key": key, "traceparent": Self.traceparent, "tracestate": Self.tracestate])
            return (answer.status, answer.json)
        }

        // Connect, deliver, listen.
        let connected = try await ask(
            .put, "/api/v0/integrations/emarsys/connection",
            [
                "name": "main", "auth": "wsse", "username": .string(sandbox.username),
                "secret": .string(sandbox.secret), "base_url": .string(emarsys.baseURL),
            ])
        #expect(connected.0 == .ok, "\(connected)")
        let endpoint = try await ask(
            .put, "/api/v0/delivery_endpoint", ["url": .string(instance.baseURL + "/hook"), "enabled": true])
        let deliverySecret = endpoint.1["data"]?[0]?["secret"]?.string ?? ""
        _ = try await ask(
            .post, "/api/v0/flows",
            [
                "name": "w", "trigger": "emarsys_event", "event_name": "marked_event",
                "payload": ["first_name": "Markedname"], "enabled": true,
            ])
        let segment = try await ask(.get, "/api/v0/integrations/emarsys/segments").1["data"]?[0]?["id"]?.string ?? ""
        let selected = try await ask(
            .put, "/api/v0/integrations/emarsys/segments/selected", [["segment_id": .string(segment)]])
        #expect(selected.0 == .ok, "\(selected)")
        // What happens, with people in it.
        try await sandbox.send(
            [
                "phone": "+4915199887766", "email": "marked.person@leak.example", "event_name": "marked_event",
                "event_data": ["note": "Markedname"], "deduplication_id": "1",
            ], to: product, key: key, headers: ["traceparent": Self.traceparent])
        try await sandbox.send(
            ["phone": "+49 Markedphone", "event_name": "marked_event", "deduplication_id": "2"], to: product, key: key)
        _ = try? await product.call(
            .post, host: "acme", "/api/v0/webhooks/incoming/emarsys/custom_external_event", ["event_name": "x"],
            headers: ["Authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.markedtoken.AAAA"])
        let delivered = try await instance.wait { $0.header("webhook-id") != nil && Self.isFlow($0) }
        _ = try await ask(.get, "/api/v0/contacts?phone=%2B4915199887766")
        _ = try await ask(.get, "/api/v0/contacts?q=Markedname")
        _ = try await ask(.get, "/api/v0/contacts/marked.person@leak.example")
        _ = try await ask(.get, "/api/v0/nothing/Markedname")
        _ = try await ask(
            .post, "/api/v0/opt_ins",
            ["contact": ["phone": "+4915199887766"], "status": "granted", "evidence": ["text": "Markedname"]])
        _ = try await product.call(
            .post, host: "acme", "/api/v0/opt_ins", ["contact": ["email": "Markedname"]],
            headers: ["X-API-Key": "cek_markedkey0000000000000000000000000000000"])
        _ = try await product.call(.post, host: "acme", "/api/v0/session", ["api_key": .string(key)])
        try await eventually {
            let list = try await ask(.get, "/api/v0/imports").1["data"]?.array ?? []
            return list.contains { $0["state"]?.string?.hasPrefix("succeeded") == true }
        }

        // One trace: request → call to Emarsys; webhook → delivery.
        #expect(delivered.header("traceparent")?.contains(Self.trace) == true, "\(delivered.headers)")
        #expect(emarsys.requests.contains { $0.header("traceparent")?.contains(Self.trace) == true })
        #expect(emarsys.requests.allSatisfy { $0.header("traceparent") != nil })
        let noted = emarsys.requests.filter { $0.header("tracestate") != nil }
        #expect(!noted.isEmpty)
        #expect(
            noted.allSatisfy {
                $0.header("tracestate") == Self.tracestate && $0.header("traceparent")?.contains(Self.trace) == true
            })

        try await checkMetrics(product, tenant: tenant)
        let log = product.logText
        try checkLines(log, tenant: tenant)
        // The whole log, searched for people and secrets.
        let webhook = try await ask(.get, "/api/v0/integrations/emarsys/webhook")
        let secrets = [
            key, product.operatorToken, sandbox.secret, deliverySecret, webhook.1["data"]?[0]?["secret"]?.string ?? "",
            "markedtoken", "cek_marked", "MDEyMzQ1Njc4OTAx", "charles_test password",
        ]
        for marked in secrets + [
            "4915199887766", "marked.person", "leak.example", "Markedname", "Markedphone", "person@",
        ] {
            #expect(!marked.isEmpty)
            #expect(!product.logText.contains(marked), "the log holds \(marked)")
        }
        #expect(product.stop() == 0)
        #expect(product.logText.hasSuffix("\"event\":\"stopped\"}\n"))
    }

    private static func isFlow(_ request: HTTPRequest) -> Bool {
        (try? JSON.parse(request.body))?["type"] == "flow.triggered"
    }

    private func checkMetrics(_ product: RunningProduct, tenant: String) async throws {
        var parsed = try PrometheusParser(try await product.manage("/metrics").text)
        // What waits is read at most every quarter of a minute.
        try await eventually {
            parsed = try PrometheusParser(try await product.manage("/metrics").text)
            return parsed.value("charles_tenants", ["status": "active"]) == 1
        }
        let route = ["surface": "api", "method": "GET", "route": "/api/v0/imports", "status": "2xx"]
        #expect(parsed.value("charles_http_requests_total", route) ?? 0 > 0)
        #expect(parsed.value("charles_http_request_seconds_count", ["route": "/api/v0/imports"]) ?? 0 > 0)
        #expect(parsed.value("charles_http_requests_total", ["route": "unmatched", "status": "4xx"]) ?? 0 > 0)
        #expect(parsed.value("charles_webhooks_total", ["source": "custom", "outcome": "accepted"]) == 1)
        #expect(parsed.value("charles_webhooks_total", ["source": "custom", "outcome": "rejected"]) == 1)
        #expect(parsed.value("charles_webhooks_total", ["source": "custom", "outcome": "unauthorized"]) == 1)
        #expect(parsed.value("charles_deliveries_total", ["outcome": "delivered"]) ?? 0 > 0)
        #expect(parsed.value("charles_emarsys_calls_total", ["endpoint": "contact.getdata", "status": "2xx"]) ?? 0 > 0)
        #expect(parsed.value("charles_emarsys_budget_connections") == 1)
        #expect(parsed.value("charles_imports_finished_total") ?? 0 > 0)
        #expect(parsed.value("charles_jobs_total", ["queue": "imports", "kind": "import_run"]) ?? 0 > 0)
        #expect(parsed.value("charles_job_seconds_count", ["kind": "process_events"]) ?? 0 > 0)
        for pool in ["main", "inbox", "events"] {
            #expect(parsed.value("charles_database_connections_limit", ["pool": pool]) ?? 0 > 0)
            for name in ["connections_in_use", "waiting", "waits_total", "wait_seconds_total", "refused_total"] {
                #expect(parsed.value("charles_database_\(name)", ["pool": pool]) != nil, "\(name)")
            }
        }
        for name in [
            "charles_loop_lag_seconds", "charles_jobs_running", "charles_directory_entries", "charles_http_connections",
            "charles_deliveries_queued", "charles_figures_age_seconds", "charles_log_lines_dropped_total",
            "charles_build_info", "process_resident_memory_bytes", "process_start_time_seconds",
            "charles_lane_jobs", "charles_emarsys_budget_lowest_ratio",
        ] {
            #expect(parsed.value(name) != nil, "\(name)")
        }
        // Bounded and nobody's: no id, no instance, no path as it came.
        for sample in parsed.samples {
            for (label, value) in sample.labels {
                #expect(!value.contains(tenant) && !value.contains("acme"), "\(sample)")
                #expect(!value.contains("4915") && !value.contains("@") && !value.contains("Marked"), "\(sample)")
                #expect(value.count <= 80, "\(label)")
            }
        }
        #expect(parsed.samples.count < 5000)
    }

    private func checkLines(_ log: String, tenant: String) throws {
        var routes: Set<String> = []
        for line in log.split(separator: "\n") {
            let object = try JSON.parse(String(line))
            #expect(object["time"]?.string != nil && object["level"]?.string != nil && object["event"]?.string != nil)
            guard object["event"] == "request" else { continue }
            for name in ["method", "route", "request_id", "trace_id"] {
                #expect(object[name]?.string?.isEmpty == false, "\(line)")
            }
            #expect(object["status"]?.int64 != nil && object["duration_ms"] != nil)
            #expect(object["trace_id"]?.string?.count == 32)
            if object["route"] == "/api/v0/contacts" { #expect(object["tenant_id"]?.string == tenant) }
            routes.insert(object["route"]?.string ?? "")
        }
        #expect(routes.isSuperset(of: ["/api/v0/contacts", "/api/v0/contacts/{id}", "unmatched", "/api/v0/tenants"]))
        let ours = log.split(separator: "\n").filter { $0.contains(Self.trace) }
        #expect(ours.contains { $0.contains("\"event\":\"request\"") })
        #expect(ours.contains { $0.contains("\"event\":\"job_finished\"") && $0.contains("import_run") })
    }

    private func eventually(_ check: () async throws -> Bool) async throws {
        for _ in 0..<1200 {
            if try await check() { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("it did not come")
    }
}
