import EventLoop
import Testing

@testable import HTTP

@Suite("An address policy")
struct AddressPolicyTests {
    @Test(
        "refuses URLs whose text already names a place of this machine or network",
        arguments: [
            "http://127.0.0.1/", "http://10.0.0.1/", "http://[::1]/", "http://[fd00::1]/", "http://[::ffff:1.1.1.1]/",
            "http://169.254.169.254/latest", "http://0.0.0.0/", "http://localhost/", "http://a.localhost/",
        ])
    func refusedURLs(text: String) throws {
        #expect(try !AddressPolicy.publicOnly().permits(#require(HTTPURL(text))))
        #expect(try AddressPolicy.any.permits(#require(HTTPURL(text))))
    }

    @Test("permits names, public addresses and the allowed blocks")
    func permittedURLs() throws {
        let block = try #require(CIDRBlock("10.0.0.0/8"))
        for text in ["https://example.com/", "http://1.1.1.1/", "http://10.1.2.3:8080/"] {
            #expect(try AddressPolicy.publicOnly(allowing: [block]).permits(#require(HTTPURL(text))))
        }
    }

    @Test("is asked about the address that a name resolves to, and about each of several")
    func resolvedAddresses() async throws {
        try await withServer { server, address in
            let port = try #require(address.port)
            let found: [SocketAddress] = [.ip(.v4(0x0A00_0001), port: port), .loopback(port: port)]
            let group = EventLoopGroup(loops: 1)
            let client = HTTPClient(group: group) { _, _, _ throws(ResolutionError) in found }
            let url = try #require(HTTPURL("http://rebound.example:\(port)/"))
            let refused = HTTPClientRequest(url: url, addressPolicy: .publicOnly())
            #expect(await failure(client, refused)?.code == .addressRefused)
            #expect(server.connectionCount == 0)
            // The first address would time out: it is not even tried.
            let block = try #require(CIDRBlock("127.0.0.0/8"))
            let allowed = HTTPClientRequest(url: url, addressPolicy: .publicOnly(allowing: [block]))
            #expect(try await client.send(allowed).status == .ok)
            client.close()
            group.shutDown()
        }
    }
}
