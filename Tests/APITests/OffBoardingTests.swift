import FoundationEssentials
import HTTP
import JSON
import Sandbox
import TestSupport
import Testing

@Suite("Disconnecting")
struct OffBoardingTests {
    @Test("the secrets are gone from every table at once, the contacts stay, and no call is made any more")
    func secrets() async throws {
        let stage = try APIStage()
        var options = SandboxOptions()
        options.contacts = 50
        let sandbox = try SandboxServer.start(options, group: stage.test.group)
        let key = try await stage.instance().key
        let base = "/api/v0/integrations/emarsys"
        let headers: HTTPHeaders = ["X-API-Key": key]
        _ = try await stage.call(
            .post, "/api/v0/opt_ins", headers: headers,
            body: ["contact": ["phone": "+4915112345678"], "status": "granted"])
        for body: JSON in [
            [
                "name": "Mine", "auth": "wsse", "username": .string(sandbox.username),
                "secret": .string(sandbox.secret),
                "base_url": .string(sandbox.baseURL),
            ],
            [
                "name": "Mine", "auth": "oauth2", "client_id": .string(sandbox.clientID),
                "client_secret": .string(sandbox.clientSecret), "token_url": .string(sandbox.tokenURL),
                "base_url": .string(sandbox.baseURL),
            ],
        ] {
            #expect(try await stage.call(.put, base + "/connection", headers: headers, body: body).status == 200)
            _ = try await stage.call(
                .put, base + "/draft", headers: headers,
                body: ["step": 2, "draft": ["secret": .string(sandbox.secret)]])
            let sealed = try stage.test.administer("SELECT encode(secret, 'hex') FROM app.connections")
            #expect(sealed[0][0] != nil)
            let gone = try await stage.call(.delete, base + "/connection", headers: headers)
            #expect(gone.status == 204 || gone.status == 200)
            let tables = try stage.test.administer(
                """
                SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'app'::regnamespace AND c.relkind = 'r'
                """)
            for table in tables.compactMap({ $0[0] }) {
                for secret in [sandbox.secret, sandbox.clientSecret, sealed[0][0] ?? "-"] {
                    let left = try stage.test.administer(
                        "SELECT count(*) FROM app.\(table) x WHERE position($1 IN x::text) > 0", [secret])
                    #expect(left == [["0"]], "\(table)")
                }
            }
            #expect(
                try await stage.call(.get, base + "/connection", headers: headers).first["status"] == "disconnected")
            #expect(try await stage.call(.get, base + "/fields", headers: headers).code == "not_connected")
            #expect(try await stage.call(.post, base + "/connection/test", headers: headers).code == "not_connected")
        }
        #expect(try stage.test.administer("SELECT count(*) FROM app.contacts") == [["1"]])
        #expect(try stage.test.administer("SELECT count(*) FROM app.consent_entries") == [["1"]])
    }
}
