/// An IPv4 or IPv6 address.
public enum IPAddress: Hashable, Sendable {
    /// An IPv4 address in host byte order.
    case v4(UInt32)
    /// An IPv6 address as two halves in host byte order.
    case v6(high: UInt64, low: UInt64)

    /// Parses `192.0.2.1` (four decimal numbers without leading zeros) or an IPv6 address of RFC 4291 section 2.2,
    /// without brackets and zone. Nothing else: no hexadecimal, octal or shortened IPv4.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        if bytes.contains(UInt8(ascii: ":")) {
            guard let groups = Self.groups(ofV6: bytes[...]) else { return nil }
            let halves = [groups[..<4], groups[4...]].map { $0.reduce(UInt64(0)) { $0 << 16 | UInt64($1) } }
            self = .v6(high: halves[0], low: halves[1])
        } else {
            guard let address = Self.dottedQuad(bytes[...]) else { return nil }
            self = .v4(address)
        }
    }

    /// Whether a URL's host looks like a number although it is no plain dotted quad: `127.1`, `0x7f000001`,
    /// `2130706433`, `0177.0.0.1`. The system's resolver reads such names as IPv4 addresses, so they would slip through
    /// a check of the text. The rule is "ends in a number" of the URL standard (url.spec.whatwg.org, section 3.5).
    public static func isNumericForm(_ host: some StringProtocol) -> Bool {
        var labels = host.split(separator: ".", omittingEmptySubsequences: false)
        if labels.last?.isEmpty == true { labels.removeLast() }
        guard let last = labels.last, !last.isEmpty else { return false }
        let isDecimal = last.utf8.allSatisfy { (48...57).contains($0) }
        let isHexadecimal =
            (last.hasPrefix("0x") || last.hasPrefix("0X"))
            && last.dropFirst(2).utf8.allSatisfy { byte in
                (48...57).contains(byte) || (97...102).contains(byte | 0x20)
            }
        return (isDecimal || isHexadecimal) && IPAddress(host) == nil
    }

    private static func dottedQuad(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.allSatisfy({ (48...57).contains($0) }),
                part.count == 1 || part.first != 48
            else { return nil }
            let value = part.reduce(UInt32(0)) { $0 * 10 + UInt32($1 - 48) }
            guard value <= 255 else { return nil }
            address = address << 8 | value
        }
        return address
    }

    private static func groups(ofV6 bytes: ArraySlice<UInt8>) -> [UInt16]? {
        let colon = UInt8(ascii: ":")
        let double = bytes.indices.dropLast().first { bytes[$0] == colon && bytes[$0 + 1] == colon }
        guard let double else {
            guard let groups = plainGroups(bytes), groups.count == 8 else { return nil }
            return groups
        }
        let (front, back) = (bytes[..<double], bytes[(double + 2)...])
        guard let head = front.isEmpty ? [] : plainGroups(front), let tail = back.isEmpty ? [] : plainGroups(back),
            head.count + tail.count <= 7, !front.contains(UInt8(ascii: "."))
        else { return nil }
        return head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
    }

    /// Groups between single colons; the last one may be a dotted quad, which counts as two.
    private static func plainGroups(_ bytes: ArraySlice<UInt8>) -> [UInt16]? {
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let quad = dottedQuad(part) else { return nil }
                groups += [UInt16(quad >> 16), UInt16(truncatingIfNeeded: quad)]
            } else {
                guard (1...4).contains(part.count),
                    let value = UInt16(String(decoding: part, as: UTF8.self), radix: 16),
                    part.first != UInt8(ascii: "+")
                else { return nil }
                groups.append(value)
            }
        }
        return groups.count <= 8 ? groups : nil
    }
}

extension IPAddress: CustomStringConvertible {
    /// The usual text; IPv6 in the form of RFC 5952 (lower case, the longest run of zero groups shortened).
    public var description: String {
        switch self {
        case .v4(let address):
            return "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
        case .v6(let high, let low):
            if high == 0, low >> 32 == 0xFFFF {
                return "::ffff:" + IPAddress.v4(UInt32(truncatingIfNeeded: low)).description
            }
            let groups = [high, low].flatMap { half in
                [48, 32, 16, 0].map { UInt16(truncatingIfNeeded: half >> UInt64($0)) }
            }
            return Self.text(of: groups)
        }
    }

    private static func text(of groups: [UInt16]) -> String {
        var longest = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(1, longest.count) { longest = start..<end }
            start = max(end, start + 1)
        }
        let text = { (groups: ArraySlice<UInt16>) in
            groups.map { String($0, radix: 16) }.joined(separator: ":")
        }
        if longest.isEmpty { return text(groups[...]) }
        return text(groups[..<longest.lowerBound]) + "::" + text(groups[longest.upperBound...])
    }
}
