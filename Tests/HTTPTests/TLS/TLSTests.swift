import EventLoop
import Foundation
import HTTP
import Testing

@Suite("TLS")
struct TLSTests {
    private func withSecureServer(
        names: String, _ body: @escaping @Sendable (Certificates, TLSServerContext, String) async throws -> Void
    ) async throws {
        let certificates = try Certificates()
        let (certificate, key) = try certificates.issue("server", for: names)
        let context = try TLSServerContext(certificate: certificate, key: key)
        try await withServer {
            $0.tls = context
        } _: { _, address in
            try await body(certificates, context, "localhost:\(address.port ?? 0)")
        }
    }

    @Test("carries requests and answers, large ones too, over one kept connection")
    func carries() async throws {
        try await withSecureServer(names: "DNS:localhost") { certificates, _, place in
            let group = EventLoopGroup(loops: 1)
            let client = HTTPClient(group: group, authorities: certificates.authority)
            let url = try #require(HTTPURL("https://\(place)/x"))
            for size in [0, 10, 900_000] {
                let body = [UInt8](repeating: 0x62, count: size)
                let response = try await client.send(HTTPClientRequest(method: .put, url: url, body: body))
                #expect(response.status == .ok)
                #expect(response.body.count == 7 + size)
            }
            client.close()
            group.shutDown()
        }
    }

    @Test("is refused by the client for another name, an unknown authority or an address that is not named")
    func refused() async throws {
        try await withSecureServer(names: "DNS:other.example") { certificates, _, place in
            let group = EventLoopGroup(loops: 1)
            let trusting = HTTPClient(group: group, authorities: certificates.authority)
            let plain = HTTPClient(group: group)
            let port = try #require(place.split(separator: ":").last)
            for (client, host) in [(trusting, "localhost"), (trusting, "127.0.0.1"), (plain, "localhost")] {
                let url = try #require(HTTPURL("https://\(host):\(port)/"))
                let error = await failure(client, HTTPClientRequest(url: url))
                #expect(error?.code == .certificateRefused)
                #expect(error?.mayHaveArrived == false)
            }
            group.shutDown()
        }
    }

    @Test("is trusted for an address that the certificate names")
    func address() async throws {
        try await withSecureServer(names: "IP:127.0.0.1") { certificates, _, place in
            let group = EventLoopGroup(loops: 1)
            let client = HTTPClient(group: group, authorities: certificates.authority)
            let port = try #require(place.split(separator: ":").last)
            let url = try #require(HTTPURL("https://127.0.0.1:\(port)/"))
            #expect(try await client.send(HTTPClientRequest(url: url)).status == .ok)
            client.close()
            group.shutDown()
        }
    }

    @Test("shows new connections a certificate that was renewed, and keeps the old one when the new is broken")
    func reload() async throws {
        try await withSecureServer(names: "DNS:other.example") { certificates, context, place in
            let group = EventLoopGroup(loops: 1)
            let client = HTTPClient(group: group, authorities: certificates.authority)
            let url = try #require(HTTPURL("https://\(place)/"))
            await #expect(throws: HTTPClientError.self) { try await client.send(HTTPClientRequest(url: url)) }
            _ = try certificates.issue("server", for: "DNS:localhost")
            try context.reload()
            #expect(try await client.send(HTTPClientRequest(url: url)).status == .ok)
            try "no certificate".write(toFile: certificates.path("server.pem"), atomically: true, encoding: .utf8)
            #expect(throws: TLSError.self) { try context.reload() }
            client.close()
            #expect(try await client.send(HTTPClientRequest(url: url)).status == .ok)
            client.close()
            group.shutDown()
        }
    }

    @Test("is needed: a plain request to a TLS port brings no answer, TLS to a plain port fails")
    func mismatch() async throws {
        try await withSecureServer(names: "DNS:localhost") { _, _, place in
            let group = EventLoopGroup(loops: 1)
            let client = HTTPClient(group: group)
            let url = try #require(HTTPURL("http://\(place)/"))
            await #expect(throws: HTTPClientError.self) { try await client.send(HTTPClientRequest(url: url)) }
            group.shutDown()
        }
        try await withServer { _, address in
            let group = EventLoopGroup(loops: 1)
            let client = HTTPClient(group: group)
            let url = try #require(HTTPURL("https://127.0.0.1:\(address.port ?? 0)/"))
            #expect(await failure(client, HTTPClientRequest(url: url))?.code == .tlsFailed)
            group.shutDown()
        }
    }
}
