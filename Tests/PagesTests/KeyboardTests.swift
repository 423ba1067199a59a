import JSON
import TestSupport
import Testing

extension Pages {
    @Suite("Without a mouse", .serialized)
    struct Keyboard {
        @Test("from signing in through the five steps")
        func theFiveSteps() async throws {
            let showcase = try await Showcase.get()
            let key = try await showcase.product.makeInstance("keys")
            let browser = try await Showcase.fresh()
            try await browser.visit("http://keys.localhost:\(showcase.product.port)/settings/integrations")
            try await browser.evaluate("localStorage.setItem('language', 'en')")
            try await browser.visit("http://keys.localhost:\(showcase.product.port)/settings/integrations")

            // The field has the focus from the start.
            try await browser.wait(until: "document.activeElement.id === 'k'")
            try await browser.keys(key)
            try await browser.key(.enter)
            try await browser.wait(for: "Enabled for this instance")

            try await browser.tab(to: "Connect")
            try await browser.key(.enter)
            try await browser.wait(until: "document.activeElement.value === 'Emarsys'")
            try await browser.tab(to: "Next")
            try await browser.key(.enter)

            try await browser.wait(for: "How charles signs in to Emarsys")
            try await browser.tab(to: "Client ID")
            try await browser.keys(showcase.emarsys.clientID)
            try await browser.tab(to: "Client secret")
            try await browser.keys(showcase.emarsys.clientSecret)
            try await browser.tab(to: "Addresses")
            try await browser.key(.enter)
            try await browser.tab(to: "Token endpoint")
            try await browser.keys(showcase.emarsys.tokenURL)
            try await browser.tab(to: "API address")
            try await browser.keys(showcase.emarsys.baseURL)
            try await browser.tab(to: "Next")
            try await browser.key(.enter)

            // A search list by arrows.
            try await browser.wait(for: "Field mapping")
            try await browser.tab(to: "Field on Emarsys")
            try await browser.keys("whatsapp")
            try await browser.key(.down)
            try await browser.key(.enter)
            try await browser.wait(until: "document.activeElement.value === 'WhatsApp opt-in'")
            try await browser.tab(to: "Next: segments")
            try await browser.key(.enter)

            try await browser.wait(for: "Segments to import")
            try await browser.tab(to: "Search a segment")
            try await browser.keys("VIP cust")
            try await browser.tab(to: "VIP customers")
            try await browser.key(.space)
            try await browser.wait(for: "1 selected")
            try await browser.tab(to: "Next: webhook secret")
            try await browser.key(.enter)

            try await browser.wait(for: "Connection values")
            try await browser.tab(to: "Finish")
            try await browser.key(.enter)
            try await browser.wait(until: "!document.querySelector('dialog')")
            try await browser.wait(for: "VIP customers")
            #expect(try await browser.messages() == [])
        }

        @Test("Escape closes a pop-up, and the focus is back where it was")
        func escape() async throws {
            let showcase = try await Showcase.get()
            let browser = try await showcase.signedIn()
            try await browser.open(showcase.address("/flows"))
            try await browser.tab(to: "Create a flow")
            try await browser.key(.enter)
            try await browser.wait(until: "document.querySelector('dialog[open]')")
            try await browser.key(.escape)
            try await browser.wait(until: "!document.querySelector('dialog')")
            try await browser.wait(until: "document.activeElement.innerText.trim() === 'Create a flow'")
        }

        @Test("what stands on every page can be skipped")
        func skip() async throws {
            let showcase = try await Showcase.get()
            let browser = try await showcase.signedIn()
            try await browser.open(showcase.address("/flows"))
            try await browser.evaluate("document.activeElement.blur(); getSelection().removeAllRanges()")
            try await browser.tab(to: "Skip to content")
            try await browser.key(.enter)
            try await browser.wait(until: "document.activeElement.id === 'main'")
        }
    }
}

extension Browser {
    /// Presses Tab until something with this name has the focus; throws when a hundred times were not enough.
    func tab(to name: String) async throws {
        let quoted = String(decoding: JSON.string(name).encoded(), as: UTF8.self)
        for _ in 0..<100 {
            try await key(.tab)
            let isThere = try await evaluate(
                """
                const e = document.activeElement;
                const names = [e.getAttribute('aria-label'), ...[...(e.labels ?? [])].map((l) => l.innerText), e.innerText];
                return e !== document.body && names.some((n) => n?.trim().startsWith(\(quoted)));
                """)
            if isThere == .bool(true) { return }
        }
        throw CommandFailure(command: "Tab to \(name)", status: -1, output: "not reached")
    }
}
