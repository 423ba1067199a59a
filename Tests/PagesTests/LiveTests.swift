import HTTP
import JSON
import TestSupport
import Testing

extension Pages {
    @Suite("Live parts", .serialized)
    struct Live {
        @Test("an import's page says that the connection was lost, and ends where the import ended meanwhile")
        func lostConnectionDuringAnImport() async throws {
            let showcase = try await Showcase.get()
            try await showcase.call(.post, "/integrations/emarsys/pause")
            let run = try await showcase.call(.post, "/imports", ["mode": "full"])
            let browser = try await showcase.signedIn()
            try await browser.open(showcase.address("/imports/\(run["id"]?.string ?? "")"))
            try await browser.wait(for: "Queued")

            showcase.product.kill()
            try await browser.wait(for: "The connection to charles was lost; the import goes on")
            try await showcase.product.launch()
            try await showcase.call(.post, "/integrations/emarsys/resume")
            try await browser.wait(until: "/Succeeded/.test(document.querySelector('main').innerText)", seconds: 150)
            try await browser.wait(until: "document.querySelector('progress').value === 1")
            try await browser.wait(until: "!document.body.innerText.includes('was lost')")
        }

        @Test("the fifth step waits through a lost connection and turns green with the first event")
        func firstEvent() async throws {
            let showcase = try await Showcase.get()
            let product = showcase.product
            let key = try await product.makeInstance("fresh")
            let browser = try await Showcase.fresh()
            let address = "http://fresh.localhost:\(product.port)/"
            try await browser.visit(address)
            try await browser.evaluate("localStorage.setItem('language', 'en')")
            try await browser.signIn("{api_key: '\(key)'}")
            try await browser.visit(address + "settings/integrations?connect=5")
            try await browser.wait(for: "Waiting for the first event")
            product.kill()
            try await browser.wait(for: "The connection to charles was lost; trying again")
            try await product.launch()
            // An instance takes webhooks before it is connected.
            try await showcase.emarsys.send(
                .object(["phone": "+4915112345678", "event_name": "abandoned_cart"]), to: product, instance: "fresh",
                key: key)
            try await browser.wait(for: "The first event has arrived", seconds: 20)
        }

        @Test("a delivery, a conflict and an alert show where they are looked for, without a reload")
        func whatHappens() async throws {
            let showcase = try await Showcase.get()
            let browser = try await showcase.signedIn()
            try await browser.open(showcase.address("/deliveries"))
            try await browser.wait(until: "document.querySelector('tbody tr')")
            try await browser.evaluate("window.before = document.querySelector('tbody a').href; window.stays = true")
            try await showcase.emarsys.send(
                .object([
                    "phone": "+4915112345600", "event_name": "abandoned_cart", "event_data": ["seen": "live"],
                ]), to: showcase.product, key: showcase.key)
            try await browser.wait(until: "document.querySelector('tbody a').href !== window.before")

            try await browser.press("Conflicts")
            try await browser.wait(until: "document.querySelector('h1')?.textContent === 'Conflicts'")
            try await browser.wait(until: "document.querySelector('tbody tr')")
            try await browser.evaluate(
                "window.rows = document.querySelectorAll('tbody tr').length; "
                    + "window.count = document.querySelector('[data-count]:not([hidden])').textContent")
            _ = try showcase.product.database.administer(
                """
                INSERT INTO app.identity_conflicts (tenant_id, code, contact_ids, "values", source, fingerprint)
                SELECT c.tenant_id, 'shared_phone', array_agg(c.id), '{"phone": "+4915199999999"}', 'webhook', '\\x01'
                  FROM (SELECT c.tenant_id, c.id FROM app.contacts c JOIN app.tenants t USING (tenant_id)
                         WHERE t.instance_name = 'acme' LIMIT 2) AS c GROUP BY c.tenant_id
                """)
            try await browser.wait(until: "document.querySelectorAll('tbody tr').length === window.rows + 1")
            try await browser.wait(
                until:
                    "Number(document.querySelector('[data-count]:not([hidden])').textContent) === Number(window.count) + 1"
            )

            try showcase.raise("webhooks_unauthorized", #"{"count": 27}"#)
            try await browser.wait(for: "Webhooks come with a wrong token: 27")
            try await browser.evaluate(
                "[...document.querySelectorAll('.alerts button')].find((b) => b.ariaLabel.includes('27')).click()")
            try await browser.wait(until: "!document.body.innerText.includes('Webhooks come with a wrong token')")
            _ = try showcase.product.database.administer("DELETE FROM app.alerts")
            #expect(try await browser.evaluate("return window.stays") == .bool(true))
        }

        @Test("a session that has ended asks to sign in again")
        func endedSession() async throws {
            let showcase = try await Showcase.get()
            let key = try await showcase.call(.post, "/api_keys", ["name": "short", "permissions": ["read"]])
            let browser = try await Showcase.fresh()
            try await browser.visit(showcase.address("/"))
            try await browser.evaluate("localStorage.setItem('language', 'en')")
            try await browser.signIn("{api_key: '\(key["key"]?.string ?? "")'}")
            try await browser.open(showcase.address("/flows"))
            try await showcase.call(.delete, "/api_keys/\(key["id"]?.string ?? "")")
            try await browser.press("Events")
            try await browser.wait(for: "Your session has ended")
        }
    }
}
