import JSON
import TestSupport
import Testing

extension Pages {
    @Suite("Every page", .serialized)
    struct EveryPage {
        /// How a reader sees the pages.
        enum Look: String, CaseIterable, Sendable {
            case light
            case dark
            case phone
            case german
        }

        @Test("is well-formed for everybody, and shows what came from outside as text", arguments: Look.allCases)
        func everyPage(_ look: Look) async throws {
            let showcase = try await Showcase.get()
            let browser = try await showcase.signedIn(
                width: look == .phone ? 375 : 1280, dark: look == .dark, german: look == .german)
            for (name, path) in try await showcase.pages() {
                try await browser.open(showcase.address(path))
                try await browser.wait(until: "!document.querySelector('[aria-busy]')")
                try await check(browser, "\(look.rawValue)-\(name)")
                if name == "contact" || name == "flow" {
                    // Not a picture of what an attacker wrote, but the words.
                    #expect(
                        try await browser.evaluate("return document.querySelector('h1').textContent").string?
                            .contains(Showcase.hostileName) == true, "\(name)")
                }
            }
            for step in 1...5 {
                try await browser.open(showcase.address("/settings/integrations?connect=\(step)"))
                try await browser.wait(until: "document.querySelector('dialog footer .primary')")
                try await check(browser, "\(look.rawValue)-connect-\(step)")
            }
            if look == .light || look == .phone {
                for (name, path, opener) in Self.popUps {
                    try await browser.open(showcase.address(path))
                    try await browser.press(opener)
                    try await browser.wait(until: "document.querySelector('dialog footer .primary')")
                    try await check(browser, "\(look.rawValue)-\(name)")
                }
            }
            await browser.close()
        }

        private static let popUps = [
            ("new-flow", "/flows", "Create a flow"), ("new-audience", "/audiences", "Create an audience"),
            ("new-import", "/imports", "Sync now"), ("dry-run", "/imports", "Dry run"),
            ("new-key", "/settings/api-keys", "Create a key"), ("disconnect", "/settings/integrations", "Disconnect"),
        ]

        @Test("of the operators, too", arguments: [Look.light, .dark, .phone])
        func operatorPages(_ look: Look) async throws {
            let showcase = try await Showcase.get()
            let browser = try await Browser.start(width: look == .phone ? 375 : 1280, dark: look == .dark)
            try await browser.visit(showcase.operatorAddress("/"))
            try await browser.evaluate("localStorage.setItem('language', 'en')")
            try await browser.open(showcase.operatorAddress("/"))
            try await check(browser, "\(look.rawValue)-operator-sign-in")
            try await browser.signIn("{token: '\(showcase.product.operatorToken)'}")
            for (name, path) in [("tenants", "/tenants"), ("tenant", "/tenants/acme"), ("queues", "/queues")] {
                try await browser.open(showcase.operatorAddress(path))
                try await browser.wait(until: "!document.querySelector('[aria-busy]')")
                try await check(browser, "\(look.rawValue)-operator-\(name)")
            }
            await browser.close()
        }

        @Test("costs at most 100 KB at the first visit")
        func size() async throws {
            let showcase = try await Showcase.get()
            let browser = try await showcase.signedIn()
            try await browser.open(showcase.address("/contacts"))
            // What is in the browser's cache is asked for again.
            let bytes = try await browser.evaluate(
                """
                const kinds = ['navigation', 'resource'];
                const names = kinds.flatMap((kind) => performance.getEntriesByType(kind))
                    .map((e) => e.name.split('#')[0]).filter((name) => !name.includes('/api/'));
                const body = (name) => fetch(name, {cache: 'reload'}).then((r) => r.arrayBuffer());
                return Promise.all([...new Set(names)].map(body))
                    .then((bodies) => bodies.reduce((sum, body) => sum + body.byteLength, 0));
                """)
            let count = try #require(bytes.int)
            #expect((20_000...100_000).contains(count))
            await browser.close()
        }

        private func check(_ browser: Browser, _ name: String) async throws {
            let complaints = try await browser.evaluate(pageAudit)
            #expect(complaints == .array([]), "\(name)")
            // On a phone the layout grows with what does not fit: the width asked for is what counts.
            let width = try await browser.evaluate("return document.documentElement.scrollWidth")
            #expect(width.int ?? 9999 <= (name.hasPrefix("phone") ? 375 : 1280), "\(name) scrolls sideways")
            #expect(try await browser.evaluate("return window.attacked ?? null") == .null, "\(name)")
            #expect(
                try await browser.evaluate("return document.querySelector('img') === null") == .bool(true), "\(name)")
            #expect(try await browser.messages() == [], "\(name)")
            if !name.hasPrefix("german") { try await browser.screenshot("\(screenshots)/\(name).png") }
        }
    }
}
