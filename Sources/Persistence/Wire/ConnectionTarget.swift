import CPostgres
import EventLoop

/// Keywords and values for `PQconnectStartParams`, read from a URI and completed with what the service wants.
struct ConnectionTarget: Sendable {
    private(set) var values: [String: String]

    /// Reads a URI or keyword string.
    ///
    /// Throws `.misuse` for a malformed one; the message does not repeat it, since it holds a password.
    init(_ url: String, applicationName: String) throws(DatabaseError) {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &message) else {
            PQfreemem(message)
            throw DatabaseError(.misuse, context: "malformed database URL")
        }
        defer { PQconninfoFree(options) }
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        values["client_encoding"] = "UTF8"
        if values["application_name"] == nil { values["application_name"] = applicationName }
        // Without this, libpq asks the server for Kerberos encryption first: a round trip and a search for tickets.
        if values["gssencmode"] == nil { values["gssencmode"] = "disable" }
        self.values = values
    }

    /// The role that logs in, the database and the password, as far as they are given.
    var user: String? { values["user"] }
    var database: String? { values["dbname"] ?? values["user"] }
    var password: String? { values["password"] }

    /// Looks up host names away from the loop and gives libpq the addresses: its own look-up would block the loop.
    ///
    /// Throws `.unavailable` when a name cannot be resolved.
    mutating func resolve() async throws(DatabaseError) {
        guard let host = values["host"], !host.isEmpty, values["hostaddr"] == nil else { return }
        let ports = (values["port"] ?? "5432").split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        var addresses: [String] = []
        for (index, name) in host.split(separator: ",", omittingEmptySubsequences: false).map(String.init).enumerated()
        {
            if name.hasPrefix("/") || name.hasPrefix("@") || name.isEmpty {
                addresses.append("")
                continue
            }
            let port = UInt16(index < ports.count ? ports[index] : ports[0]) ?? 5432
            addresses.append(try await Self.address(of: name, port: port))
        }
        // An empty entry beside a socket's directory is what libpq expects.
        if addresses.contains(where: { !$0.isEmpty }) { values["hostaddr"] = addresses.joined(separator: ",") }
    }

    private static func address(of name: String, port: UInt16) async throws(DatabaseError) -> String {
        do {
            if let ip = try await BlockingExecutor.shared.resolve(name, port: port).first?.ip { return ip.description }
        } catch {}
        throw DatabaseError(.unavailable, context: "the database host's name does not resolve")
    }

    /// Calls `body` with the two parallel, null-terminated arrays libpq wants.
    func withParameters<R>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>) -> R
    ) -> R {
        var text: [CChar] = []
        var places: [(key: Int, value: Int)] = []
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            let keyAt = text.count
            text.append(contentsOf: key.utf8CString)
            let valueAt = text.count
            text.append(contentsOf: value.utf8CString)
            places.append((keyAt, valueAt))
        }
        return text.withUnsafeBufferPointer { buffer in
            let keys: [UnsafePointer<CChar>?] = places.map { buffer.baseAddress?.advanced(by: $0.key) } + [nil]
            let values: [UnsafePointer<CChar>?] = places.map { buffer.baseAddress?.advanced(by: $0.value) } + [nil]
            return body(keys, values)
        }
    }
}
