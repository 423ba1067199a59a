import Foundation
import HTTP
import JSON
import TestSupport
import Testing

/// What every answer says to a browser, asked of the running program on every route of both hosts.
@Suite("Headers of every answer", .serialized)
struct HeaderTests {
    /// A call that a host's own description names.
    private struct Call: Sendable, CustomStringConvertible {
        let method: HTTPMethod
        let path: String

        var isWrite: Bool { method != .get && method != .head }
        var description: String { "\(method.rawValue) \(path)" }
    }

    /// Every call of a host, with ids that nothing has.
    private static func calls(_ showcase: Showcase, _ host: String) async throws -> [Call] {
        let answer = try await showcase.product.call(.get, host: host, "/api/v0/openapi.json")
        var calls: [Call] = []
        for (path, methods) in answer.json["paths"]?.object?.map({ ($0.key, $0.value) }) ?? [] {
            for method in methods.object?.map(\.key) ?? [] where method != "parameters" {
                let filled = path.replacing(/\{instance\}/, with: "acme").replacing(/\{feature\}/, with: "emarsys")
                    .replacing(/\{[a-z_]+\}/, with: "00000000-0000-4000-8000-000000000000")
                calls.append(Call(method: HTTPMethod(rawValue: method.uppercased()), path: filled))
            }
        }
        return calls
    }

    /// What is wrong with the header of an answer.
    private static func complaints(_ headers: HTTPHeaders, isPage: Bool = false, isFile: Bool = false) -> [String] {
        var found: [String] = []
        func once(_ name: String) -> String {
            let values = headers.fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
            if values.count != 1 { found.append("\(name): \(values)") }
            return values.first ?? ""
        }
        if once("X-Content-Type-Options") != "nosniff" { found.append("nosniff") }
        if once("Referrer-Policy") != "no-referrer" { found.append("referrer") }
        if once("X-Request-Id").isEmpty { found.append("request id") }
        let policy = once("Content-Security-Policy")
        for part in ["default-src 'none'", "frame-ancestors 'none'"] where !policy.contains(part) {
            found.append("no \(part): \(policy)")
        }
        for word in ["unsafe", "*", "http:", "https:"] where policy.contains(word) {
            found.append("\(word): \(policy)")
        }
        if isPage {
            for part in ["script-src 'self'", "base-uri 'none'", "form-action 'self'"] where !policy.contains(part) {
                found.append("no \(part): \(policy)")
            }
            if once("X-Frame-Options") != "DENY" { found.append("framed") }
        } else if !isFile, once("Cache-Control") != "no-store" {
            found.append("may be stored")
        }
        for name in ["Server", "X-Powered-By", "Access-Control-Allow-Origin"] where headers.contains(name) {
            found.append(name)
        }
        return found
    }

    private static func parsed(_ head: String) -> (status: Int, headers: HTTPHeaders) {
        var headers = HTTPHeaders()
        let lines = head.components(separatedBy: "\r\n")
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { break }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            headers.add(String(line[..<colon]), String(value))
        }
        return (Int(lines[0].split(separator: " ").dropFirst().first ?? "") ?? 0, headers)
    }

    @Test(
        "of the API: without a credential, by cookie, by cookie without the token of the session",
        arguments: ["acme", "operator"])
    func routes(_ host: String) async throws {
        let showcase = try await Showcase.get()
        let product = showcase.product
        let calls = try await Self.calls(showcase, host)
        #expect(calls.count > (host == "acme" ? 60 : 15))
        let credential: JSON =
            host == "acme" ? ["api_key": .string(showcase.key)] : ["token": .string(product.operatorToken)]
        let opened = try await product.answer(.post, host: host, "/api/v0/session", credential)
        let cookie = String(try #require(opened.headers["Set-Cookie"]).prefix { $0 != ";" })
        for call in calls {
            let isSession = call.path == "/api/v0/session"
            let isOpen =
                call.path.hasSuffix("openapi.json") || (isSession && call.method == .post)
                || call.path.contains("/webhooks/incoming/")
            if call.path == "/api/v0/stream" {
                let head = try product.head(
                    ofAnswerTo:
                        "GET /api/v0/stream?topics=imports HTTP/1.1\r\nHost: acme.localhost\r\nCookie: \(cookie)\r\n\r\n"
                )
                let (status, headers) = Self.parsed(head)
                #expect(status == 200)
                #expect(headers["Content-Type"] == "text/event-stream")
                #expect(Self.complaints(headers) == [], "\(call)")
            }
            let nobody = try await product.answer(call.method, host: host, call.path, call.isWrite ? [:] : nil)
            let isFile = call.path.hasSuffix("openapi.json")
            #expect(Self.complaints(nobody.headers, isFile: isFile) == [], "\(call) by nobody")
            #expect(isOpen || nobody.status == .unauthorized, "\(call) by nobody: \(nobody.status.code)")
            #expect(nobody.headers["Set-Cookie"] == nil, "\(call)")
            guard call.path != "/api/v0/stream" else { continue }
            if call.isWrite {
                for token in [nil, "wrong", String(repeating: "A", count: 32)] {
                    var headers: HTTPHeaders = ["Cookie": cookie]
                    if let token { headers["X-CSRF-Token"] = token }
                    let forged = try await product.answer(call.method, host: host, call.path, [:], headers: headers)
                    #expect(Self.complaints(forged.headers) == [], "\(call) without the token")
                    #expect(isOpen || forged.status == .forbidden, "\(call) without the token: \(forged.status.code)")
                }
            } else {
                let read = try await product.answer(call.method, host: host, call.path, headers: ["Cookie": cookie])
                #expect(Self.complaints(read.headers, isFile: isFile) == [], "\(call) by cookie")
                #expect(read.status.code < 500 && read.status != .unauthorized, "\(call): \(read.status.code)")
            }
        }
    }

    @Test("of pages, files, and what is not there")
    func pages() async throws {
        let showcase = try await Showcase.get()
        let product = showcase.product
        for (_, path) in try await showcase.pages() + [("start", "/"), ("connect", "/settings/integrations?connect=3")]
        {
            let page = try await product.answer(.get, host: "acme", path)
            #expect(page.status == .ok)
            #expect(Self.complaints(page.headers, isPage: true) == [], "\(path)")
        }
        for path in ["/", "/tenants", "/tenants/acme", "/queues"] {
            let page = try await product.answer(.get, host: "operator", path)
            #expect(Self.complaints(page.headers, isPage: true) == [], "operator\(path)")
        }
        let names = try FileManager.default.subpathsOfDirectory(atPath: WordsTests.folder.path)
            .filter { name in [".js", ".css", ".svg"].contains { name.hasSuffix($0) } }
        #expect(names.count > 40)
        for name in names {
            let file = try await product.answer(
                .get, host: "acme", "/assets/\(name)", headers: ["Accept-Encoding": "gzip, br"])
            #expect(file.status == .ok, "\(name)")
            #expect(Self.complaints(file.headers, isFile: true) == [], "\(name)")
            #expect(file.headers["Content-Encoding"] == "gzip")
            let tag = try #require(file.headers["ETag"])
            let again = try await product.answer(
                .get, host: "acme", "/assets/\(name)", headers: ["Accept-Encoding": "gzip, br", "If-None-Match": tag])
            #expect(again.status == .notModified)
            #expect(Self.complaints(again.headers, isFile: true) == [], "\(name) unchanged")
            let plain = try await product.answer(.get, host: "acme", "/assets/\(name)")
            #expect(plain.headers["Content-Encoding"] == nil)
            #expect(plain.headers["ETag"] != tag)
            #expect(plain.headers["Vary"] == "Accept-Encoding")
            let path = NSTemporaryDirectory() + "/packed-\(UUID().uuidString)"
            defer { unlink(path) }
            try Data(file.body).write(to: URL(fileURLWithPath: path))
            #expect(
                try runCommand(["sh", "-c", "gzip -dc < \(path)"]) == String(decoding: plain.body, as: UTF8.self),
                "\(name)")
            #expect(file.body.count < plain.body.count || plain.body.count < 300, "\(name)")
        }
        for (host, path) in [
            ("acme", "/nothing/here"), ("acme", "/assets/none.js"), ("acme", "/assets/../tenant.html"),
            ("acme", "/api/v0/none"), ("operator", "/none"), ("nobody", "/"), ("nobody", "/api/v0/session"),
        ] {
            let nothing = try await product.answer(.get, host: host, path)
            #expect([400, 401, 404].contains(nothing.status.code), "\(host)\(path)")
            #expect(Self.complaints(nothing.headers) == [], "\(host)\(path)")
        }
    }

    @Test("of what is refused before anybody knows what was asked for")
    func refusals() async throws {
        let product = try await Showcase.get().product
        let long = String(repeating: "a", count: 70_000)
        for (request, expected) in [
            ("NONSENSE\r\n\r\n", 400), ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: acme.localhost\r\nX: \(long)\r\n\r\n", 431),
            ("POST /api/v0/session HTTP/1.1\r\nHost: acme.localhost\r\nContent-Length: 99999999\r\n\r\n", 413),
        ] {
            let (status, headers) = Self.parsed(try product.head(ofAnswerTo: request))
            #expect(status == expected, "\(request.prefix(60))")
            #expect(Self.complaints(headers) == [], "\(request.prefix(60))")
        }
    }

    @Test(
        "of sessions: the cookie is for this host, not for scripts, not from other sites, and over TLS unless on this machine",
        arguments: ["acme", "operator"])
    func cookies(_ host: String) async throws {
        let showcase = try await Showcase.get()
        let product = showcase.product
        let body: JSON =
            host == "acme" ? ["api_key": .string(showcase.key)] : ["token": .string(product.operatorToken)]
        let text = String(decoding: body.encoded(), as: UTF8.self)
        func signIn(_ fields: String) throws -> String {
            let head = try product.head(
                ofAnswerTo: "POST /api/v0/session HTTP/1.1\r\n\(fields)\r\nContent-Type: application/json\r\n"
                    + "Content-Length: \(text.utf8.count)\r\n\r\n\(text)")
            let (status, headers) = Self.parsed(head)
            #expect(status == 201, "\(fields)")
            #expect(Self.complaints(headers) == [])
            return headers["Set-Cookie"] ?? ""
        }
        let local = try signIn("Host: \(host).localhost:\(product.port)")
        // The proxy is on this machine, the browser is not: what it asked for is what counts.
        let proxied = try signIn("Host: 127.0.0.1:\(product.port)\r\nX-Forwarded-Host: \(host).charles.example")
        let direct = try signIn("Host: \(host).charles.example")
        for cookie in [local, proxied, direct] {
            let parts = cookie.split(separator: ";").dropFirst().map { $0.trimmingCharacters(in: .whitespaces) }
            for part in ["HttpOnly", "SameSite=Strict", "Path=/"] { #expect(parts.contains(part), "\(cookie)") }
            #expect(!cookie.contains("Domain"))
        }
        #expect(!local.contains("Secure"))
        #expect(proxied.hasSuffix("; Secure"))
        #expect(direct.hasSuffix("; Secure"))
        // A session of one host is none of another.
        let pair = String(local.prefix { $0 != ";" })
        let other = host == "acme" ? "operator" : "acme"
        let elsewhere = try await product.answer(.get, host: other, "/api/v0/session", headers: ["Cookie": pair])
        #expect(elsewhere.status == .unauthorized)
    }
}
