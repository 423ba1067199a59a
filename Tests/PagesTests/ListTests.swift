import JSON
import TestSupport
import Testing

extension Pages {
    @Suite("Long lists", .serialized)
    struct Lists {
        @Test("keep what was loaded and where it was scrolled to on Back")
        func back() async throws {
            let showcase = try await Showcase.get()
            let browser = try await showcase.signedIn()
            try await browser.open(showcase.address("/contacts"))
            try await browser.wait(until: "document.querySelectorAll('tbody tr').length === 50")
            try await browser.press("Show more")
            try await browser.wait(until: "document.querySelectorAll('tbody tr').length === 100")
            try await browser.evaluate("document.querySelectorAll('tbody a')[80].scrollIntoView({block: 'center'})")
            let place = try #require(try await browser.evaluate("return Math.round(scrollY)").int)
            #expect(place > 1000)
            try await browser.evaluate("document.querySelectorAll('tbody a')[80].click()")
            try await browser.wait(until: "document.querySelector('.timeline')")
            try await browser.back()
            try await browser.wait(until: "document.querySelectorAll('tbody tr').length === 100")
            try await browser.wait(until: "Math.abs(scrollY - \(place)) < 3")
        }

        @Test("keep their filter on Back")
        func filter() async throws {
            let showcase = try await Showcase.get()
            let browser = try await showcase.signedIn()
            try await browser.open(showcase.address("/events"))
            try await browser.evaluate(
                "const s = document.querySelector('main select'); s.value = 'processed'; s.dispatchEvent(new Event('change'))"
            )
            try await browser.wait(until: "location.search === '?status=processed'")
            try await browser.wait(until: "document.querySelector('tbody a')")
            try await browser.evaluate("document.querySelector('tbody a').click()")
            try await browser.wait(for: "What it did")
            try await browser.back()
            try await browser.wait(until: "document.querySelector('main select')?.value === 'processed'")
        }

        @Test("deliveries can be narrowed to each of their states", arguments: [false, true])
        func deliveryStates(german: Bool) async throws {
            let showcase = try await Showcase.get()
            let browser = try await showcase.signedIn(german: german)
            try await browser.open(showcase.address("/deliveries"))
            try await browser.wait(until: "document.querySelector('main select')")
            let options = try await browser.evaluate(
                "return [...document.querySelector('main select').options].map((o) => [o.value, o.textContent])")
            #expect(
                options == [
                    ["", german ? "Jeder Zustand" : "Every state"], ["queued", german ? "Wartet" : "Queued"],
                    ["delivered", german ? "Zugestellt" : "Delivered"],
                    ["failed", german ? "Fehlgeschlagen" : "Failed"], ["dead", german ? "Aufgegeben" : "Given up"],
                ])
            try await browser.evaluate(
                "const s = document.querySelector('main select'); s.value = 'failed'; s.dispatchEvent(new Event('change'))"
            )
            try await browser.wait(until: "location.search === '?state=failed'")
        }

        @Test("a pop-up does not outlive its page")
        func popUp() async throws {
            let showcase = try await Showcase.get()
            let browser = try await showcase.signedIn()
            try await browser.open(showcase.address("/flows"))
            try await browser.press("Integrations")
            try await browser.press("Disconnect")
            try await browser.wait(until: "document.querySelector('dialog[open]')")
            try await browser.back()
            try await browser.wait(until: "document.querySelector('h1')?.textContent === 'Flows'")
            #expect(try await browser.evaluate("return document.querySelector('dialog')") == .null)
        }
    }
}
