import HTTP
import JSON
import TestSupport
import Testing

extension Pages {
    /// The customer guide, followed word for word in a browser against the simulated Emarsys account.
    @Suite("The customer guide", .serialized)
    struct Guide {
        private let showcase: Showcase
        private let browser: Browser

        init() async throws {
            showcase = try await Showcase.get()
            browser = try await Showcase.fresh()
        }

        private func expect(_ texts: [String]) async throws {
            for text in texts { try await browser.wait(for: text) }
        }

        @Test("before the feature is enabled, the marketplace says whom to ask")
        func locked() async throws {
            _ = try await showcase.product.makeInstance("locked")
            _ = try await showcase.product.callOperator(
                .put, "/api/v0/tenants/locked/features/emarsys", ["enabled": false])
            let key = try await showcase.product.callOperator(
                .post, "/api/v0/tenants/locked/api_keys", ["name": "test", "permissions": ["read", "write"]])
            let base = "http://locked.localhost:\(showcase.product.port)"
            try await browser.visit(base)
            try await browser.evaluate("localStorage.setItem('language', 'en')")
            try await browser.signIn("{api_key: '\(key["key"]?.string ?? "")'}")
            try await browser.open(base + "/settings/integrations")
            try await expect(["Not enabled", "Ask your CSM to enable it."])
            #expect(
                try await browser.evaluate(
                    "return [...document.querySelectorAll('main button')].some((b) => b.innerText.trim() === 'Connect')"
                )
                    == .bool(false))
        }

        @Test(
            "a marketer connects Emarsys in five steps, imports a segment, exports an opt-in, starts a flow, sees an order"
        )
        func theWholeGuide() async throws {
            let product = showcase.product
            let emarsys = showcase.emarsys
            let key = try await product.makeInstance("guide", displayName: "Guide Living")
            let base = "http://guide.localhost:\(product.port)"
            try await browser.visit(base)
            try await browser.evaluate("localStorage.setItem('language', 'en')")
            try await browser.visit(base)
            try await browser.fill("API key", key)
            try await browser.key(.enter)
            try await browser.wait(for: "No contacts yet")

            // Go to Settings > Integrations > Marketplace, find Emarsys and select Connect. A pop-up will appear.
            try await browser.press("Integrations")
            try await expect([
                "Enabled for this instance", "You need an Emarsys Administrator account.",
                "Security Settings > API Users, with 18 permissions", "Nothing connected yet",
            ])
            let crumbs = try await browser.evaluate(
                "return document.querySelector('.crumbs').innerText.replace(/\\s+/g, ' ')")
            #expect(crumbs.string?.contains("Settings") == true && crumbs.string?.contains("Marketplace") == true)
            try await browser.press("Connect")
            try await browser.fill("Name of the connection", "Emarsys test")
            try await browser.press("Next")

            // Configure the connection using the pre-requisites: all 18 permissions are named and looked at.
            try await browser.wait(for: "How charles signs in to Emarsys")
            try await browser.fill("Client ID", emarsys.clientID)
            try await browser.fill("Client secret", emarsys.clientSecret)
            try await browser.press("Addresses")
            try await browser.fill("Token endpoint", emarsys.tokenURL)
            try await browser.fill("API address", emarsys.baseURL)
            try await browser.press("Check the connection")
            try await browser.wait(until: "/1[0-8] of 18 granted/.test(document.body.innerText)")
            try await expect(["contact.singleUpdate", "field.singlechoice.trans.list", "combinedsegment.list"])
            try await leaveAndResume(at: "How charles signs in to Emarsys")
            try await browser.press("Next")

            // Page 3: the four defaults, up to 20 custom fields, and the opt-in field, which has to be a text field.
            try await expect(["Field mapping", "0 of 20 custom fields"])
            let defaults = try await browser.evaluate(
                """
                return [...document.querySelectorAll('dialog tbody tr')].slice(0, 4)
                    .map((row) => [row.children[0].innerText.split(/\\s+Default/)[0].trim(), row.children[2].innerText.trim()].join(' → '));
                """)
            #expect(
                defaults == [
                    "First Name → First Name", "Last Name → Last Name", "Phone → Phone Number",
                    "Email → Email Addresses",
                ])
            try await mapACustomField()
            try await browser.fill("Field on Emarsys", "WhatsApp opt-in")
            try await browser.press("WhatsApp")
            try await browser.press("Next: segments")

            // Page 4: imported once, then every 12 hours; at most 500,000 contacts.
            try await expect(["Segments to import", "up to 500,000 contacts", "imported once now, then every 12 hours"])
            _ = try await browser.evaluate(
                "document.querySelector('dialog input[type=checkbox]:not(:disabled)').click()")
            try await browser.wait(for: "1 selected")
            try await browser.press("Next: webhook secret")

            // Page 5: the values of the preset, and the first event live.
            try await expect([
                "\(base)/api/v0/webhooks/incoming/emarsys/custom_external_event", "JWT authentication", "Event data",
                "external_reference_id", "event_name", "+4915…", "4915…", "abandoned_cart", "abandoned cart",
                "Waiting for the first event", "Order events: a second URL",
            ])
            try await emarsys.send(
                .object([
                    "phone": "+4915112345678", "event_name": "abandoned_cart",
                    "event_data": ["birthdate": "1990-04-01", "discount_code": "HAPPY24"],
                ]), to: product, instance: "guide", key: key)
            try await browser.wait(for: "The first event has arrived")
            try await browser.press("Finish")
            try await browser.wait(for: "Emarsys test")

            // Once it's successful, you should find Emarsys in the Connected apps section.
            try await browser.wait(
                until:
                    "[...document.querySelectorAll('section')].some((s) => s.innerText.startsWith('Connected apps') && s.innerText.includes('Emarsys test'))"
            )
            try await browser.press("Import runs")
            try await browser.wait(until: "/Succeeded/.test(document.querySelector('main').innerText)", seconds: 60)
            try await browser.press("Contacts")
            try await browser.wait(until: "document.querySelectorAll('tbody tr').length > 5")

            // Everytime an end-user grants an opt-in on charles, it is sent to Emarsys: here for an imported contact.
            try await browser.evaluate("document.querySelectorAll('tbody a')[3].click()")
            try await browser.press("Record")
            try await browser.fill("Where it was given", "chat")
            try await browser.press("Record the decision")
            try await browser.wait(for: "WhatsApp opt-in granted")

            // Create a new flow, select the Emarsys trigger, make a payload of the properties of the event.
            try await browser.press("Flows")
            try await browser.press("Create a flow")
            try await browser.fill("Name", "Abandoned cart")
            try await browser.wait(until: "document.querySelector('dialog select').value === 'emarsys_event'")
            try await browser.fill("Event name", "abandoned_cart")
            try await browser.press("Take the keys of the last")
            try await browser.wait(until: "document.querySelector('dialog textarea').value.includes('birthdate')")
            try await browser.press("Create the flow")
            try await browser.wait(for: "No run yet")
            let flow = try await browser.evaluate("return location.pathname")

            // After clicking on "Send Test Contact" the specified flow should be triggered.
            try await emarsys.send(
                .object([
                    "phone": "+4915112345678", "event_name": "abandoned_cart",
                    "event_data": ["birthdate": "1990-04-01", "discount_code": "HELLO"],
                ]), to: product, instance: "guide", key: key)
            try await browser.press("Events")
            try await browser.wait(until: "document.querySelectorAll('tbody tr').length === 2")
            try await browser.evaluate("document.querySelector('tbody a').click()")
            try await expect(["Flow started", "Abandoned cart"])
            try await browser.open(base + (flow.string ?? ""))
            try await browser.wait(for: "Runs")
            try await browser.wait(until: "document.querySelector('tbody tr')")

            // Orders are shown in the conversation view.
            try await emarsys.send(
                showcase.order("+4915112345678", "77"), as: "order_external_event", to: product, instance: "guide",
                key: key)
            try await browser.press("Orders")
            try await browser.wait(for: "#1077")
            try await browser.evaluate(
                "[...document.querySelectorAll('tbody a')].find((a) => a.href.includes('contacts')).click()")
            try await expect(["Order placed", "2 × ", "€105.00", "Started the flow Abandoned cart"])
            #expect(try await browser.messages() == [])
        }

        /// Closes the pop-up and goes on where it was left.
        private func leaveAndResume(at text: String) async throws {
            try await browser.key(.escape)
            try await browser.wait(until: "!document.querySelector('dialog')")
            try await browser.press("Go on with step")
            try await browser.press("Back")
            try await browser.wait(for: text)
        }

        /// Adds a mapping, and the custom property that it needs.
        private func mapACustomField() async throws {
            try await browser.press("Add field mapping")
            try await browser.wait(until: "document.activeElement.getAttribute('role') === 'combobox'")
            try await browser.keys("date of birth")
            // Type and a sample stand beside the name.
            try await browser.wait(until: "/Date/.test(document.querySelector('dialog [role=option]')?.innerText)")
            try await browser.wait(until: "document.querySelector('dialog [role=option] .sample')?.innerText")
            try await browser.key(.down)
            try await browser.key(.enter)
            try await browser.wait(until: "document.activeElement.localName === 'select'")
            try await browser.evaluate(
                "const s = document.activeElement; s.value = '+'; s.dispatchEvent(new Event('change', {bubbles: true}))"
            )
            try await browser.press("Create the property")
            try await browser.wait(until: "document.querySelectorAll('dialog').length === 1")
            try await browser.wait(for: "1 of 20 custom fields")
        }
    }
}
