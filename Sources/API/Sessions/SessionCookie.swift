import EventLoop

/// `Set-Cookie` lines of sessions: for this host alone, not for scripts, not from other sites.
enum SessionCookie {
    static func set(_ name: String, _ value: String, lifetime: Duration, host: String) -> String {
        "\(name)=\(value); Path=/; HttpOnly; SameSite=Strict; Max-Age=\(lifetime.components.seconds)" + secure(host)
    }

    static func clear(_ name: String, host: String) -> String {
        "\(name)=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0" + secure(host)
    }

    /// Off loopback the cookie travels over TLS only. `localhost` and names below it always mean this machine (RFC 6761 6.3).
    private static func secure(_ host: String) -> String {
        var name = host.lowercased()
        if let colon = name.firstIndex(of: ":") { name = String(name[..<colon]) }
        if name.hasSuffix(".") { name.removeLast() }
        return name == "localhost" || name.hasSuffix(".localhost") || name == "127.0.0.1" ? "" : "; Secure"
    }
}
