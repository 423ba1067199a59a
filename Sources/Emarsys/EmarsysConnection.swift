/// Where and as whom to call Emarsys.
public struct EmarsysConnection: Sendable, Hashable {
    /// The base URL of accounts without an environment of their own.
    public static let defaultBaseURL = "https://api.emarsys.net"

    /// Names the connection inside this process: calls under the same key share token, rate budget and segment turn.
    public let key: String
    /// The credential.
    public let credential: EmarsysCredential
    /// Scheme, host and port, without a slash at the end.
    public let baseURL: String

    /// A connection.
    ///
    /// - Parameters:
    ///   - key: a name unique in the process, such as the tenant's id; another credential must have another key
    ///   - credential: as whom to call
    ///   - baseURL: as the customer entered it: a slash at the end and `/api/v2` or `/api/v3` are taken off
    public init(key: String, credential: EmarsysCredential, baseURL: String = EmarsysConnection.defaultBaseURL) {
        self.key = key
        self.credential = credential
        var base = Substring(baseURL)
        while base.hasSuffix("/") { base.removeLast() }
        for version in ["/api/v2", "/api/v3"] where base.hasSuffix(version) {
            base.removeLast(version.utf8.count)
        }
        while base.hasSuffix("/") { base.removeLast() }
        self.baseURL = String(base)
    }
}
