import EventLoop
import HTTP

/// Sends one signed delivery.
protocol DeliveryTransport: Sendable {
    /// Never throws: not to get through is a result too.
    func post(_ url: HTTPURL, headers: HTTPHeaders, body: [UInt8]) async -> DeliveryResult
}

/// The one that uses the network. Redirects are not followed: a 3xx is a failure.
struct HTTPDeliveryTransport: DeliveryTransport {
    let client: HTTPClient
    let addresses: AddressPolicy
    let timeout: Duration

    func post(_ url: HTTPURL, headers: HTTPHeaders, body: [UInt8]) async -> DeliveryResult {
        let request = HTTPClientRequest(
            method: .post, url: url, headers: headers, body: body, timeout: timeout, maxResponseBytes: 1 << 20,
            addressPolicy: addresses)
        do {
            let response = try await client.send(request)
            return .answered(
                status: response.status.code,
                retryAfter: DeliveryVerdict.retryAfter(
                    response.headers["Retry-After"], now: SystemTime().now()),
                excerpt: Self.excerpt(response.body))
        } catch {
            return .failed(code: error.code.rawValue)
        }
    }

    /// The first kilobyte as text that the database can keep.
    static func excerpt(_ body: [UInt8]) -> String {
        String(decoding: body.prefix(1024), as: UTF8.self).replacing("\0", with: "")
    }
}
