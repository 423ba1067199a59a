import HTTP

/// Which addresses a connection may name as `base_url` and `token_url`.
///
/// A tenant enters these, and our server calls them: without a policy they would be a door into the network that the
/// service runs in. Permitted are `https` on names below `emarsys.net`, and the names that the operator of the service
/// lists, on any port and by plain `http` as well.
public struct EmarsysEndpointPolicy: Sendable, Hashable {
    /// Why an address was refused.
    public enum Refusal: String, Error, Sendable, Hashable {
        /// Not an absolute http or https URL, or one with a query, a fragment or credentials.
        case malformed
        /// The host is neither below emarsys.net nor listed.
        case hostNotPermitted
        /// Plain http, or a port of its own, on a host that is not listed.
        case httpsRequired
    }

    private let extraHosts: Set<String>

    /// A policy with the names of `CHARLES_EMARSYS_HOSTS`.
    public init(extraHosts: [String] = []) {
        self.extraHosts = Set(extraHosts.map(EmarsysEndpointPolicy.normalised).filter { !$0.isEmpty })
    }

    /// Parses and judges an address.
    ///
    /// - Throws: the reason of the refusal
    public func permitted(_ text: String) throws(Refusal) -> HTTPURL {
        guard let url = HTTPURL(text), !text.utf8.contains(0x3F), !text.utf8.contains(0x23), !text.utf8.contains(0x40)
        else { throw .malformed }
        let host = EmarsysEndpointPolicy.normalised(url.host)
        if extraHosts.contains(host) { return url }
        guard host.hasSuffix(".emarsys.net"), host.utf8.allSatisfy({ $0 != 0x3A && $0 != 0x25 }) else {
            throw .hostNotPermitted
        }
        guard url.isSecure, url.port == 443 else { throw .httpsRequired }
        return url
    }

    /// The addresses that a permitted host may resolve to: public ones for emarsys.net, any for listed names.
    public func addressPolicy(for url: HTTPURL) -> AddressPolicy {
        extraHosts.contains(EmarsysEndpointPolicy.normalised(url.host)) ? .any : .publicOnly()
    }

    private static func normalised(_ host: String) -> String {
        var name = host.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        if name.hasPrefix("["), name.hasSuffix("]") { name = String(name.dropFirst().dropLast()) }
        return name
    }
}
