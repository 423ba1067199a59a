import Emarsys
import Testing

@Suite("The addresses a connection may name")
struct EndpointPolicyTests {
    private func refusal(_ text: String, extra: [String] = []) -> EmarsysEndpointPolicy.Refusal? {
        do {
            _ = try EmarsysEndpointPolicy(extraHosts: extra).permitted(text)
            return nil
        } catch { return error }
    }

    @Test(
        "are https on names below emarsys.net",
        arguments: [
            "https://api.emarsys.net", "https://suite0.emarsys.net/api/v2", "https://AUTH.EMARSYS.NET/oauth2/token",
        ])
    func permitted(_ text: String) {
        #expect(refusal(text) == nil)
    }

    @Test(
        "are nothing else",
        arguments: [
            "http://api.emarsys.net", "https://api.emarsys.net:8443", "https://emarsys.net.evil.example",
            "https://evil-emarsys.net", "https://emarsys.net@evil.example", "https://evil.example#.emarsys.net",
            "https://evil.example?.emarsys.net", "https://127.0.0.1", "https://[::1]", "https://169.254.169.254",
            "ftp://api.emarsys.net", "api.emarsys.net", "", "https://", "https://2130706433",
            "https://api.emarsys.net\\@evil.example",
        ])
    func refused(_ text: String) {
        #expect(refusal(text) != nil)
    }

    @Test("are, for listed names alone, plain http and any port as well")
    func listed() {
        #expect(refusal("http://127.0.0.1:4711", extra: ["127.0.0.1"]) == nil)
        #expect(refusal("https://SCI.example:8443/token", extra: ["sci.example"]) == nil)
        #expect(refusal("http://127.0.0.2:4711", extra: ["127.0.0.1"]) == .hostNotPermitted)
        #expect(refusal("http://api.emarsys.net", extra: ["127.0.0.1"]) == .httpsRequired)
    }
}
