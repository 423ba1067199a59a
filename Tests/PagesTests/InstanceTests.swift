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
