import EventLoop
import Foundation
import HTTP
public import JSON

/// Chromium, driven through its driver by plain WebDriver calls (W3C WebDriver).
public final class Browser: @unchecked Sendable {
    // Unchecked: used by one test at a time; `session` is set once, before the object is handed out.

    /// An element of the page.
    public struct Element: Sendable {
        let id: String
    }

    /// What the browser would not do.
    public struct Failure: Error, CustomStringConvertible {
        /// The driver's word for it, and what it was about.
        public let description: String
    }

    private let process: pid_t
    private let port: Int
    private let client: HTTPClient
    private let group: EventLoopGroup
    private var session = ""

    /// Whether Chromium and its driver are installed.
    public static var isInstalled: Bool { (try? runCommand(["chromedriver", "--version"])) != nil }

    /// Starts a browser window.
    public static func start(width: Int = 1280, height: Int = 1000, dark: Bool = false) async throws -> Browser {
        let browser = try Browser()
        try await browser.open(width, height, dark)
        return browser
    }

    private init() throws {
        port = try RunningProduct.freePort()
        group = EventLoopGroup(loops: 1)
        client = HTTPClient(group: group)
        process = try spawn(["chromedriver", "--port=\(port)"], input: nil, output: nil)
        try endWithThisProcess(process, named: "chromedriver")
    }

    deinit { Glibc.kill(process, SIGKILL) }

    private func open(_ width: Int, _ height: Int, _ dark: Bool) async throws {
        for _ in 0..<200 {
            if (try? await command(.get, "/status")) != nil { break }
            try await Task.sleep(for: .milliseconds(25))
        }
        let arguments: [JSON] = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en-GB",
            "--host-resolver-rules=MAP *.localhost 127.0.0.1", .string("--window-size=\(width),\(height)"),
        ]
        let answer = try await command(
            .post, "/session",
            [
                "capabilities": [
                    "alwaysMatch": [
                        "browserName": "chrome", "goog:loggingPrefs": ["browser": "ALL"],
                        "goog:chromeOptions": ["args": .array(arguments)],
                    ]
                ]
            ])
        session = answer["sessionId"]?.string ?? ""
        // Chromium outlives a driver that is killed.
        if let chromium = answer["capabilities"]?["goog:processID"]?.int {
            try endWithThisProcess(pid_t(chromium), named: "chromium")
        }
        try await become(width: width, height: height, dark: dark)
    }

    /// Another width or theme of the same page.
    ///
    /// Chromium's smallest window is wider than a phone; the page's own width is what counts.
    public func become(width: Int, height: Int = 1000, dark: Bool) async throws {
        _ = try await devTools(
            "Emulation.setDeviceMetricsOverride",
            [
                "width": .number(JSONNumber(Int64(width))), "height": .number(JSONNumber(Int64(height))),
                "deviceScaleFactor": 1, "mobile": .bool(width < 500),
            ])
        _ = try await devTools(
            "Emulation.setEmulatedMedia",
            [
                "features": [
                    ["name": "prefers-color-scheme", "value": .string(dark ? "dark" : "light")],
                    // What is looked at does not change while it is looked at.
                    ["name": "prefers-reduced-motion", "value": "reduce"],
                ]
            ])
    }

    /// Forgets who was signed in, and what the page before has complained of.
    public func forget() async throws {
        try await visit("about:blank")
        _ = try await devTools("Network.clearBrowserCookies", [:])
        _ = try await messages()
    }

    /// Whether what was loaded before is asked for again.
    public func setCache(_ isOn: Bool) async throws {
        _ = try await devTools("Network.enable", [:])
        _ = try await devTools("Network.setCacheDisabled", ["cacheDisabled": .bool(!isOn)])
    }

    /// Goes back, as the button of the browser does.
    public func back() async throws { _ = try await command(.post, "/session/\(session)/back", [:]) }

    /// Closes the window and ends the driver.
    public func close() async {
        _ = try? await command(.delete, "/session/\(session)")
        Glibc.kill(process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    /// Opens an address.
    public func visit(_ address: String) async throws {
        _ = try await command(.post, "/session/\(session)/url", ["url": .string(address)])
    }

    /// Runs JavaScript in the page: `return …` gives the result.
    @discardableResult
    public func evaluate(_ script: String) async throws -> JSON {
        try await command(.post, "/session/\(session)/execute/sync", ["script": .string(script), "args": []])
    }

    /// Waits until an expression is true. Throws with the page's text after `seconds`.
    ///
    /// The page itself looks, every hundredth of a second: no round trip lies between the event and its being seen.
    public func wait(until expression: String, seconds: Double = 15) async throws {
        let script = """
            const done = arguments[arguments.length - 1];
            const end = Date.now() + 1000;
            const look = () => {
              let is = false;
              try { is = Boolean(\(expression)); } catch { /* not there yet */ }
              if (is || Date.now() > end) done(is); else setTimeout(look, 10);
            };
            look();
            """
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            let path = "/session/\(session)/execute/async"
            // A page that is left while it looks answers with an error: the next one is asked.
            let value = try? await command(.post, path, ["script": .string(script), "args": []])
            if value == .bool(true) { return }
            if value == nil { try await Task.sleep(for: .milliseconds(20)) }
        }
        let text = try await evaluate("return document.body.innerText.slice(0, 1500)")
        throw Failure(
            description: "never true: \(expression)\non the page: \(text.string ?? "")\nlog: \(try await messages())")
    }

    /// Waits until the page shows a text.
    public func wait(for text: String, seconds: Double = 15) async throws {
        let quoted = String(decoding: JSON.string(text).encoded(), as: UTF8.self)
        try await wait(until: "document.body.innerText.includes(\(quoted))", seconds: seconds)
    }

    /// The first element that fits an XPath.
    public func find(xpath: String) async throws -> Element { try await find("xpath", xpath) }

    /// The first element that fits a CSS selector.
    public func find(css: String) async throws -> Element { try await find("css selector", css) }

    private func find(_ using: String, _ value: String) async throws -> Element {
        let answer = try await command(
            .post, "/session/\(session)/element", ["using": .string(using), "value": .string(value)])
        guard let id = answer["element-6066-11e4-a52e-4f735466cecf"]?.string else {
            throw Failure(description: "not found: \(value)")
        }
        return Element(id: id)
    }

    /// Presses the button or link that shows a text, in the topmost pop-up if one is open.
    public func press(_ text: String) async throws {
        let quoted = String(decoding: JSON.string(text).encoded(), as: UTF8.self)
        try await wait(until: "\(Self.control)(\(quoted))")
        _ = try await evaluate(
            "const e = \(Self.control)(\(quoted)); e.scrollIntoView({block: 'center'}); e.focus(); e.click();")
    }

    private static let control = """
        ((text) => { const tops = [...document.querySelectorAll('dialog[open]')]; const root = tops.at(-1) ?? document; \
        return [...root.querySelectorAll('button, a, summary, [role=option]')].find((e) => !e.disabled && e.offsetParent !== null && \
        e.innerText.trim().startsWith(text)); })
        """

    /// Types into the control with a label, replacing what it holds.
    public func fill(_ label: String, _ text: String) async throws {
        let quoted = String(decoding: JSON.string(label).encoded(), as: UTF8.self)
        let search = """
            ((text) => { const root = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document; \
            const l = [...root.querySelectorAll('label')].find((e) => e.innerText.trim().startsWith(text) && (e.offsetParent !== null)); \
            return l && (l.control ?? document.getElementById(l.htmlFor)); })
            """
        try await wait(until: "\(search)(\(quoted))")
        _ = try await evaluate("const e = \(search)(\(quoted)); e.focus(); e.select?.();")
        try await keys(text)
    }

    /// Types into whatever has the focus.
    public func keys(_ text: String) async throws {
        var actions: [JSON] = []
        for character in text {
            actions.append(["type": "keyDown", "value": .string(String(character))])
            actions.append(["type": "keyUp", "value": .string(String(character))])
        }
        _ = try await command(
            .post, "/session/\(session)/actions",
            ["actions": [["type": "key", "id": "keyboard", "actions": .array(actions)]]])
    }

    /// Tab, Enter, Escape and arrows by their WebDriver code points.
    public enum Key: String, Sendable {
        /// Tab
        case tab = "\u{E004}"
        /// Enter
        case enter = "\u{E007}"
        /// Escape
        case escape = "\u{E00C}"
        /// Space
        case space = " "
        /// Arrow down
        case down = "\u{E015}"
    }

    /// Presses a key.
    public func key(_ key: Key) async throws { try await keys(key.rawValue) }

    /// Writes a picture of the whole page.
    public func screenshot(_ path: String) async throws {
        let answer = try await devTools("Page.captureScreenshot", ["captureBeyondViewport": true, "format": "png"])
        guard let text = answer["data"]?.string, let data = Data(base64Encoded: text) else {
            throw Failure(description: "no picture")
        }
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: URL(fileURLWithPath: path))
    }

    /// Cuts the browser off the network, or lets it back on.
    public func setOffline(_ offline: Bool) async throws {
        _ = try await devTools("Network.enable", [:])
        _ = try await devTools(
            "Network.emulateNetworkConditions",
            ["offline": .bool(offline), "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1])
    }

    /// Errors of the page's scripts since the last call, without answers of the API that a page expects (401, 404 …).
    public func messages() async throws -> [String] {
        let log = try await command(.post, "/session/\(session)/se/log", ["type": "browser"])
        return (log.array ?? []).compactMap { entry in
            guard entry["level"]?.string == "SEVERE", entry["source"]?.string != "network" else { return nil }
            return entry["message"]?.string
        }
    }

    private func devTools(_ name: String, _ parameters: JSON) async throws -> JSON {
        try await command(
            .post, "/session/\(session)/goog/cdp/execute", ["cmd": .string(name), "params": parameters])
    }

    private func command(_ method: HTTPMethod, _ path: String, _ body: JSON? = nil) async throws -> JSON {
        guard let url = HTTPURL("http://127.0.0.1:\(port)\(path)") else { throw Failure(description: path) }
        let answer = try await client.send(
            HTTPClientRequest(
                method: method, url: url, headers: ["Content-Type": "application/json"], body: body?.encoded() ?? [],
                timeout: .seconds(60), maxResponseBytes: 64 << 20, addressPolicy: .any))
        let value = try JSON.parse(answer.body)["value"] ?? .null
        if let error = value["error"]?.string {
            throw Failure(description: "\(error): \(value["message"]?.string?.prefix(300) ?? "")")
        }
        return value
    }
}
