extension IPAddress {
    /// The IPv4 address inside an IPv4-mapped (`::ffff:0:0/96`) or NAT64 (`64:ff9b::/96`, RFC 6052) address: where
    /// traffic to such an address really goes.
    public var embeddedV4: IPAddress? {
        guard case .v6(let high, let low) = self else { return nil }
        if high == 0, low >> 32 == 0xFFFF { return .v4(UInt32(truncatingIfNeeded: low)) }
        if high == 0x0064_FF9B_0000_0000, low >> 32 == 0 { return .v4(UInt32(truncatingIfNeeded: low)) }
        return nil
    }

    /// `::ffff:0:0/96`.
    public var isIPv4Mapped: Bool {
        guard case .v6(let high, let low) = self else { return false }
        return high == 0 && low >> 32 == 0xFFFF
    }

    /// `127.0.0.0/8` and `::1`, also embedded.
    public var isLoopback: Bool {
        if let embeddedV4 { return embeddedV4.isLoopback }
        return switch self {
        case .v4(let address): address >> 24 == 127
        case .v6(let high, let low): high == 0 && low == 1
        }
    }

    /// The private networks of RFC 1918, also embedded.
    public var isPrivate: Bool {
        if let embeddedV4 { return embeddedV4.isPrivate }
        guard case .v4(let address) = self else { return false }
        return address >> 24 == 10 || address >> 20 == 0xAC1 || address >> 16 == 0xC0A8
    }

    /// `169.254.0.0/16` and `fe80::/10`, also embedded.
    public var isLinkLocal: Bool {
        if let embeddedV4 { return embeddedV4.isLinkLocal }
        return switch self {
        case .v4(let address): address >> 16 == 0xA9FE
        case .v6(let high, _): high >> 54 == 0x3FA
        }
    }

    /// The unique local addresses `fc00::/7` of RFC 4193.
    public var isUniqueLocal: Bool {
        guard case .v6(let high, _) = self else { return false }
        return high >> 57 == 0x7E
    }

    /// `0.0.0.0/8` ("this network") and `::`, also embedded.
    public var isUnspecified: Bool {
        if let embeddedV4 { return embeddedV4.isUnspecified }
        return switch self {
        case .v4(let address): address >> 24 == 0
        case .v6(let high, let low): high == 0 && low == 0
        }
    }

    /// `224.0.0.0/4` and `ff00::/8`, also embedded.
    public var isMulticast: Bool {
        if let embeddedV4 { return embeddedV4.isMulticast }
        return switch self {
        case .v4(let address): address >> 28 == 0xE
        case .v6(let high, _): high >> 56 == 0xFF
        }
    }

    /// Whether the address is globally reachable by the IANA special-purpose address registries, and no multicast or
    /// reserved one. Addresses that carry an IPv4 address count as that one.
    public var isPublic: Bool {
        if let embeddedV4 { return embeddedV4.isPublic }
        return !Self.notGlobal.contains { $0.contains(self) }
    }

    // iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry: the blocks that are not
    // globally reachable; 6to4 and Teredo, whose traffic may end anywhere; multicast and reserved space.
    private static let notGlobal: [CIDRBlock] = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/3",
        "::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001:db8::/32", "2002::/16",
        "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    ].compactMap { CIDRBlock($0) }
}

/// A block of addresses, such as `10.0.0.0/8` or `fd00::/8`.
public struct CIDRBlock: Hashable, Sendable, CustomStringConvertible {
    /// The first address.
    public let address: IPAddress
    /// The number of leading bits that all addresses share: 0 to 32, or 0 to 128.
    public let prefixLength: Int

    /// Parses `address/length`; an address alone is a block of one. Bits beyond the prefix must be zero, because
    /// `10.1.2.3/8` is more often a slip than a wish.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = IPAddress(parts[0]) else { return nil }
        let bits = address.bits.count
        var length = bits
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(parts[1]), number <= bits
            else { return nil }
            length = number
        }
        self.address = address
        prefixLength = length
        let hostBits = bits - length
        let mask = hostBits >= 128 ? UInt128.max : (UInt128(1) << UInt128(hostBits)) - 1
        guard address.bits.value & mask == 0 else { return nil }
    }

    /// Whether the address lies in the block. An IPv4-mapped address is also looked for among IPv4 blocks.
    public func contains(_ other: IPAddress) -> Bool {
        let (bits, otherBits) = (address.bits, other.bits)
        guard bits.count == otherBits.count else {
            guard other.isIPv4Mapped, let embedded = other.embeddedV4 else { return false }
            return contains(embedded)
        }
        let shift = UInt128(bits.count - prefixLength)
        return shift >= 128 || bits.value >> shift == otherBits.value >> shift
    }

    /// `address/length`.
    public var description: String { "\(address)/\(prefixLength)" }
}

extension IPAddress {
    fileprivate var bits: (value: UInt128, count: Int) {
        switch self {
        case .v4(let address): (UInt128(address), 32)
        case .v6(let high, let low): (UInt128(high) << 64 | UInt128(low), 128)
        }
    }
}
