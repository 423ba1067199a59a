import HTTP

/// Where analysts reach the database: the host, port and name of the service's own connection string, without its role.
public struct ReportingAddress: Sendable, Hashable {
    private let host: String?
    private let port: String?
    private let database: String
    private let sslmode: String?

    /// Reads a URI or keyword string as libpq does, as far as it says where the database is.
    public init(connectionString text: String) {
        var values = text.contains("://") ? Self.uri(text) : Self.keywords(text)
        // Several hosts are for failover of the service; a report takes the first.
        for key in ["host", "port"] { values[key] = values[key]?.split(separator: ",").first.map(String.init) }
        host = values["host"] ?? values["hostaddr"]
        port = values["port"]
        database = values["dbname"] ?? values["user"] ?? "postgres"
        sslmode = values["sslmode"]
    }

    /// The connection string of a login.
    public func dsn(role: String, password: String) -> String {
        var query: [String] = []
        var authority = ""
        if let host {
            if host.hasPrefix("/") || host.hasPrefix("@") {
                query.append("host=\(Self.escaped(host))")
                if let port { query.append("port=\(port)") }
            } else {
                authority = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
                if let port { authority += ":\(port)" }
            }
        } else if let port {
            query.append("port=\(port)")
        }
        if let sslmode { query.append("sslmode=\(sslmode)") }
        let tail = query.isEmpty ? "" : "?" + query.joined(separator: "&")
        return "postgresql://\(role):\(password)@\(authority)/\(Self.escaped(database))\(tail)"
    }

    private static func uri(_ text: String) -> [String: String] {
        var values: [String: String] = [:]
        guard let colon = text.firstIndex(of: ":") else { return values }
        var rest = text[colon...].dropFirst(3)
        if let mark = rest.firstIndex(of: "?") {
            for pair in rest[rest.index(after: mark)...].split(separator: "&") {
                let parts = pair.split(separator: "=", maxSplits: 1)
                if parts.count == 2 { values[String(parts[0])] = unescaped(parts[1]) }
            }
            rest = rest[..<mark]
        }
        if let slash = rest.firstIndex(of: "/") {
            let name = rest[rest.index(after: slash)...]
            if !name.isEmpty { values["dbname"] = unescaped(name) }
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: "@") {
            let user = rest[..<at].split(separator: ":", maxSplits: 1).first ?? ""
            if !user.isEmpty { values["user"] = unescaped(user) }
            rest = rest[rest.index(after: at)...]
        }
        var hosts: [String] = []
        var ports: [String] = []
        for entry in rest.split(separator: ",") {
            if entry.hasPrefix("["), let close = entry.firstIndex(of: "]") {
                hosts.append(String(entry[entry.index(after: entry.startIndex)..<close]))
                if let colon = entry[close...].firstIndex(of: ":") {
                    ports.append(String(entry[entry.index(after: colon)...]))
                }
            } else if let colon = entry.lastIndex(of: ":") {
                hosts.append(unescaped(entry[..<colon]))
                ports.append(String(entry[entry.index(after: colon)...]))
            } else {
                hosts.append(unescaped(entry))
            }
        }
        if !hosts.isEmpty { values["host"] = hosts.joined(separator: ",") }
        if !ports.isEmpty { values["port"] = ports.joined(separator: ",") }
        return values
    }

    private static func keywords(_ text: String) -> [String: String] {
        var values: [String: String] = [:]
        var rest = Substring(text)
        while true {
            rest = rest.drop { $0.isWhitespace }
            guard let equals = rest.firstIndex(of: "=") else { return values }
            let key = rest[..<equals].filter { !$0.isWhitespace }
            rest = rest[rest.index(after: equals)...].drop { $0.isWhitespace }
            var value = ""
            let isQuoted = rest.first == "'"
            if isQuoted { rest.removeFirst() }
            while let character = rest.first {
                rest.removeFirst()
                if character == "\\", let next = rest.first {
                    value.append(next)
                    rest.removeFirst()
                } else if isQuoted ? character == "'" : character.isWhitespace {
                    break
                } else {
                    value.append(character)
                }
            }
            values[key] = value
        }
    }

    private static func escaped(_ text: String) -> String { HTTPForm.encode(text) }

    private static func unescaped(_ text: Substring) -> String {
        HTTPForm.decode(Array(text.utf8)[...]) ?? String(text)
    }
}
