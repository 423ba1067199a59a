import EventLoop
import HTTP

/// One request to Emarsys before it has an address and an authorization.
struct EmarsysCall: Sendable {
    var operation: EmarsysOperation
    var method: HTTPMethod
    /// Below `/api/v2` or `/api/v3`, with its query.
    var path: String
    var body: [UInt8] = []
    /// Whether 202 and 423 are the caller's business and not failures to be retried here.
    var isPolled = false
    var maxResponseBytes = 16 << 20
}

/// What a call came to: for counters and logs. Holds no contact data and no secret.
public struct EmarsysCallRecord: Sendable, Hashable {
    /// Which call.
    public var operation: EmarsysOperation
    /// The HTTP status, 0 without an answer.
    public var httpStatus: Int
    /// From sending to the last byte.
    public var duration: Duration
}
