/// What the `Host` of a request names. Pure: nothing is looked up.
public enum HostName: Sendable, Hashable {
    /// `<label>.<base domain>`: perhaps a tenant.
    case instance(String)
    /// `operator.<base domain>`.
    case `operator`
    /// A well-formed host that is none of ours: another domain, a nested name, the base domain itself, an address.
    case unknown
    /// Not a host: RFC 9110 7.2 asks for 400.
    case invalid

    /// Reads a `Host` value: case-insensitive, port ignored, one trailing dot ignored.
    ///
    /// - Parameters:
    ///   - host: the value as sent
    ///   - baseDomains: in lower case, without a dot at either end
    public init(_ host: String, baseDomains: [String]) {
        let bytes = host.utf8
        guard (1...300).contains(bytes.count) else {
            self = .invalid
            return
        }
        if bytes.first == 0x5B {
            self = HostName.isAddressLiteral(host) ? .unknown : .invalid
            return
        }
        var end = bytes.endIndex
        if let colon = bytes.firstIndex(of: 0x3A) {
            guard HostName.isPort(bytes[bytes.index(after: colon)...]) else {
                self = .invalid
                return
            }
            end = colon
        }
        guard end > bytes.startIndex else {
            self = .invalid
            return
        }
        if bytes[bytes.index(before: end)] == 0x2E { end = bytes.index(before: end) }
        var isLowercase = true
        for byte in bytes[..<end] {
            switch byte {
            case 0x61...0x7A, 0x30...0x39, 0x2D, 0x2E: break
            case 0x41...0x5A: isLowercase = false
            case 0x5F, 0x7E, 0x25, 0x21, 0x24, 0x26...0x2C, 0x3B, 0x3D: break  // the rest of RFC 3986's reg-name
            default:
                self = .invalid
                return
            }
        }
        let name = isLowercase ? host[..<end] : Substring(host[..<end].lowercased())
        guard !name.isEmpty, !HostName.hasEmptyLabel(name) else {
            self = .invalid
            return
        }
        self = HostName.place(name, baseDomains)
    }

    private static func place(_ name: Substring, _ baseDomains: [String]) -> HostName {
        let bytes = name.utf8
        for domain in baseDomains where bytes.count > domain.utf8.count + 1 {
            let dot = bytes.index(bytes.endIndex, offsetBy: -(domain.utf8.count + 1))
            // Bytes are compared, since String's own comparison normalises Unicode first.
            guard bytes[dot] == 0x2E, bytes[bytes.index(after: dot)...].elementsEqual(domain.utf8) else { continue }
            let label = String(name[..<dot])
            if label == "operator" { return .operator }
            // A base domain may lie below another one.
            guard InstanceName.isLabel(label) else { continue }
            if InstanceName.reserved.contains(label) { return .unknown }
            return .instance(label)
        }
        return .unknown
    }

    private static func hasEmptyLabel(_ name: Substring) -> Bool {
        var previous: UInt8 = 0x2E
        for byte in name.utf8 {
            if byte == 0x2E, previous == 0x2E { return true }
            previous = byte
        }
        return previous == 0x2E
    }

    private static func isPort(_ digits: Substring.UTF8View) -> Bool {
        digits.count <= 5 && digits.allSatisfy { (0x30...0x39).contains($0) } && (Int(Substring(digits)) ?? 0) <= 65_535
    }

    private static func isAddressLiteral(_ host: String) -> Bool {
        guard let close = host.utf8.firstIndex(of: 0x5D) else { return false }
        let inside = host.utf8[host.utf8.index(after: host.startIndex)..<close]
        let rest = host.utf8[host.utf8.index(after: close)...]
        guard
            !inside.isEmpty,
            inside.allSatisfy({
                (0x30...0x3A).contains($0) || (0x61...0x66).contains($0) || (0x41...0x46).contains($0) || $0 == 0x2E
            })
        else { return false }
        return rest.isEmpty || (rest.first == 0x3A && isPort(rest.dropFirst()))
    }
}
