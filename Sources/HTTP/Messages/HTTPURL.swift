import Glibc

/// An `http` or `https` address to call, taken strictly: no user information, no fragment, no numeric spelling of an
/// address but the dotted one, ASCII alone.
public struct HTTPURL: Sendable, Hashable, CustomStringConvertible {
    /// Whether the connection is protected by TLS.
    public let isSecure: Bool
    /// The host in lower case, an IPv6 address without its brackets.
    public let host: String
    /// Whether the host is an address rather than a name.
    public let isAddress: Bool
    /// 1 to 65535.
    public let port: Int
    /// What goes into the request line: path and query.
    public let target: String

    /// Reads an address; nil where it is anything else.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= 8_192, bytes.allSatisfy({ HTTPGrammar.isTarget($0) && $0 != 0x23 && $0 != 0x5C }) else {
            return nil
        }
        let lower = text.lowercased()
        let prefix: Int
        if lower.hasPrefix("http://") {
            (isSecure, prefix) = (false, 7)
        } else if lower.hasPrefix("https://") {
            (isSecure, prefix) = (true, 8)
        } else {
            return nil
        }
        let delimiters: Set<UInt8> = [UInt8(ascii: "/"), UInt8(ascii: "?")]
        let end = bytes[prefix...].firstIndex(where: delimiters.contains) ?? bytes.count
        guard let parts = HTTPAuthority.parts(bytes.span.bytes, prefix..<end) else { return nil }
        let name = String(decoding: bytes[parts.host], as: UTF8.self).lowercased()
        guard let (host, isAddress) = Self.check(host: name) else { return nil }
        self.host = host
        self.isAddress = isAddress
        if let range = parts.port, !range.isEmpty {
            guard let number = Int(String(decoding: bytes[range], as: UTF8.self)), number > 0 else { return nil }
            port = number
        } else {
            port = isSecure ? 443 : 80
        }
        let rest = String(decoding: bytes[end...], as: UTF8.self)
        target = rest.hasPrefix("/") ? rest : "/" + rest
    }

    /// A host as it should be written: an IPv6 address in brackets, a dotted IPv4 address, or DNS labels. What ends in
    /// a number but is no dotted address would be read as one by some resolvers, and is refused.
    private static func check(host: String) -> (String, isAddress: Bool)? {
        if host.hasPrefix("[") {
            let inner = String(host.dropFirst().dropLast())
            var address = in6_addr()
            return inet_pton(AF_INET6, inner, &address) == 1 ? (inner, true) : nil
        }
        var name = Substring(host)
        if name.hasSuffix(".") { name = name.dropLast() }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard let last = labels.last, name.utf8.count <= 253 else { return nil }
        if last.utf8.allSatisfy(HTTPGrammar.isDigit) || last.hasPrefix("0x") {
            var address = in_addr()
            return inet_pton(AF_INET, host, &address) == 1 ? (host, true) : nil
        }
        let isName = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                && label.utf8.allSatisfy { HTTPGrammar.isUnreserved($0) && $0 != UInt8(ascii: "~") }
        }
        return isName ? (String(name), false) : nil
    }

    /// The value for `Host`: without the port where it is the scheme's own.
    public var authority: String {
        let written = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? written : "\(written):\(port)"
    }

    /// Scheme, host and port, for keying connections.
    public var origin: String { (isSecure ? "https://" : "http://") + authority }

    /// The address written out.
    public var description: String { origin + target }

    /// An address of the same origin with another path and query.
    /// - Parameter target: begins with `/`; nil is returned where it is no valid target.
    public func with(target: String) -> HTTPURL? {
        target.hasPrefix("/") ? HTTPURL(origin + target) : nil
    }
}
