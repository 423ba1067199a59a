import HTTP
import JSON
import TestSupport
import Testing

extension Pages {
    /// What the settings pages and the operators' console stand on.
    @Suite("Settings and console")
    struct Instance {
        @Test("a key cannot make one that may do more, and what it makes works at once and ends at once")
        func keys() async throws {
            let showcase = try await Showcase.get()
            let product = showcase.product
            let small = try await showcase.call(
                .post, "/api_keys", ["name": "small", "permissions": ["read", "admin"]])
            let headers: HTTPHeaders = ["X-API-Key": small["key"]?.string ?? ""]
            let more = try await product.call(
                .post, host: "acme", "/api/v0/api_keys", ["name": "more", "permissions": ["read", "erase"]],
                headers: headers)
            #expect(more.status == .unprocessableContent)
            #expect(more.json["errors"]?[0]?["code"] == "permission_not_held")
            #expect(more.json["errors"]?[0]?["field"] == "permissions[1]")
            let same = try await product.call(
                .post, host: "acme", "/api/v0/api_keys", ["name": "same", "permissions": ["read"]], headers: headers)
            #expect(same.status == .created)
            let made: HTTPHeaders = ["X-API-Key": same.json["data"]?[0]?["key"]?.string ?? ""]
            #expect(try await product.call(.get, host: "acme", "/api/v0/instance", headers: made).status == .ok)
            #expect(try await product.call(.get, host: "acme", "/api/v0/api_keys", headers: made).status == .forbidden)
            try await showcase.call(.delete, "/api_keys/\(same.json["data"]?[0]?["id"]?.string ?? "")")
            #expect(
                try await product.call(.get, host: "acme", "/api/v0/instance", headers: made).status == .unauthorized)
            try await showcase.call(.delete, "/api_keys/\(small["id"]?.string ?? "")")
        }

        @Test("the region can be changed, and nothing else")
        func region() async throws {
            let showcase = try await Showcase.get()
            let changed = try await showcase.call(
                .patch, "/instance", ["time_zone": "Europe/Vienna", "default_country": "AT"])
            #expect(changed["time_zone"] == "Europe/Vienna")
            #expect(changed["default_currency"] == "EUR")
            let wrong = try await showcase.product.call(
                .patch, host: "acme", "/api/v0/instance", ["time_zone": "Moon/Crater"],
                headers: ["X-API-Key": showcase.key])
            #expect(wrong.status == .unprocessableContent)
            #expect(wrong.json["errors"]?[0]?["field"] == "time_zone")
            try await showcase.call(.patch, "/instance", ["time_zone": "Europe/Berlin", "default_country": "DE"])
        }

        @Test("showing the webhook's secret is written down; leaving it out is not")
        func reveal() async throws {
            let showcase = try await Showcase.get()
            func reveals() async throws -> Int {
                let audit = try await showcase.product.call(
                    .get, host: "operator", "/api/v0/tenants/acme/audit?limit=200",
                    headers: ["Authorization": "Bearer \(showcase.product.operatorToken)"])
                return (audit.json["data"]?.array ?? []).filter { $0["action"] == "webhook_secret.revealed" }.count
            }
            let before = try await reveals()
            let masked = try await showcase.call(.get, "/integrations/emarsys/webhook?reveal=false")
            #expect(masked["secret"] == .null)
            #expect(try await reveals() == before)
            let shown = try await showcase.call(.get, "/integrations/emarsys/webhook")
            #expect(shown["secret"]?.string?.isEmpty == false)
            #expect(try await reveals() == before + 1)
        }

        @Test("a connection can be tested the moment it is stored, and a pause holds the next webhook")
        func changesActAtOnce() async throws {
            let showcase = try await Showcase.get()
            let product = showcase.product
            let key = try await product.makeInstance("atonce")
            let headers: HTTPHeaders = ["X-API-Key": key]
            let base = "/api/v0/integrations/emarsys"
            _ = try await product.call(.get, host: "atonce", "/api/v0/instance", headers: headers)
            let stored = try await product.call(
                .put, host: "atonce", "\(base)/connection",
                [
                    "name": "x", "auth": "wsse", "username": "sandbox001", "secret": "sandbox-secret",
                    "base_url": .string(showcase.emarsys.baseURL),
                ], headers: headers)
            #expect(stored.status == .ok || stored.status == .created)
            let tested = try await product.call(.post, host: "atonce", "\(base)/connection/test", headers: headers)
            let statuses = tested.json["data"]?[0]?["permissions"]?.array?.map { $0["status"]?.string }
            #expect(statuses?.filter { $0 == "granted" }.count ?? 0 >= 10)
            _ = try await product.call(.post, host: "atonce", "\(base)/pause", headers: headers)
            try await showcase.emarsys.send(
                .object(["phone": "+4915112345678", "event_name": "late"]), to: product, instance: "atonce", key: key)
            let held = try await product.call(.get, host: "atonce", "/api/v0/events?limit=1", headers: headers)
            #expect(held.json["data"]?[0]?["status"] == "held")
        }

        @Test(
            "the conversation has an order's lines and its amounts to the last digit, and what an event brought and started"
        )
        func conversation() async throws {
            let showcase = try await Showcase.get()
            let phone = "+4915112345620"
            try await showcase.emarsys.send(
                [
                    "phone": .string(phone), "event_name": "order_placed",
                    "event_data": [
                        "order": [
                            "external_reference_id": "precise", "order_number": "#P", "status": "open",
                            "currency": "EUR",
                            "amount_total_gross": "20.0250", "discount_amount_total": "0.0125",
                            "amount_total_shipping_gross": "4.90",
                            "items": [
                                [
                                    "external_reference_id": "a", "sku": "S-1", "name": "Candle", "qty": 3,
                                    "price": ["amount": ["gross": "5.0125"], "currency": "EUR"],
                                ]
                            ],
                        ]
                    ],
                ], as: "order_external_event", to: showcase.product, key: showcase.key)
            func entries() async throws -> [JSON] {
                let found = try await showcase.call(.get, "/contacts?phone=\(phone.replacing("+", with: "%2B"))")
                let answer = try await showcase.product.call(
                    .get, host: "acme", "/api/v0/contacts/\(found["id"]?.string ?? "")/timeline?limit=100",
                    headers: ["X-API-Key": showcase.key])
                return answer.json["data"]?.array ?? []
            }
            try await showcase.until("the order") {
                try await entries().contains { $0["data"]?["order_id"] == "precise" }
            }
            let order = try #require(try await entries().first { $0["data"]?["order_id"] == "precise" }?["data"])
            #expect(order["amount_total_gross"] == "20.025")
            #expect(order["discount_amount_total"] == "0.0125")
            #expect(order["amount_total_shipping_gross"] == "4.90")
            #expect(order["outcome"] == "linked")
            let line = try #require(order["items"]?[0])
            #expect(line["name"] == "Candle")
            #expect(line["qty"] == "3.00")
            #expect(line["price_gross"] == "5.0125")
            let event = try #require(
                try await entries().first { $0["type"] == "event" && $0["data"]?["event_name"] == "abandoned_cart" })
            #expect(event["data"]?["event_data"]?["cart_value"] == "112.40")
            #expect(event["data"]?["flows"] == [.string(Showcase.hostileName)])
        }

        @Test("a value of each field that somebody has, and the size of each segment that was imported")
        func samplesAndSizes() async throws {
            let showcase = try await Showcase.get()
            func list(_ path: String) async throws -> [JSON] {
                let answer = try await showcase.product.call(
                    .get, host: "acme", "/api/v0\(path)", headers: ["X-API-Key": showcase.key])
                return answer.json["data"]?.array ?? []
            }
            let samples = try await list("/integrations/emarsys/fields/samples")
            #expect(samples.count > 20)
            #expect(samples.first { $0["field_id"] == "3" }?["sample"]?.string?.contains("@") == true)
            // A choice by its label, not by its number.
            #expect(["Male", "Female"].contains(samples.first { $0["field_id"] == "5" }?["sample"]?.string))
            let segments = try await list("/integrations/emarsys/segments")
            #expect(segments.first { $0["id"] == "1001" }?["size"] == 300)
            #expect(segments.first { $0["id"] == "1002" }?["size"] == .null)
        }

        @Test("an audience can be changed, a conflict looked at, rejections counted and filtered by reason")
        func small() async throws {
            let showcase = try await Showcase.get()
            let made = try await showcase.call(.post, "/audiences", ["name": "a", "rules": ["and": []]])
            let path = "/audiences/\(made["id"]?.string ?? "")"
            let rules: JSON = ["or": [["field": "order_count", "op": "gte", "value": 1]]]
            #expect(try await showcase.call(.patch, path, ["rules": rules])["rules"] == rules)
            #expect(try await showcase.call(.patch, path, ["name": "b"])["rules"] == rules)
            #expect(try await showcase.call(.get, path)["name"] == "b")
            let refused = try await showcase.product.call(
                .patch, host: "acme", "/api/v0\(path)", ["rules": ["field": "nix", "op": "eq", "value": 1]],
                headers: ["X-API-Key": showcase.key])
            #expect(refused.status == .unprocessableContent)
            try await showcase.call(.delete, path)
            let gone = try await showcase.product.call(
                .patch, host: "acme", "/api/v0\(path)", ["name": "c"], headers: ["X-API-Key": showcase.key])
            #expect(gone.status == .notFound)

            let conflict = try await showcase.call(.get, "/identity_conflicts?limit=1")
            #expect(try await showcase.call(.get, "/identity_conflicts/\(conflict["id"]?.string ?? "")") == conflict)

            let run = try await showcase.call(.get, "/imports?limit=1")["id"]?.string ?? ""
            _ = try showcase.product.database.administer(
                """
                INSERT INTO app.import_rejections (tenant_id, import_id, id, code, "values", created_at)
                SELECT tenant_id, id, gen_random_uuid(), code, '{}', now()
                  FROM app.imports, unnest(ARRAY['email_invalid', 'phone_invalid_length', 'email_invalid']) AS code
                 WHERE id = $1::uuid
                """, [run])
            let reasons = try await showcase.product.call(
                .get, host: "acme", "/api/v0/imports/\(run)/rejections/reasons", headers: ["X-API-Key": showcase.key])
            let counts = reasons.json["data"]?.array ?? []
            #expect(counts.first { $0["code"] == "email_invalid" }?["count"]?.int ?? 0 >= 2)
            let filtered = try await showcase.product.call(
                .get, host: "acme", "/api/v0/imports/\(run)/rejections?code=email_invalid,none",
                headers: ["X-API-Key": showcase.key])
            let rows = filtered.json["data"]?.array ?? []
            #expect(rows.count == counts.first { $0["code"] == "email_invalid" }?["count"]?.int)
            #expect(rows.allSatisfy { $0["code"] == "email_invalid" })
        }

        @Test("lanes in which something waits are shown with their age")
        func queues() async throws {
            let showcase = try await Showcase.get()
            let answer = try await showcase.product.call(
                .get, host: "operator", "/api/v0/queues?instance=acme",
                headers: ["Authorization": "Bearer \(showcase.product.operatorToken)"])
            let lanes = answer.json["data"]?.array ?? []
            let imports = try #require(lanes.first { $0["queue"] == "imports" })
            #expect(imports["instance_name"] == "acme")
            #expect(imports["scheduled"]?.int ?? 0 >= 1)
        }
    }
}
