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
    let usage: CallUsage?

    /// Access through an HTTP client; `usage` counts the calls of connected tenants.
    public init(http: HTTPClient, policy: EmarsysEndpointPolicy, time: any TimeSource, usage: CallUsage? = nil) {
        self.http = http
        self.usage = usage
        self.policy = policy
        self.time = time
        shared = EmarsysSharedState()
    }

    func client(_ connection: EmarsysConnection) -> EmarsysClient {
        EmarsysClient(connection: connection, http: http, shared: shared, time: time, policy: policy)
    }
}
