import EventLoop
import Tenancy

/// Reads settings and collects what is wrong with them.
public struct SettingReader {
    private let environment: [String: String]
    /// What was wrong so far.
    public private(set) var faults: [SettingFault] = []

    /// A reader over an environment.
    public init(_ environment: [String: String]) { self.environment = environment }

    /// A setting's value, or its fallback; an empty one counts as not set.
    public func value(_ name: String) -> String? {
        if let value = environment[name], !value.isEmpty { return value }
        return Setting.all.first { $0.name == name }?.fallback
    }

    /// A setting that has to be there.
    public mutating func required(_ name: String) -> String? {
        guard let value = value(name) else {
            fault(name, "is not set")
            return nil
        }
        return value
    }

    /// The master keys.
    public mutating func masterKeys(_ name: String) -> MasterKeys? {
        guard let text = required(name) else { return nil }
        do { return try MasterKeys(parsing: text) } catch {
            switch error {
            case .empty: fault(name, "holds no key")
            case .malformed(let entry): fault(name, "entry \(entry) is not <id>:<base64 of 32 bytes>")
            case .duplicateID(let id): fault(name, "has the id \(id) twice")
            }
            return nil
        }
    }

    mutating func baseDomains(_ name: String) -> [String] {
        guard let text = required(name) else { return [] }
        let domains = Self.list(text).map { domain in
            let lower = domain.lowercased()
            return lower.hasSuffix(".") ? String(lower.dropLast()) : lower
        }
        for domain in domains
        where !domain.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(InstanceName.isLabel) {
            fault(name, "\"\(domain)\" is not a domain name")
        }
        if domains.isEmpty { fault(name, "names no domain") }
        return domains
    }

    mutating func operatorToken(_ name: String) -> String? {
        guard let token = value(name) else { return nil }
        guard (8...256).contains(token.utf8.count), token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            fault(name, "must be 8 to 256 printable ASCII characters without blanks")
            return nil
        }
        return token
    }

    mutating func address(_ name: String) -> SocketAddress? {
        guard let text = required(name) else { return nil }
        guard let address = SocketAddress(text) else {
            fault(name, "is not an address with a port, such as 127.0.0.1:8080, [::]:8080 or unix:/run/charles.sock")
            return nil
        }
        return address
    }

    mutating func tls() -> (certificate: String, key: String)? {
        switch (value("CHARLES_TLS_CERTIFICATE"), value("CHARLES_TLS_KEY")) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return (certificate, key)
        case (nil, _):
            fault("CHARLES_TLS_CERTIFICATE", "is not set, but CHARLES_TLS_KEY is")
        case (_, nil):
            fault("CHARLES_TLS_KEY", "is not set, but CHARLES_TLS_CERTIFICATE is")
        }
        return nil
    }

    mutating func blocks(_ name: String) -> [CIDRBlock] {
        Self.list(value(name) ?? "").compactMap { text in
            if let block = CIDRBlock(text) { return block }
            fault(name, "\"\(text)\" is not a CIDR block such as 10.0.0.0/8 (no bits beyond the prefix)")
            return nil
        }
    }

    mutating func hosts(_ name: String) -> [String] {
        Self.list(value(name) ?? "").compactMap { text in
            let host = text.lowercased()
            let isHost = host.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || [0x2D, 0x2E, 0x3A, 0x5B, 0x5D].contains($0)
            }
            guard isHost, !host.contains("://") else {
                fault(name, "\"\(text)\" is not a host name")
                return nil
            }
            // A port is tolerated and counts for nothing: any port is allowed.
            guard !host.hasPrefix("["), let colon = host.firstIndex(of: ":") else { return host }
            return String(host[..<colon])
        }
    }

    mutating func duration(_ name: String) -> Duration {
        guard let text = value(name), let duration = Self.duration(text), duration > .zero else {
            fault(name, "is not a duration such as 3s, 10m or 12h")
            return .seconds(1)
        }
        return duration
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int {
        guard let text = value(name), let number = Int(text), range.contains(number) else {
            fault(name, "must be a number from \(range.lowerBound) to \(range.upperBound)")
            return range.lowerBound
        }
        return number
    }

    /// A switch: on or off.
    public mutating func flag(_ name: String) -> Bool {
        switch value(name) {
        case "on": return true
        case "off": return false
        default:
            fault(name, "must be on or off")
            return true
        }
    }

    mutating func logLevel(_ name: String) -> Log.Level {
        guard let level = Log.Level(name: value(name) ?? "") else {
            fault(name, "must be debug, info, warning or error")
            return .info
        }
        return level
    }

    /// `3s`, `10m`, `12h`, `2d`: a whole number and a unit.
    public static func duration(_ text: String) -> Duration? {
        guard let unit = text.last, let count = Int64(text.dropLast()), (0...1_000_000_000).contains(count) else {
            return nil
        }
        return switch unit {
        case "s": .seconds(count)
        case "m": .seconds(count * 60)
        case "h": .seconds(count * 3600)
        case "d": .seconds(count * 86_400)
        default: nil
        }
    }

    private static func list(_ text: String) -> [String] {
        text.split(separator: ",").map { $0.filter { $0 != " " && $0 != "\n" && $0 != "\t" } }.filter { !$0.isEmpty }
    }

    private mutating func fault(_ name: String, _ message: String) {
        faults.append(SettingFault(setting: name, message: message))
    }
}
