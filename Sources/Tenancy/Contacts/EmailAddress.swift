@_spi(_Unicode) import Swift

/// An e-mail address as it is compared and as it is shown.
public struct NormalisedEmail: Sendable, Hashable {
    /// For comparing: local part and domain in small letters, the domain as A-labels. Plus tags and dots count: the local
    /// part is opaque (RFC 5321, 2.3.11).
    public let value: String
    /// As received, with the domain in small letters.
    public let shown: String
}

/// Why an e-mail address cannot be used.
public enum EmailFault: String, Error, Sendable, Hashable {
    /// Empty, or a word that stands for nothing.
    case absent = "email_absent"
    /// Not one `@`, no dot in the domain, blanks inside, or too long.
    case invalid = "email_invalid"
    /// An address that nobody reads: noreply, test, or one on the tenant's list.
    case blocked = "email_blocked"
}

/// The one normaliser of e-mail addresses, for writing and for looking up.
public enum EmailAddress {
    private static let blockedLocalParts: Set<String> = [
        "noreply", "no-reply", "no_reply", "donotreply", "do-not-reply",
    ]

    /// - Parameters:
    ///   - raw: as received
    ///   - blocked: the tenant's block list and its role addresses, in small letters
    public static func normalise(_ raw: String, blocked: Set<String> = []) -> Result<NormalisedEmail, EmailFault> {
        guard let text = IdentifierText.present(raw) else { return .failure(.absent) }
        return plain(text, blocked: blocked) ?? general(text, blocked: blocked)
    }

    /// Addresses as nearly all are, byte by byte; nil for those that need a closer look, whatever comes of it.
    static func plain(_ text: String, blocked: Set<String>) -> Result<NormalisedEmail, EmailFault>? {
        let source = text.utf8
        guard source.count <= 254 else { return nil }
        var value: [UInt8] = []
        value.reserveCapacity(source.count)
        var at: Int?
        var labelStart = 0
        var labels = 0
        func endsLabel() -> Bool {
            let length = value.count - labelStart
            return (1...63).contains(length) && value[labelStart] != 0x2D && value[value.count - 1] != 0x2D
        }
        for byte in source {
            let folded = (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
            if at != nil {
                if byte == 0x2E {
                    guard endsLabel() else { return nil }
                    labels += 1
                    labelStart = value.count + 1
                } else if !isHostByte(folded) {
                    return nil
                }
            } else if byte == 0x40 {
                guard (1...64).contains(value.count) else { return nil }
                at = value.count
                labelStart = value.count + 1
            } else if !isPlainLocalByte(byte) {
                return nil
            }
            value.append(folded)
        }
        guard let at, labels > 0, endsLabel() else { return nil }
        let address = String(decoding: value, as: UTF8.self)
        let local = String(decoding: value[..<at], as: UTF8.self)
        if blockedLocalParts.contains(local) || blocked.contains(address) { return .failure(.blocked) }
        if local == "test", value[(at + 1)...].starts(with: "test.".utf8) { return .failure(.blocked) }
        // The local part is shown as received.
        for (index, byte) in source.enumerated().prefix(at) { value[index] = byte }
        return .success(NormalisedEmail(value: address, shown: String(decoding: value, as: UTF8.self)))
    }

    private static func isPlainLocalByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x22, 0x28, 0x29, 0x2C, 0x3B, 0x3C, 0x3E, 0x5B, 0x5C, 0x5D: false
        default: byte > 0x20 && byte < 0x7F
        }
    }

    /// Any address. Answers the same for the plain ones.
    static func general(_ text: String, blocked: Set<String>) -> Result<NormalisedEmail, EmailFault> {
        var text = text
        let isASCII = text.utf8.allSatisfy { $0 < 0x80 }
        if !isASCII {
            var normal = String.UnicodeScalarView()
            for scalar in text._nfc where !scalar.properties.isDefaultIgnorableCodePoint { normal.append(scalar) }
            text = String(normal)
        }
        guard text.utf8.count <= 254 * 2, let at = text.firstIndex(of: "@"), at > text.startIndex,
            !text[text.index(after: at)...].contains("@"), !text.unicodeScalars.contains(where: IdentifierText.isBlank),
            !text.contains(where: { "<>,;\"()[]\\".contains($0) })
        else { return .failure(.invalid) }
        let local = text[..<at]
        guard let domain = domain(text[text.index(after: at)...].lowercased()) else { return .failure(.invalid) }
        let folded = local.lowercased()
        let value = folded + "@" + domain
        guard value.utf8.count <= 254, local.utf8.count <= 64 else { return .failure(.invalid) }
        if blockedLocalParts.contains(folded) || blocked.contains(value) { return .failure(.blocked) }
        if folded == "test", domain.hasPrefix("test.") { return .failure(.blocked) }
        return .success(NormalisedEmail(value: value, shown: local + "@" + domain))
    }

    /// The domain as A-labels; nil where it is none.
    private static func domain(_ text: String) -> String? {
        var text = Substring(text)
        if text.last == "." { text = text.dropLast() }
        var labels: [String] = []
        for label in text.split(separator: ".", omittingEmptySubsequences: false) {
            guard !label.isEmpty else { return nil }
            if label.utf8.allSatisfy({ $0 < 0x80 }) {
                guard label.utf8.allSatisfy(isHostByte) else { return nil }
                labels.append(String(label))
            } else if let encoded = Punycode.encode(label) {
                labels.append("xn--" + encoded)
            } else {
                return nil
            }
        }
        guard labels.count >= 2, labels.allSatisfy({ $0.utf8.count <= 63 && !$0.hasPrefix("-") && !$0.hasSuffix("-") })
        else { return nil }
        return labels.joined(separator: ".")
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x5F
    }
}

/// The encoding of international domain labels, RFC 3492.
enum Punycode {
    /// The label without its `xn--`; nil for labels that overflow.
    static func encode(_ label: some StringProtocol) -> String? {
        let scalars = Array(label.unicodeScalars)
        var output = scalars.filter { $0.value < 0x80 }.map { UInt8($0.value) }
        let basic = output.count
        var handled = basic
        if basic > 0 { output.append(0x2D) }
        var next: UInt32 = 128
        var delta: UInt32 = 0
        var bias: UInt32 = 72
        while handled < scalars.count {
            guard let smallest = scalars.map(\.value).filter({ $0 >= next }).min() else { return nil }
            let (step, overflowed) = (smallest - next).multipliedReportingOverflow(by: UInt32(handled + 1))
            if overflowed || delta > UInt32.max - step { return nil }
            delta += step
            next = smallest
            for scalar in scalars {
                if scalar.value < next { delta += 1 }
                guard scalar.value == next else { continue }
                var quotient = delta
                var position: UInt32 = 36
                while true {
                    let threshold = position <= bias ? 1 : position >= bias + 26 ? 26 : position - bias
                    if quotient < threshold { break }
                    output.append(digit(threshold + (quotient - threshold) % (36 - threshold)))
                    quotient = (quotient - threshold) / (36 - threshold)
                    position += 36
                }
                output.append(digit(quotient))
                bias = adapted(delta, UInt32(handled + 1), isFirst: handled == basic)
                delta = 0
                handled += 1
            }
            delta += 1
            next += 1
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func digit(_ value: UInt32) -> UInt8 { UInt8(value < 26 ? value + 97 : value - 26 + 48) }

    private static func adapted(_ delta: UInt32, _ count: UInt32, isFirst: Bool) -> UInt32 {
        var delta = isFirst ? delta / 700 : delta / 2
        delta += delta / count
        var steps: UInt32 = 0
        while delta > 455 {
            delta /= 35
            steps += 36
        }
        return steps + 36 * delta / (delta + 38)
    }
}
