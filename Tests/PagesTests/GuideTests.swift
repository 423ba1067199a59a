import Foundation
import TestSupport
import Testing

extension Pages {
    /// The customer guide, followed word for word in a browser against the simulated Emarsys account.
    @Suite("The customer guide")
    struct Guide {
        @Test("a marketer connects Emarsys in five steps, imports a segment and sees the first event")
        func theWholeGuide() async throws {
            let product = try await RunningProduct.start()
            let key = try await product.makeInstance("acme", displayName: "Acme Living")
            let emarsys = try SandboxProcess.start(contacts: 300)
            let browser = try await Browser.start()
            let base = "http://acme.localhost:\(product.port)"

            try await browser.visit(base)
            try await browser.evaluate("localStorage.setItem('language', 'en')")
            try await browser.visit(base)
            try await browser.fill("API key", key)
            try await browser.key(.enter)
            try await browser.wait(for: "No contacts yet")

            // Go to Settings > Integrations > Marketplace, find Emarsys and select Connect. A pop-up will appear.
            try await browser.press("Integrations")
            try await browser.wait(for: "Enabled for this instance")
            try await browser.press("Connect")
            try await browser.fill("Name of the connection", "Emarsys test")
            try await browser.press("Next")

            // Configure the connection.
            try await browser.wait(for: "How charles signs in to Emarsys")
            try await browser.fill("Client ID", emarsys.clientID)
            try await browser.fill("Client secret", emarsys.clientSecret)
            try await browser.press("Addresses")
            try await browser.fill("Token endpoint", emarsys.tokenURL)
            try await browser.fill("API address", emarsys.baseURL)
            try await browser.press("Check the connection")
            try await browser.wait(until: "/1[0-8] of 18 granted/.test(document.body.innerText)")
            try await browser.press("Next")

            // Page 3: field mapping and the opt-in field.
            try await browser.wait(for: "Field mapping")
            try await browser.fill("Field on Emarsys", "WhatsApp opt-in")
            try await browser.press("WhatsApp")
            try await browser.press("Next: segments")

            // Page 4: segments.
            try await browser.wait(for: "Segments to import")
            _ = try await browser.evaluate(
                "document.querySelector('dialog input[type=checkbox]:not(:disabled)').click()")
            try await browser.press("Next: webhook secret")

            // Page 5: the webhook secret, and the first event live.
            try await browser.wait(for: "/api/v0/webhooks/incoming/emarsys/custom_external_event")
            try await browser.wait(for: "Waiting for the first event")
            try await emarsys.sendWebhook(to: product, key: key, eventName: "abandoned_cart")
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
            #expect(try await browser.messages() == [])
            await browser.close()
            product.stop()
        }
    }
}
