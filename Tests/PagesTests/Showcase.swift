import Foundation
import HTTP
import JSON
import TestSupport

/// A running product with an instance in which everything has something to show, one for all suites.
struct Showcase {
    /// What an attacker would like to be called.
    static let hostileName = #"<img src=x onerror="window.attacked=1">"#

    private static let shared = Task { try await make() }
    /// One browser for all suites: starting one takes longer than most tests.
    private static let browser = Task { try await Browser.start() }

    /// The one showcase; made at first use.
    static func get() async throws -> Showcase { try await shared.value }

    let product: RunningProduct
    let emarsys: SandboxProcess
    let key: String

    /// An address of the instance.
    func address(_ path: String) -> String { "http://acme.localhost:\(product.port)\(path)" }

    /// An address of the operators' console.
    func operatorAddress(_ path: String) -> String { "http://operator.localhost:\(product.port)\(path)" }

    /// Calls the API with the key of every permission. Throws unless it answers 2xx.
    @discardableResult
    func call(_ method: HTTPMethod, _ path: String, _ body: JSON? = nil) async throws -> JSON {
        let answer = try await product.call(method, host: "acme", "/api/v0\(path)", body, headers: ["X-API-Key": key])
        guard answer.status.code < 300 else {
            throw CommandFailure(command: path, status: Int32(answer.status.code), output: "\(answer.json)")
        }
        return answer.json["data"]?[0] ?? .null
    }

    /// The browser, in which nobody is signed in.
    static func fresh(width: Int = 1280, dark: Bool = false) async throws -> Browser {
        let browser = try await browser.value
        try await browser.forget()
        try await browser.setCache(true)
        try await browser.become(width: width, dark: dark)
        return browser
    }

    /// The browser, signed in to the instance.
    func signedIn(width: Int = 1280, dark: Bool = false, german: Bool = false) async throws -> Browser {
        let browser = try await Self.fresh(width: width, dark: dark)
        try await browser.visit(address("/"))
        try await browser.evaluate("localStorage.setItem('language', '\(german ? "de" : "en")')")
        try await browser.signIn("{api_key: '\(key)'}")
        return browser
    }

    /// The browser, signed in to the operators' console.
    func signedInAsOperator(_ token: String? = nil, german: Bool = false) async throws -> Browser {
        let browser = try await Self.fresh()
        try await browser.visit(operatorAddress("/"))
        try await browser.evaluate("localStorage.setItem('language', '\(german ? "de" : "en")')")
        try await browser.signIn("{token: '\(token ?? product.operatorToken)'}")
        return browser
    }

    /// The addresses of all pages of an instance by name.
    func pages() async throws -> [(name: String, path: String)] {
        var pages = [
            ("contacts", "/contacts"), ("conflicts", "/conflicts"), ("orders", "/orders"), ("audiences", "/audiences"),
            ("flows", "/flows"), ("events", "/events"), ("imports", "/imports"), ("deliveries", "/deliveries"),
            ("report-overview", "/reports"), ("report-revenue", "/reports/revenue"),
            ("report-opt-ins", "/reports/opt_ins"), ("report-imports", "/reports/imports"),
            ("report-webhooks", "/reports/webhooks"), ("marketplace", "/settings/integrations"),
            ("api-keys", "/settings/api-keys"), ("instance", "/settings/instance"), ("nothing", "/contacts/nobody"),
        ]
        if let conflict = try await call(.get, "/identity_conflicts?limit=1")["id"]?.string {
            pages.append(("conflict", "/conflicts/\(conflict)"))
        }
        for list in ["orders", "flows", "events", "imports", "deliveries"] {
            let found = try await call(.get, "/\(list)?limit=1")["id"]?.string ?? ""
            pages.append((String(list.dropLast(list == "deliveries" ? 3 : 1)), "/\(list)/\(found)"))
        }
        pages.append(("contact", "/contacts/\(try await call(.get, "/orders?limit=1")["contact_id"]?.string ?? "")"))
        return pages
    }

    /// Raises alerts, as the watch would.
    func raiseAlerts() throws {
        for (kind, detail) in [
            ("import_rejections", #"{"read": 300, "rejected": 41}"#), ("connection_failing", "{}"),
            ("near_segment_limit", #"{"people": 480000, "limit": 500000}"#),
        ] {
            try raise(kind, detail)
        }
    }

    /// Raises one alert.
    func raise(_ kind: String, _ detail: String) throws {
        _ = try product.database.administer(
            """
            INSERT INTO app.alerts (tenant_id, kind, state, detail, raised_at)
            SELECT tenant_id, $1, 'raised', $2::jsonb, now() FROM app.tenants WHERE instance_name = 'acme'
            ON CONFLICT (tenant_id, kind) DO UPDATE SET state = 'raised', recovered_at = NULL, raised_at = now()
            """, [kind, detail])
    }

    /// The token of an operator who may look and not change.
    func viewerToken() throws -> String {
        let token = "cop_viewer_for_tests_0123456789"
        _ = try product.database.administer(
            """
            INSERT INTO app.operators (name, role, token_hash) VALUES ('viewer', 'viewer', sha256(convert_to($1, 'UTF8')))
            ON CONFLICT DO NOTHING
            """, [token])
        return token
    }

    private static func make() async throws -> Showcase {
        let product = try await RunningProduct.start(["CHARLES_BASE_DOMAINS": "localhost,charles.example"])
        let key = try await product.makeInstance("acme", displayName: "Acme Living")
        let showcase = Showcase(product: product, emarsys: try SandboxProcess.start(contacts: 300), key: key)
        try await showcase.connect()
        try await showcase.fill()
        return showcase
    }

    private func connect() async throws {
        let base = "/integrations/emarsys"
        try await call(
            .put, "\(base)/connection",
            [
                "name": .string(Self.hostileName), "auth": "oauth2", "client_id": .string(emarsys.clientID),
                "client_secret": .string(emarsys.clientSecret), "token_url": .string(emarsys.tokenURL),
                "base_url": .string(emarsys.baseURL),
            ])
        try await call(.put, "\(base)/opt_in", ["field_id": "501"])
        try await call(.put, "\(base)/segments/selected", [["segment_id": "1001"]])
    }

    private func fill() async throws {
        let flow = try await call(
            .post, "/flows",
            [
                "name": .string(Self.hostileName), "trigger": "emarsys_event", "event_name": "abandoned_cart",
                "payload": ["discount_code": "", "cart_value": "0"], "enabled": true,
            ])
        for number in 0..<3 {
            let phone = JSON.string("+49151123456\(number)0")
            try await emarsys.send(
                .object([
                    "phone": phone, "event_name": "abandoned_cart",
                    "event_data": ["discount_code": .string(Self.hostileName), "cart_value": "112.40"],
                ]), to: product, key: key)
            try await emarsys.send(order(phone, "\(number)"), as: "order_external_event", to: product, key: key)
        }
        try await call(.put, "/delivery_endpoint", ["url": "http://127.0.0.1:9/", "enabled": true])
        try await emarsys.send(
            .object(["phone": "+4915112345600", "event_name": "abandoned_cart", "event_data": [:]]), to: product,
            key: key)
        try await call(.post, "/audiences", ["name": .string(Self.hostileName), "rules": ["and": []]])
        try await until("an order") { try await call(.get, "/orders?limit=1")["contact_id"]?.string != nil }
        try await until("the import") {
            try await call(.get, "/imports?limit=1")["state"]?.string?.hasPrefix("succeeded") == true
        }
        try await until("a delivery") { try await call(.get, "/deliveries?limit=1")["id"] != nil }
        try await call(
            .post, "/opt_ins",
            [
                "contact": ["phone": "+4915112345600"], "status": "granted", "source": .string(Self.hostileName),
                "evidence": ["text": .string(Self.hostileName)],
            ])
        try product.database.administer("UPDATE app.contacts SET first_name = $1, last_name = $1", [Self.hostileName])
        _ = flow
    }

    /// The body of an order event.
    func order(_ phone: JSON, _ number: String) -> JSON {
        let now = JSON.string(ISO8601DateFormatter().string(from: Date()))
        return [
            "phone": phone, "event_name": "order_placed",
            "event_data": [
                "order": [
                    "external_reference_id": .string("10\(number)"), "order_number": .string("#10\(number)"),
                    "status": "open", "currency": "EUR", "created_at": now, "updated_at": now,
                    "amount_total_gross": "105.00",
                    "items": [
                        [
                            "external_reference_id": "a", "sku": "LIN-135", "name": .string(Self.hostileName), "qty": 2,
                            "price": ["amount": ["gross": "52.50"], "currency": "EUR"],
                        ]
                    ],
                ]
            ],
        ]
    }

    /// Waits for something that happens in the background.
    func until(_ what: String, _ isTrue: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            if try await isTrue() { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw CommandFailure(command: what, status: -1, output: product.logText)
    }
}

extension Browser {
    /// Signs in as the sign-in page does.
    func signIn(_ body: String) async throws {
        let status = try await evaluate(
            "return fetch('/api/v0/session', {method: 'POST', headers: {'Content-Type': 'application/json'}, "
                + "body: JSON.stringify(\(body))}).then((r) => r.status)")
        guard status.int == 201 else { throw CommandFailure(command: "sign-in", status: -1, output: "\(status)") }
    }

    /// Opens a page of the product and waits until it has its content.
    func open(_ address: String) async throws {
        try await visit(address)
        try await wait(until: "document.querySelector('main h1') && !document.querySelector('main .skel')")
    }
}

/// Where pictures of the pages go: the folder that `CHARLES_SCREENS` names; none are made without it.
let screenshots: String? = ProcessInfo.processInfo.environment["CHARLES_SCREENS"]
