import EventLoop
import Foundation
import HTTP
import JSON
import TestSupport
import Testing

/// Asks the running product, route by route, and remembers what it saw.
final class RouteWalk: @unchecked Sendable {
    // Unchecked: used by one test, one call after the other.
    let product: RunningProduct
    let sandbox: SandboxProcess
    let hook: CaptureServer
    let key: String
    let instance: OpenAPIContract
    let operators: OpenAPIContract
    private(set) var seen: Set<String> = []
    private(set) var seenByOperators: Set<String> = []
    /// Elements of `data` by route, for whoever writes schemas.
    private(set) var observed: [String: [JSON]] = [:]

    init(isConnected: Bool = true) async throws {
        sandbox = try SandboxProcess.start(contacts: 50)
        hook = try CaptureServer.start()
        product = try await RunningProduct.start()
        key = try await product.makeInstance("acme")
        instance = OpenAPIContract(document: try await product.call(.get, host: "acme", "/api/v0/openapi.json").json)
        operators = OpenAPIContract(
            document: try await product.call(.get, host: "operator", "/api/v0/openapi.json").json)
    }

    deinit { hook.stop() }

    /// Asks on the instance's host; checks the exchange against the document.
    @discardableResult
    func ask(
        _ method: HTTPMethod, _ pattern: String, at values: [String: String] = [:], query: String = "",
        _ body: JSON? = nil, headers: HTTPHeaders? = nil, expecting status: Int? = nil
    ) async throws -> JSON {
        let (answer, path) = try await send(
            "acme", method, pattern, values, query, body, headers ?? ["X-API-Key": key])
        check(instance, "\(method.rawValue) \(pattern)", answer, body, expecting: status, path)
        if answer.status.code < 400 { seen.insert("\(method.rawValue) \(pattern)") }
        return answer.json
    }

    /// Asks on the operators' host.
    @discardableResult
    func operate(
        _ method: HTTPMethod, _ pattern: String, at values: [String: String] = [:], query: String = "",
        _ body: JSON? = nil, headers: HTTPHeaders? = nil, expecting status: Int? = nil
    ) async throws -> JSON {
        let (answer, path) = try await send(
            "operator", method, pattern, values, query, body,
            headers ?? ["Authorization": "Bearer \(product.operatorToken)"])
        check(operators, "\(method.rawValue) \(pattern)", answer, body, expecting: status, path)
        if answer.status.code < 400 { seenByOperators.insert("\(method.rawValue) \(pattern)") }
        return answer.json
    }

    private typealias Answer = (status: HTTPStatus, json: JSON, type: String)

    private func send(
        _ host: String, _ method: HTTPMethod, _ pattern: String, _ values: [String: String], _ query: String,
        _ body: JSON?, _ headers: HTTPHeaders
    ) async throws -> (Answer, String) {
        var path = pattern
        for (name, value) in values { path = path.replacing("{\(name)}", with: value) }
        let answer = try await product.exchange(method, host: host, path + query, body, headers: headers)
        let json = (try? JSON.parse(answer.body)) ?? .null
        return ((answer.status, json, answer.headers["Content-Type"] ?? ""), path)
    }

    private func check(
        _ contract: OpenAPIContract, _ key: String, _ answer: Answer, _ sent: JSON?, expecting status: Int?,
        _ path: String
    ) {
        if let status {
            #expect(answer.status.code == status, "\(key): \(answer.json)")
        } else {
            #expect(answer.status.code < 300, "\(key) \(path): \(answer.status.code) \(answer.json)")
        }
        let faults = contract.faults(
            key, status: answer.status.code, contentType: answer.type, body: answer.json, sent: sent)
        for fault in faults.prefix(12) { Issue.record("\(fault)") }
        if answer.status.code < 300 { observed[key, default: []] += answer.json["data"]?.array ?? [] }
    }

    /// Every route with what a client would send; then again what a client might send wrong.
    func everything() async throws {
        try await connection()
        try await events()
        try await people()
        try await rest()
        try await operatorsHost()
        try await farewell()
    }

    private func connection() async throws {
        let base = "/api/v0/integrations/emarsys"
        try await ask(.get, "\(base)/connection", expecting: 404)
        try await ask(.get, "\(base)/draft")
        try await ask(.put, "\(base)/draft", ["step": 2, "draft": ["name": "x"]])
        try await ask(.get, "\(base)/draft")
        try await ask(.delete, "\(base)/draft")
        try await ask(
            .put, "\(base)/connection",
            [
                "name": "main", "auth": "wsse", "username": .string(sandbox.username),
                "secret": .string(sandbox.secret), "base_url": .string(sandbox.baseURL),
            ])
        try await ask(.get, "\(base)/connection")
        try await ask(.post, "\(base)/connection/test")
        try await ask(.get, "\(base)/fields")
        try await ask(.get, "\(base)/fields/samples")
        let segments = try await ask(.get, "\(base)/segments")
        try await ask(.post, "/api/v0/custom_properties", ["name": "tier", "type": "string"])
        try await ask(.get, "/api/v0/custom_properties")
        let mappings = try await ask(.get, "\(base)/mappings")
        try await ask(.put, "\(base)/mappings", .array((mappings["data"]?.array ?? []).map(Self.mapping)))
        let segment = segments["data"]?[0]?["id"]?.string ?? ""
        try await ask(.put, "\(base)/segments/selected", [["segment_id": .string(segment), "interval_hours": 24]])
        try await ask(.get, "\(base)/segments/selected")
        try await ask(.get, "\(base)/opt_in")
        let fields = try await ask(.get, "\(base)/fields")
        if let text = fields["data"]?.array?.first(where: Self.isOptInField)?["id"]?.string {
            try await ask(.put, "\(base)/opt_in", ["field_id": .string(text), "create_missing": true])
            try await ask(.get, "\(base)/opt_in")
        }
        try await ask(.get, "\(base)/webhook")
        try await ask(.post, "\(base)/webhook/rotate", ["overlap_hours": 1])
        try await ask(.post, "\(base)/pause")
        try await ask(.post, "\(base)/resume")
        try await settled("/api/v0/imports") { $0.contains { $0["state"]?.string?.hasPrefix("succeeded") == true } }
        let imports = try await ask(.get, "/api/v0/imports")
        let id = imports["data"]?[0]?["id"]?.string ?? ""
        try await ask(.get, "/api/v0/imports/{id}", at: ["id": id])
        try await ask(.get, "/api/v0/imports/{id}/rejections", at: ["id": id])
        try await ask(.get, "/api/v0/imports/{id}/rejections/reasons", at: ["id": id])
        let started = try await ask(.post, "/api/v0/imports", ["mode": "full", "dry_run": true])
        let cancel = started["data"]?[0]?["id"]?.string ?? ""
        let (answer, path) = try await send(
            "acme", .post, "/api/v0/imports/{id}/cancel", ["id": cancel], "", nil, ["X-API-Key": key])
        // It may be quicker than we are.
        check(instance, "POST /api/v0/imports/{id}/cancel", answer, nil, expecting: answer.status.code, path)
        seen.insert("POST /api/v0/imports/{id}/cancel")
        try await ask(.post, "/api/v0/imports", ["mode": "sometimes"], expecting: 422)
    }

    private func events() async throws {
        try await ask(
            .put, "/api/v0/delivery_endpoint", ["url": .string(hook.baseURL + "/hook"), "enabled": true], expecting: 201
        )
        try await ask(.put, "/api/v0/delivery_endpoint", ["url": .string(hook.baseURL + "/hook")], expecting: 200)
        try await ask(.get, "/api/v0/delivery_endpoint")
        try await ask(.post, "/api/v0/delivery_endpoint/rotate", ["overlap_hours": 1])
        try await ask(.post, "/api/v0/delivery_endpoint/test")
        let flow = try await ask(
            .post, "/api/v0/flows",
            [
                "name": "w", "trigger": "emarsys_event", "event_name": "welcome", "payload": ["code": ""],
                "enabled": true,
            ])
        let id = flow["data"]?[0]?["id"]?.string ?? ""
        try await ask(.get, "/api/v0/flows")
        try await ask(.get, "/api/v0/flows/{id}", at: ["id": id])
        try await ask(.patch, "/api/v0/flows/{id}", at: ["id": id], ["name": "v"])
        try await ask(
            .post, "/api/v0/flows/{id}/test", at: ["id": id], ["event_name": "welcome", "phone": "+4915112345678"])
        let token = try await webhookToken()
        let custom = "/api/v0/webhooks/incoming/emarsys/custom_external_event"
        let event: JSON = [
            "phone": "+4915112345678", "email": "anna@example.com", "event_name": "welcome",
            "event_data": ["code": "X"], "deduplication_id": "1", "event_time": "2026-11-24T20:00:00Z",
        ]
        try await ask(.post, custom, event, headers: token, expecting: 202)
        try await ask(.post, custom, event, headers: token, expecting: 200)
        try await ask(.post, custom, ["phone": "nonsense", "event_name": "welcome"], headers: token, expecting: 202)
        try await ask(.post, custom, ["phone": "+4915112345678", "event_name": "a b"], headers: token, expecting: 422)
        try await ask(.post, custom, event, headers: [:], expecting: 401)
        try await ask(
            .post, "/api/v0/webhooks/incoming/emarsys/order_external_event", Self.order, headers: token, expecting: 202)
        try await settled("/api/v0/events") { $0.count == 3 && $0.allSatisfy { $0["status"] != "accepted" } }
        let events = try await ask(.get, "/api/v0/events")
        for element in events["data"]?.array ?? [] {
            try await ask(.get, "/api/v0/events/{id}", at: ["id": element["id"]?.string ?? ""])
        }
        let processed = events["data"]?.array?.first { $0["event_name"] == "welcome" && $0["status"] == "processed" }
        try await ask(.post, "/api/v0/events/{id}/replay", at: ["id": processed?["id"]?.string ?? ""])
        try await ask(.post, "/api/v0/events/replay", ["filter": ["status": "rejected"]])
        try await settled("/api/v0/flow_runs") { $0.contains { $0["state"] == "delivered" } }
        let runs = try await ask(.get, "/api/v0/flow_runs")
        let run = runs["data"]?.array?.first { $0["state"] == "delivered" }
        try await ask(.get, "/api/v0/flow_runs/{id}", at: ["id": run?["id"]?.string ?? ""])
        try await settled("/api/v0/deliveries") { list in list.contains { $0["state"] == "delivered" } }
        let deliveries = try await ask(.get, "/api/v0/deliveries")
        let delivery = deliveries["data"]?.array?.first { $0["state"] == "delivered" }?["id"]?.string ?? ""
        try await ask(.get, "/api/v0/deliveries/{id}", at: ["id": delivery])
        try await ask(.post, "/api/v0/deliveries/{id}/replay", at: ["id": delivery])
        // Without an endpoint a run waits to be fetched.
        try await ask(.put, "/api/v0/delivery_endpoint", ["url": .string(hook.baseURL + "/hook"), "enabled": false])
        try await ask(
            .post, custom, ["phone": "+4915112345678", "event_name": "welcome", "deduplication_id": "9"], headers: token
        )
        try await settled("/api/v0/flow_runs") { $0.contains { $0["state"] == "queued" && $0["test"] != true } }
        let waiting = try await ask(.get, "/api/v0/flow_runs", query: "?state=queued")
        let queued = waiting["data"]?.array?.first { $0["test"] != true }?["id"]?.string ?? ""
        try await ask(.post, "/api/v0/flow_runs/{id}/ack", at: ["id": queued])
        try await ask(.get, "/api/v0/stream", query: "?topics=nothing", expecting: 422)
        seen.insert("GET /api/v0/stream")
    }

    private func people() async throws {
        let found = try await ask(.get, "/api/v0/contacts", query: "?phone=%2B4915112345678")
        let anna = found["data"]?[0]?["id"]?.string ?? ""
        try await ask(.get, "/api/v0/contacts")
        try await ask(.get, "/api/v0/contacts/{id}", at: ["id": anna])
        try await ask(.get, "/api/v0/contacts/{id}/timeline", at: ["id": anna])
        try await ask(.get, "/api/v0/contacts/{id}/export", at: ["id": anna])
        try await ask(
            .post, "/api/v0/opt_ins",
            [
                "contact": ["phone": "+4915112345678"], "status": "granted", "occurred_at": "2026-11-20T10:00:00Z",
                "source": "form", "evidence": ["text": "yes"],
            ])
        try await ask(.get, "/api/v0/opt_ins", query: "?contact_id=\(anna)")
        let exports = try await ask(.get, "/api/v0/opt_ins/exports")
        let export = exports["data"]?[0]?["id"]?.string ?? ""
        try await ask(.get, "/api/v0/opt_ins/exports/{id}", at: ["id": export])
        try product.database.administer("UPDATE app.opt_in_exports SET state = 'failed'")
        try await ask(.post, "/api/v0/opt_ins/exports/{id}/retry", at: ["id": export])
        try await ask(.post, "/api/v0/opt_ins/exports/retry")
        let orders = try await ask(.get, "/api/v0/orders")
        try await ask(.get, "/api/v0/orders/{id}", at: ["id": orders["data"]?[0]?["id"]?.string ?? ""])
        let two = try await ask(.get, "/api/v0/contacts", query: "?limit=3")
        let others = (two["data"]?.array ?? []).compactMap { $0["id"]?.string }.filter { $0 != anna }
        try await ask(.post, "/api/v0/contacts/{id}/merge", at: ["id": anna], ["contact_id": .string(others[0])])
        let merges = try await ask(.get, "/api/v0/merges")
        try await ask(.post, "/api/v0/merges/{id}/undo", at: ["id": merges["data"]?[0]?["id"]?.string ?? ""])
        try product.database.administer(
            """
            INSERT INTO app.identity_conflicts (tenant_id, code, contact_ids, "values", source, fingerprint)
            SELECT tenant_id, 'phone_of_another', ARRAY[$1::uuid, $2::uuid], '{"phone": "+4915112345678"}', 'api', '\\x01'
              FROM app.tenants
            """, [anna, others[1]])
        let conflicts = try await ask(.get, "/api/v0/identity_conflicts")
        let conflict = conflicts["data"]?[0]?["id"]?.string ?? ""
        try await ask(.get, "/api/v0/identity_conflicts/{id}", at: ["id": conflict])
        try await ask(
            .post, "/api/v0/identity_conflicts/{id}/resolve", at: ["id": conflict], ["action": "not_same"])
        try await ask(.get, "/api/v0/identity_rules")
        try await ask(.patch, "/api/v0/identity_rules", ["only_valid_phone": false])
        try await ask(.post, "/api/v0/identity_rules/preview", ["auto_merge": "never"])
        try await ask(.get, "/api/v0/possible_duplicates")
        try await ask(
            .post, "/api/v0/whatsapp_identities", ["wa_bsuid": "DE.0123456789abc", "phone": "+4915112345999"])
        let writer = try await ask(.get, "/api/v0/contacts", query: "?phone=%2B4915112345999")
        try await ask(
            .post, "/api/v0/contacts/{id}/release_phone", at: ["id": writer["data"]?[0]?["id"]?.string ?? ""],
            ["phone": "+4915112345999"])
        try await ask(.delete, "/api/v0/contacts/{id}", at: ["id": writer["data"]?[0]?["id"]?.string ?? ""])
        try await ask(
            .post, "/api/v0/touches",
            ["contact": ["id": .string(anna)], "kind": "click", "occurred_at": "2026-11-24T19:00:00Z", "campaign": "c"])
        let erased = try await ask(.post, "/api/v0/contacts/{id}/erase", at: ["id": others[0]])
        try await ask(.get, "/api/v0/erasures")
        let id = erased["data"]?[0]?["id"]?.string ?? ""
        try await settled("/api/v0/erasures") { $0.allSatisfy { $0["state"] == "finished" } }
        try await ask(.get, "/api/v0/erasures/{id}", at: ["id": id])
        try await ask(.get, "/api/v0/contacts/{id}", at: ["id": others[0]], expecting: 410)
    }

    private func rest() async throws {
        let audience = try await ask(
            .post, "/api/v0/audiences",
            ["name": "all", "rules": ["and": [["field": "order_count", "op": "gte", "value": 0]]]])
        let id = audience["data"]?[0]?["id"]?.string ?? ""
        try await ask(.get, "/api/v0/audiences")
        try await ask(.post, "/api/v0/audiences/preview", ["rules": ["and": []]])
        try await ask(.get, "/api/v0/audiences/{id}", at: ["id": id])
        try await ask(.patch, "/api/v0/audiences/{id}", at: ["id": id], ["name": "everybody"])
        try await ask(.get, "/api/v0/audiences/{id}/count", at: ["id": id])
        try await ask(.get, "/api/v0/audiences/{id}/contacts", at: ["id": id])
        try await ask(.delete, "/api/v0/audiences/{id}", at: ["id": id])
        for name in ["overview", "revenue", "opt_ins", "imports", "webhooks"] {
            try await ask(.get, "/api/v0/reports/{name}", at: ["name": name])
        }
        try await ask(.get, "/api/v0/attribution")
        try await ask(.put, "/api/v0/attribution", ["window_days": 14])
        try await ask(.post, "/api/v0/coupon_codes", ["code": "HAPPY24", "campaign": "c"])
        try await ask(.get, "/api/v0/coupon_codes")
        try await ask(.delete, "/api/v0/coupon_codes/{code}", at: ["code": "HAPPY24"])
        try await ask(.get, "/api/v0/alerts")
        try await ask(.get, "/api/v0/instance")
        try await ask(.patch, "/api/v0/instance", ["time_zone": "Europe/Vienna"])
        let made = try await ask(.post, "/api/v0/api_keys", ["name": "second", "permissions": ["read"]])
        try await ask(.get, "/api/v0/api_keys")
        try await ask(.delete, "/api/v0/api_keys/{id}", at: ["id": made["data"]?[0]?["id"]?.string ?? ""])
        try await ask(.get, "/api/v0/session")
        try await ask(.post, "/api/v0/session", ["api_key": .string(key)], headers: [:])
        try await ask(.delete, "/api/v0/session")
        try await ask(.get, "/api/v0/openapi.json", headers: [:])
    }

    private func operatorsHost() async throws {
        let acme = ["instance": "acme"]
        try await operate(
            .post, "/api/v0/tenants",
            [
                "instance_name": "beta", "display_name": "Beta", "time_zone": "Europe/Berlin",
                "default_currency": "EUR",
                "default_country": "DE",
            ])
        try await operate(.get, "/api/v0/tenants")
        try await operate(.get, "/api/v0/tenants/{instance}", at: acme)
        try await operate(.patch, "/api/v0/tenants/{instance}", at: ["instance": "beta"], ["display_name": "B"])
        try await operate(
            .put, "/api/v0/tenants/{instance}/features/{feature}", at: ["instance": "beta", "feature": "emarsys"],
            ["enabled": true, "note": "n"])
        try await operate(.get, "/api/v0/tenants/{instance}/audit", at: acme)
        let made = try await operate(
            .post, "/api/v0/tenants/{instance}/api_keys", at: acme, ["name": "k", "permissions": ["read", "write"]])
        try await operate(.get, "/api/v0/tenants/{instance}/api_keys", at: acme)
        try await operate(
            .delete, "/api/v0/tenants/{instance}/api_keys/{id}",
            at: ["instance": "acme", "id": made["data"]?[0]?["id"]?.string ?? ""])
        let login = try await operate(.post, "/api/v0/tenants/{instance}/reporting_access", at: acme)
        try await operate(.get, "/api/v0/tenants/{instance}/reporting_access", at: acme)
        try await operate(
            .delete, "/api/v0/tenants/{instance}/reporting_access/{role}",
            at: ["instance": "acme", "role": login["data"]?[0]?["role"]?.string ?? ""])
        try await operate(.get, "/api/v0/queues")
        try await operate(.get, "/api/v0/session")
        try await operate(.post, "/api/v0/session", ["token": .string(product.operatorToken)], headers: [:])
        try await operate(.delete, "/api/v0/session")
        try await operate(.get, "/api/v0/openapi.json", headers: [:])
        try await operate(.delete, "/api/v0/tenants/{instance}", at: ["instance": "beta"], query: "?confirm=beta")
    }

    private func farewell() async throws {
        let flows = try await ask(.get, "/api/v0/flows")
        try await ask(.delete, "/api/v0/flows/{id}", at: ["id": flows["data"]?[0]?["id"]?.string ?? ""])
        try await ask(.delete, "/api/v0/integrations/emarsys/connection")
    }

    /// What a client does wrong: no credential, an id of nothing, a body that is no JSON, a key that may not.
    func refusals() async throws {
        let reader = try await operate(
            .post, "/api/v0/tenants/{instance}/api_keys", at: ["instance": "acme"],
            ["name": "none", "permissions": ["consent"]])
        let weak: HTTPHeaders = ["X-API-Key": reader["data"]?[0]?["key"]?.string ?? ""]
        for key in instance.keys.sorted() {
            guard let operation = instance.operation(key) else { continue }
            let words = key.split(separator: " ").map(String.init)
            let method = HTTPMethod(rawValue: words[0])
            let values = ["id": UUID().uuidString.lowercased(), "code": "nothing", "name": "nothing"]
            if operation["security"] == nil {
                try await ask(method, words[1], at: values, headers: [:], expecting: 401)
            }
            if let permission = operation["x-permission"]?.string, permission != "consent" {
                try await ask(method, words[1], at: values, headers: weak, expecting: 403)
            }
            if words[1].contains("{id}"), method == .get { try await ask(method, words[1], at: values, expecting: 404) }
            guard operation["requestBody"] != nil, operation["security"] == nil else { continue }
            let answer = try await product.exchange(
                method, host: "acme", values.reduce(words[1]) { $0.replacing("{\($1.key)}", with: $1.value) }, raw: "{",
                headers: ["X-API-Key": self.key])
            let json = (try? JSON.parse(answer.body)) ?? .null
            let faults = instance.faults(
                key, status: answer.status.code, contentType: answer.headers["Content-Type"] ?? "", body: json,
                sent: nil)
            #expect(answer.status.code == 400 || answer.status.code == 404, "\(key): \(json)")
            #expect(faults == [])
        }
        for key in operators.keys.sorted() where operators.operation(key)?["security"] == nil {
            let words = key.split(separator: " ").map(String.init)
            let values = ["instance": "nobody", "id": UUID().uuidString, "feature": "emarsys", "role": "x"]
            try await operate(HTTPMethod(rawValue: words[0]), words[1], at: values, headers: [:], expecting: 401)
            if words[1].contains("{instance}"), words[0] == "GET" {
                try await operate(.get, words[1], at: values, expecting: 404)
            }
        }
    }

    // MARK: Samples

    private static let order: JSON = [
        "phone": "+4915112345678", "event_name": "order", "deduplication_id": "o1",
        "event_data": [
            "order_id": "1001", "order_number": "A-1001", "currency": "EUR", "amount_total_gross": "59.90",
            "amount_total_net": "50.34", "status": "completed", "ordered_at": "2026-11-24T20:00:00Z",
            "items": [["sku": "S1", "name": "Shirt", "qty": 2, "price_gross": "29.95"]],
        ],
    ]

    private static func mapping(_ json: JSON) -> JSON {
        var copy: JSON = .object([:])
        for name in ["source", "fallback_source", "destination", "overwrite", "on_empty"] {
            if let value = json[name], value != .null { copy[name] = value }
        }
        return copy
    }

    private static func isOptInField(_ field: JSON) -> Bool {
        let name = field["name"]?.string?.lowercased() ?? ""
        return name.contains("whatsapp") || name.contains("opt-in text")
            || (field["type"] == "shorttext" && (Int(field["id"]?.string ?? "") ?? 0) > 1000)
    }

    private func webhookToken() async throws -> HTTPHeaders {
        let webhook = try await product.call(
            .get, host: "acme", "/api/v0/integrations/emarsys/webhook", headers: ["X-API-Key": key])
        return [
            "Authorization": "Bearer \(SandboxProcess.token(secret: webhook.json["data"]?[0]?["secret"]?.string ?? ""))"
        ]
    }

    private func settled(_ path: String, _ fits: ([JSON]) -> Bool) async throws {
        var last: [JSON] = []
        for _ in 0..<600 {
            last =
                try await product.call(.get, host: "acme", path, headers: ["X-API-Key": key]).json["data"]?.array ?? []
            if fits(last) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("\(path) never came to what was expected: \(last.prefix(5))")
    }
}
