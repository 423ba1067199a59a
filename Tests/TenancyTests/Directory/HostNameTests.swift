import Tenancy
import Testing

@Suite("Host names")
struct HostNameTests {
    private static let domains = ["hello-charles.com", "localhost"]

    @Test(
        "a label below a base domain names an instance, whatever its case, port and trailing dot",
        arguments: [
            "acme.hello-charles.com", "ACME.Hello-Charles.COM", "acme.hello-charles.com:8443",
            "acme.hello-charles.com.",
            "acme.localhost:1", "acme.localhost.:8080",
        ])
    func instance(host: String) {
        #expect(HostName(host, baseDomains: Self.domains) == .instance("acme"))
    }

    @Test("the operators' host is its own", arguments: ["operator.localhost", "Operator.hello-charles.com:80"])
    func operators(host: String) {
        #expect(HostName(host, baseDomains: Self.domains) == .operator)
    }

    @Test(
        "everything else that is a host is unknown",
        arguments: [
            "a.b.localhost", "acme.example.com", "localhost", "hello-charles.com", "www.localhost", "api.localhost",
            "127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "[::1]", "acmehello-charles.com", "-acme.localhost",
            "acme-.localhost", "a_b.localhost", "xn--.localhost.evil.com", "localhost.acme",
        ])
    func unknown(host: String) {
        #expect(HostName(host, baseDomains: Self.domains) == .unknown)
    }

    @Test(
        "what is no host is invalid",
        arguments: [
            "", " ", "acme localhost", "acme.localhost:", "acme.localhost:x", "acme.localhost:99999999",
            "acme..localhost",
            ".localhost", "acme.localhost..", "user@acme.localhost", "acme/localhost", "[::1", "acme.localhost:80:80",
            "äcme.localhost",
        ])
    func invalid(host: String) {
        let name = HostName(host, baseDomains: Self.domains)
        // An empty port is allowed by RFC 3986 3.2.3.
        #expect(name == (host == "acme.localhost:" ? .instance("acme") : .invalid))
    }

    @Test(
        "hosts as nearly all clients write them are read the short way, with the same result",
        arguments: [
            "acme.localhost", "acme.localhost:8080", "a-1.hello-charles.com", "acme.eu.localhost", "operator.localhost",
            "www.localhost", "acme.localhost.", "ACME.localhost", "-a.localhost", "a-.localhost", "acme.localhost:",
            "acme.localhost:x", "acme.localhost:70000", "acme.example.com", "127.0.0.1", "[::1]", "localhost",
            ".localhost",
            "acme..localhost", "", String(repeating: "a", count: 64) + ".localhost",
        ])
    func short(host: String) {
        let domains = Self.domains + ["eu.localhost"]
        let general = HostName(host, baseDomains: domains)
        let plain = HostName.plain(Array(host.utf8)[...], baseDomains: domains.map { Array($0.utf8) })
        #expect(plain == nil || plain == general)
        if host.hasPrefix("acme.localhost"), host.utf8.count < 20,
            host.last?.isLetter == true || host.last?.isNumber == true, host != "acme.localhost:x"
        {
            #expect(plain == .instance("acme"))
        }
    }

    @Test("reserved names and what is no label cannot be an instance's name")
    func names() {
        #expect(InstanceName.isAvailable("acme-2"))
        for name in ["operator", "www", "Acme", "-a", "a-", "", "a.b", String(repeating: "a", count: 64)] {
            #expect(!InstanceName.isAvailable(name))
        }
    }
}
