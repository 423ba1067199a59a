public import EventLoop
public import HTTP
public import Tenancy

/// Which host a request means: `Host`, or `X-Forwarded-Host` where a trusted proxy sent the request.
public struct HostPolicy: Sendable {
    /// In lower case, without a dot at either end.
    public let baseDomains: [String]
    /// Peers whose `X-Forwarded-Host` counts.
    public let trustedProxies: [CIDRBlock]
    private let domainBytes: [[UInt8]]

    /// A policy.
    public init(baseDomains: [String], trustedProxies: [CIDRBlock] = []) {
        self.baseDomains = baseDomains
        self.trustedProxies = trustedProxies
        domainBytes = baseDomains.map { Array($0.utf8) }
    }

    /// The host of a request.
    public func host(of request: HTTPRequest) -> HostName {
        if trustedProxies.isEmpty, let host = request.head.hostBytes,
            let plain = HostName.plain(host, baseDomains: domainBytes)
        {
            return plain
        }
        return HostName(effectiveHost(of: request), baseDomains: baseDomains)
    }

    /// The value of the field that counts; empty where there is none.
    func effectiveHost(of request: HTTPRequest) -> String {
        if !trustedProxies.isEmpty, let forwarded = request.header("X-Forwarded-Host"), isTrusted(request) {
            // Each proxy appends; the nearest one's word is the last.
            return String((forwarded.split(separator: ",").last ?? "").filter { $0 != " " })
        }
        return request.host ?? ""
    }

    private func isTrusted(_ request: HTTPRequest) -> Bool {
        guard let address = request.remoteAddress?.ip else { return false }
        return trustedProxies.contains { $0.contains(address) }
    }
}
