public import Emarsys
public import EventLoop
public import HTTP

/// What all calls to Emarsys of a process share: the HTTP client, tokens, rate budgets, and which hosts may be called.
public struct EmarsysAccess: Sendable {
    /// Which addresses a tenant may enter.
    public let policy: EmarsysEndpointPolicy
    /// Tokens and budgets by connection.
    public let shared: EmarsysSharedState
    let http: HTTPClient
    let time: any TimeSource

    /// Access through an HTTP client.
    public init(http: HTTPClient, policy: EmarsysEndpointPolicy, time: any TimeSource) {
        self.http = http
        self.policy = policy
        self.time = time
        shared = EmarsysSharedState()
    }

    func client(_ connection: EmarsysConnection) -> EmarsysClient {
        EmarsysClient(connection: connection, http: http, shared: shared, time: time, policy: policy)
    }
}
