import JSON
import TestSupport
import Testing

extension Pages {
    /// The audit itself: what it is there to find, it finds.
    @Suite("The audit")
    struct Audit {
        @Test(
            "complains",
            arguments: [
                ("no name", "<button></button>"), ("no name", "<input>"),
                ("image without name", "<a href='/'>x <svg></svg></a>"), ("duplicate id", "<p id=a></p><p id=a></p>"),
                ("aria-labelledby names nothing", "<p aria-labelledby=zzz>x</p>"),
                ("heading jumps", "<main><h1>x</h1><h3>y</h3></main>"), ("not one h1", "<main><h2>x</h2></main>"),
                ("tabindex", "<p tabindex=1>x</p>"), ("contrast", "<p class=faint>x</p>"),
                ("focus not visible", "<button class=nofocus>x</button>"), ("target", "<button class=tiny>x</button>"),
                ("cut off", "<div class=card><table><tr><td>x</td></tr></table></div>"),
            ])
        func complains(_ expected: String, _ html: String) async throws {
            let browser = try await Showcase.fresh()
            let quoted = String(decoding: JSON.string(html).encoded(), as: UTF8.self)
            try await browser.visit("about:blank")
            try await browser.evaluate(
                """
                document.documentElement.lang = 'en'; document.title = 'x';
                document.head.innerHTML = '<style>body { background: white; color: black } .faint { color: #999 } '
                    + '.nofocus:focus { outline: none } '
                    + '.card { width: 50px; overflow: hidden } table { width: 200px } '
                    + '.tiny { width: 9px; height: 9px; padding: 0; border: 0 }</style>';
                document.body.innerHTML = \(quoted);
                """)
            let complaints = try await browser.evaluate(pageAudit).array ?? []
            #expect(complaints.contains { $0.string?.hasPrefix(expected) == true }, "\(complaints)")
        }
    }
}
