import EventLoop

/// To which addresses an ``HTTPClient`` may connect. Checked on the address that it then connects to, so that a name
/// which resolves differently the second time (DNS rebinding) gains nothing.
public struct AddressPolicy: Sendable, Hashable {
    private let isOpen: Bool
    private let allowed: [CIDRBlock]

    /// Every address.
    public static let any = AddressPolicy(isOpen: true, allowed: [])

    /// Addresses of the open internet (``IPAddress/isPublic``) and those in the blocks. IPv4-mapped addresses are refused
    /// in any case: nobody has a reason to write one.
    public static func publicOnly(allowing blocks: [CIDRBlock] = []) -> AddressPolicy {
        AddressPolicy(isOpen: false, allowed: blocks)
    }

    /// Whether a connection may be made.
    public func permits(_ address: SocketAddress) -> Bool {
        if isOpen { return true }
        guard let ip = address.ip else { return false }
        return permits(ip)
    }

    /// Whether a connection may be made.
    public func permits(_ address: IPAddress) -> Bool {
        if isOpen { return true }
        guard !address.isIPv4Mapped else { return false }
        return address.isPublic || allowed.contains { $0.contains(address) }
    }

    /// Whether the URL is acceptable as far as its text tells: an address in it is judged at once, a name when it is
    /// connected to; `localhost` and its subdomains count as loopback (RFC 6761 section 6.3).
    public func permits(_ url: HTTPURL) -> Bool {
        if isOpen { return true }
        if let address = IPAddress(url.host) { return permits(address) }
        if url.host == "localhost" || url.host.hasSuffix(".localhost") { return permits(.v4(0x7F00_0001)) }
        return !IPAddress.isNumericForm(url.host)
    }
}
