public import HTTP
import Tenancy

/// Probes and metrics, on a listener of their own that no tenant reaches.
public struct ManagementResponder: HTTPResponder {
    private let isReady: @Sendable () -> Bool
    private let metrics: @Sendable () async -> String

    /// A responder.
    ///
    /// - Parameters:
    ///   - isReady: whether requests may be sent here: the database answers and the process is not draining
    ///   - metrics: the Prometheus text
    public init(isReady: @escaping @Sendable () -> Bool, metrics: @escaping @Sendable () async -> String) {
        self.isReady = isReady
        self.metrics = metrics
    }

    /// Answers one request.
    public func respond(to request: HTTPRequest) async -> HTTPResponse {
        guard request.method == .get || request.method == .head else {
            return Problem(.methodNotAllowed, "method_not_allowed", headers: ["Allow": "GET, HEAD"])
                .response(requestID: request.requestID)
        }
        switch request.path {
        case "/healthz": return .text("ok\n")
        case "/readyz":
            return isReady() ? .text("ready\n") : .text("not ready\n", status: .serviceUnavailable)
        case "/metrics":
            return .text(await metrics(), type: "text/plain; version=0.0.4; charset=utf-8")
        default:
            return Problem.notFound("not_found", nil).response(requestID: request.requestID)
        }
    }
}
