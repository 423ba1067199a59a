import HTTP
import JSON
import TestSupport
import Testing

extension Pages {
    /// The API's own page.
    @Suite("The page of the API")
    struct Documentation {
        @Test(
            "shows every operation of the host's document, by its own script alone, readable by all",
            arguments: [false, true])
        func complete(_ dark: Bool) async throws {
            let product = try await RunningProduct.start()
            _ = try await product.makeInstance("acme")
            let browser = try await Browser.start(width: dark ? 390 : 1280, dark: dark)
            for host in ["acme", "operator"] {
                let document = try await product.call(.get, host: host, "/api/v0/openapi.json").json
                var operations = 0
                for (_, item) in document["paths"]?.object?.members ?? [] {
                    operations += item.object?.members.filter { $0.key != "parameters" }.count ?? 0
                }
                #expect(operations > 10)
                try await browser.visit("http://\(host).localhost:\(product.port)/api/docs")
                try await browser.wait(until: "document.querySelectorAll('details.op').length === \(operations)")
                // Each one opened, so that all of it is looked at.
                try await browser.evaluate(
                    "document.querySelectorAll('details.op').forEach((e, i) => { e.open = i < 12 })")
                let complaints = try await browser.evaluate(pageAudit)
                #expect(complaints.array == [], "\(host): \(complaints)")
                let foreign = try await browser.evaluate(
                    """
                    return performance.getEntriesByType('resource').map((e) => e.name)
                        .filter((name) => new URL(name).origin !== location.origin)
                    """)
                #expect(foreign.array == [])
                #expect(try await browser.messages() == [])
            }
            await browser.close()
            product.stop()
        }
    }
}
