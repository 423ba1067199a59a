import EventLoop
import FoundationEssentials
import HTTP

/// Where deliveries may go: nowhere inside, unless the operator has allowed it.
public struct EndpointPolicy: Sendable {
    /// Checked on the configured address, and again on the resolved one that a connection is made to.
    public let addresses: AddressPolicy

    /// - Parameter addresses: `publicOnly`, with the networks of `CHARLES_ALLOWED_PRIVATE_NETWORKS`.
    public init(addresses: AddressPolicy) { self.addresses = addresses }

    /// Reads and checks a URL. A name that does not resolve (yet) is taken: the connection is checked again anyway.
    ///
    /// Throws 422 `invalid_url` for other schemes, credentials and numeric spellings, `address_not_allowed` for a host that is or
    /// resolves to an address inside.
    func check(_ text: String) async throws -> HTTPURL {
        guard let url = HTTPURL(text) else {
            throw Problem.invalid(
                "invalid_url", field: "url", "must be an http or https URL without credentials and fragment")
        }
        guard addresses.permits(url) else { throw Self.refusal }
        if !url.isAddress {
            let port = UInt16(clamping: url.port)
            let found = (try? await BlockingExecutor.shared.resolve(url.host, port: port)) ?? []
            guard found.allSatisfy({ addresses.permits($0) }) else { throw Self.refusal }
        }
        return url
    }

    private static var refusal: Problem {
        .invalid("address_not_allowed", field: "url", "must not lead into a private network")
    }
}
