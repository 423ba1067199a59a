import EventLoop
import FoundationEssentials
import HTTP
import JSON
import TestSupport
import Testing

@Suite("Who is let in")
struct AccessTests {
    private let stage: APIStage

    init() throws { stage = try APIStage() }

    @Test("every host that is no instance of ours gets the same answer")
    func hosts() async throws {
        _ = try await stage.instance()
        var bodies: Set<String> = []
        for host in [
            "nobody.localhost", "a.acme.localhost", "acme.example.com", "localhost", "127.0.0.1:8080", "[::1]:80",
            "www.localhost",
        ] {
            let answer = try await stage.call(.get, "/api/v0/session", host: host)
            #expect(answer.status == 404)
            bodies.insert(String(decoding: answer.response.bodyBytes, as: UTF8.self))
        }
        #expect(bodies.count == 1)
        for path in ["/healthz", "/readyz", "/metrics"] { #expect(try await stage.call(.get, path).status == 404) }
    }

    @Test("X-Forwarded-Host counts from a trusted proxy and from nobody else")
    func forwarded() async throws {
        let block = try #require(CIDRBlock("10.0.0.0/8"))
        let stage = try APIStage(trusting: [block])
        let key = try await stage.instance().key
        let headers: HTTPHeaders = ["X-Forwarded-Host": "acme.localhost", "X-API-Key": key]
        let proxy = SocketAddress("10.1.2.3:4000")
        let stranger = SocketAddress("192.0.2.1:4000")
        let host = "internal.example"
        #expect(try await stage.call(.get, "/api/v0/session", host: host, headers: headers, from: proxy).status == 200)
        let refused = try await stage.call(.get, "/api/v0/session", host: host, headers: headers, from: stranger)
        #expect(refused.code == "unknown_instance")
    }

    @Test("no key, an unknown key and another instance's key are the same 401")
    func keys() async throws {
        let acme = try await stage.instance("acme").key
        let other = try await stage.instance("other").key
        #expect(try await stage.call(.get, "/api/v0/session", headers: ["X-API-Key": acme]).status == 200)
        let unknown = try await stage.call(.get, "/api/v0/session", headers: ["X-API-Key": "cek_unknown"])
        let foreign = try await stage.call(.get, "/api/v0/session", headers: ["X-API-Key": other])
        let none = try await stage.call(.get, "/api/v0/session")
        for answer in [unknown, foreign, none] {
            #expect(answer.status == 401)
            #expect(answer.response.bodyBytes == unknown.response.bodyBytes)
        }
    }

    @Test("a route needs its permission, and no permission implies another")
    func permissions() async throws {
        _ = try await stage.instance()
        let reader = try await stage.key(of: "acme", permissions: ["read"]).key
        let writer = try await stage.key(of: "acme", permissions: ["write", "admin"]).key
        let body: JSON = ["name": "birthday", "type": "date"]
        let path = "/api/v0/custom_properties"
        #expect(
            try await stage.within { try await stage.call(.get, path, headers: ["X-API-Key": reader]).status == 200 })
        let refused = try await stage.call(.post, path, headers: ["X-API-Key": reader], body: body)
        #expect(refused.status == 403)
        #expect(refused.code == "permission_denied")
        #expect(try await stage.call(.get, path, headers: ["X-API-Key": writer]).code == "permission_denied")
        #expect(try await stage.call(.post, path, headers: ["X-API-Key": writer], body: body).status == 201)
    }

    @Test("a revoked key, a switched-off feature and a suspended instance take effect within a second")
    func withinASecond() async throws {
        let (key, id) = try await stage.instance()
        let headers: HTTPHeaders = ["X-API-Key": key]
        let path = "/api/v0/integrations/emarsys/mappings"
        #expect(try await stage.within { try await stage.call(.get, path, headers: headers).status == 200 })
        _ = try await stage.operate(.put, "/api/v0/tenants/acme/features/emarsys", ["enabled": false])
        #expect(
            try await stage.within { try await stage.call(.get, path, headers: headers).code == "feature_not_enabled" })
        let hook = "/api/v0/webhooks/incoming/emarsys/custom_external_event"
        #expect(try await stage.call(.post, hook, raw: "{}").code == "feature_not_enabled")
        _ = try await stage.operate(.put, "/api/v0/tenants/acme/features/emarsys", ["enabled": true])
        #expect(try await stage.within { try await stage.call(.get, path, headers: headers).status == 200 })

        _ = try await stage.operate(.patch, "/api/v0/tenants/acme", ["status": "suspended"])
        #expect(
            try await stage.within { try await stage.call(.get, path, headers: headers).code == "tenant_suspended" })
        #expect(try await stage.call(.get, "/").code == "tenant_suspended")
        _ = try await stage.operate(.patch, "/api/v0/tenants/acme", ["status": "active"])
        #expect(try await stage.within { try await stage.call(.get, path, headers: headers).status == 200 })

        #expect(try await stage.operate(.delete, "/api/v0/tenants/acme/api_keys/\(id)").status == 204)
        #expect(try await stage.within { try await stage.call(.get, path, headers: headers).status == 401 })
        #expect(try await stage.operate(.delete, "/api/v0/tenants/acme/api_keys/\(id)").status == 404)
    }

    @Test("a session reads by its cookie, writes with its token, and ends with its key")
    func sessions() async throws {
        let (key, id) = try await stage.instance()
        #expect(try await stage.call(.post, "/api/v0/session", body: ["api_key": "cek_wrong"]).status == 401)
        let opened = try await stage.call(.post, "/api/v0/session", body: ["api_key": .string(key)])
        #expect(opened.status == 201)
        let cookie = try #require(opened.response.headers["Set-Cookie"])
        for part in ["HttpOnly", "SameSite=Strict", "Path=/"] { #expect(cookie.contains(part)) }
        #expect(!cookie.contains("Secure"))
        let pair = String(cookie.prefix { $0 != ";" })
        let token = try #require(opened.first["csrf_token"]?.string)
        let path = "/api/v0/custom_properties"
        #expect(try await stage.call(.get, path, headers: ["Cookie": pair]).status == 200)
        let forged = try await stage.call(
            .post, path, headers: ["Cookie": pair], body: ["name": "a", "type": "string"])
        #expect(forged.status == 403)
        #expect(forged.code == "csrf_token_invalid")
        let written = try await stage.call(
            .post, path, headers: ["Cookie": pair, "X-CSRF-Token": token], body: ["name": "a", "type": "string"])
        #expect(written.status == 201)

        let other = try await stage.call(.post, "/api/v0/session", body: ["api_key": .string(key)])
        let second = String(try #require(other.response.headers["Set-Cookie"]).prefix { $0 != ";" })
        let secondToken = try #require(other.first["csrf_token"]?.string)
        let ended = try await stage.call(
            .delete, "/api/v0/session", headers: ["Cookie": second, "X-CSRF-Token": secondToken])
        #expect(ended.status == 204)
        #expect(try await stage.call(.get, path, headers: ["Cookie": second]).status == 401)

        _ = try await stage.operate(.delete, "/api/v0/tenants/acme/api_keys/\(id)")
        #expect(try await stage.call(.get, path, headers: ["Cookie": pair]).status == 401)
    }

    @Test("unknown addresses are 404 and wrong methods 405 with Allow, for those who are let in")
    func routes() async throws {
        let key = try await stage.instance().key
        let headers: HTTPHeaders = ["X-API-Key": key]
        #expect(try await stage.call(.get, "/api/v0/nix", headers: headers).code == "not_found")
        #expect(try await stage.call(.get, "/api/v0/nix").status == 401)
        let wrong = try await stage.call(.put, "/api/v0/custom_properties", headers: headers)
        #expect(wrong.status == 405)
        #expect(wrong.response.headers["Allow"] == "GET, POST, HEAD")
        let malformed = try await stage.call(.post, "/api/v0/custom_properties", headers: headers, raw: "{")
        #expect(malformed.status == 400)
        #expect(malformed.code == "invalid_json")
        #expect(malformed.json["request_id"] == "test")
        #expect(malformed.response.headers["Content-Type"] == "application/problem+json")
        let list = try await stage.call(.post, "/api/v0/custom_properties", headers: headers, raw: "[]")
        #expect(list.status == 422)
    }
}
