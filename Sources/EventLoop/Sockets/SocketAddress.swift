import CSystem
import Glibc

/// Where a socket listens or connects to.
public enum SocketAddress: Hashable, Sendable {
    /// An IP address and port; the scope is the interface's number of a link-local IPv6 address, else 0.
    case ip(IPAddress, port: UInt16, scope: UInt32 = 0)
    /// A unix socket's path; empty for a peer without a name.
    case unix(String)

    /// Parses `192.0.2.1:8080`, `[2001:db8::1]:8080`, `unix:/path` or an absolute path. No host names.
    public init?(_ text: some StringProtocol) {
        if text.hasPrefix("unix:") || text.hasPrefix("/") {
            let path = text.hasPrefix("/") ? String(text) : String(text.dropFirst(5))
            guard !path.isEmpty, path.utf8.count < Self.unixPathCapacity, !path.utf8.contains(0) else { return nil }
            self = .unix(path)
            return
        }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits)
        else { return nil }
        var host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard let address = IPAddress(host) else { return nil }
        if case .v6 = address { guard isBracketed else { return nil } } else if isBracketed { return nil }
        self = .ip(address, port: port)
    }

    /// An IPv4 address of this machine's loopback interface.
    public static func loopback(port: UInt16) -> SocketAddress { .ip(.v4(0x7F00_0001), port: port) }

    /// The IP address, or nil for a unix socket.
    public var ip: IPAddress? { if case .ip(let address, _, _) = self { address } else { nil } }

    /// The port, or nil for a unix socket.
    public var port: UInt16? { if case .ip(_, let port, _) = self { port } else { nil } }

    /// Whether only processes of this machine can be at the other end.
    public var isLoopback: Bool { ip?.isLoopback ?? true }

    private static var unixPathCapacity: Int { MemoryLayout.size(ofValue: sockaddr_un().sun_path) }
}

extension SocketAddress: CustomStringConvertible {
    /// The form that `init(_:)` reads.
    public var description: String {
        switch self {
        case .ip(let address, let port, _):
            if case .v6 = address { return "[\(address)]:\(port)" }
            return "\(address):\(port)"
        case .unix(let path): return "unix:\(path)"
        }
    }
}

// The C structures.
extension SocketAddress {
    var family: CInt {
        switch self {
        case .ip(.v4, _, _): AF_INET
        case .ip(.v6, _, _): AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// Calls the body with the address as system calls take it.
    func withSystemAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        let length: Int
        switch self {
        case .ip(.v4(let address), let port, _):
            var system = sockaddr_in()
            system.sin_family = sa_family_t(AF_INET)
            system.sin_port = port.bigEndian
            system.sin_addr.s_addr = address.bigEndian
            length = Self.store(&system, in: &storage)
        case .ip(.v6(let high, let low), let port, let scope):
            var system = sockaddr_in6()
            system.sin6_family = sa_family_t(AF_INET6)
            system.sin6_port = port.bigEndian
            system.sin6_scope_id = scope
            withUnsafeMutableBytes(of: &system.sin6_addr) { bytes in
                bytes.storeBytes(of: high.bigEndian, toByteOffset: 0, as: UInt64.self)
                bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            length = Self.store(&system, in: &storage)
        case .unix(let path):
            var system = sockaddr_un()
            system.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &system.sun_path) { bytes in
                bytes.copyBytes(from: path.utf8.prefix(bytes.count - 1))
            }
            length = Self.store(&system, in: &storage)
        }
        return withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
        }
    }

    private static func store<System>(_ system: inout System, in storage: inout sockaddr_storage) -> Int {
        withUnsafeMutableBytes(of: &storage) { target in
            withUnsafeBytes(of: &system) { target.copyMemory(from: $0) }
        }
        return MemoryLayout<System>.size
    }

    /// Reads what a system call wrote; nil for a family that is none of ours.
    init?(_ storage: sockaddr_storage) {
        let address = withUnsafeBytes(of: storage) { bytes -> SocketAddress? in
            switch CInt(storage.ss_family) {
            case AF_INET:
                let system = bytes.load(as: sockaddr_in.self)
                return .ip(.v4(UInt32(bigEndian: system.sin_addr.s_addr)), port: UInt16(bigEndian: system.sin_port))
            case AF_INET6:
                let system = bytes.load(as: sockaddr_in6.self)
                let halves = withUnsafeBytes(of: system.sin6_addr) { address in
                    [0, 8].map { UInt64(bigEndian: address.loadUnaligned(fromByteOffset: $0, as: UInt64.self)) }
                }
                return .ip(
                    .v6(high: halves[0], low: halves[1]), port: UInt16(bigEndian: system.sin6_port),
                    scope: system.sin6_scope_id)
            case AF_UNIX:
                let path = bytes[MemoryLayout<sa_family_t>.size...].prefix { $0 != 0 }
                return .unix(String(decoding: path, as: UTF8.self))
            default: return nil
            }
        }
        guard let address else { return nil }
        self = address
    }

    /// The address that `getsockname` tells for the descriptor.
    init?(ofSocket descriptor: CInt) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard result == 0 else { return nil }
        self.init(storage)
    }
}
