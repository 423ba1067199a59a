import HTTP

extension HostPolicy {
    /// The origin under which a client outside reaches the host of a request: https, and http on this machine alone.
    func publicOrigin(of request: HTTPRequest) -> String {
        let host = effectiveHost(of: request).lowercased()
        var name = host
        if let colon = host.firstIndex(of: ":") { name = String(host[..<colon]) }
        if name.hasSuffix(".") { name.removeLast() }
        let isLocal = name == "localhost" || name.hasSuffix(".localhost")
        return isLocal ? "http://\(host)" : "https://\(host)"
    }
}
