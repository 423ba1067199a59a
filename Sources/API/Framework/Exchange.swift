public import EventLoop
public import FoundationEssentials
import HTTP
import JSON
import Tenancy

/// A request and how it was answered, as metrics and logs see it: nothing of what a client wrote.
public struct Exchange: Sendable {
    /// The method; `OTHER` for one that no route has.
    public internal(set) var method = "OTHER"
    /// The route's pattern; `page` and `asset` for what is below no API, `unmatched` for nothing known.
    public internal(set) var route = "unmatched"
    /// `webhook`, `api`, `operator` or `page`.
    public internal(set) var surface = "api"
    /// The status of the answer.
    public internal(set) var status = 0
    /// From the whole request to its answer.
    public internal(set) var duration = Duration.zero
    /// The request's id.
    public internal(set) var requestID = ""
    /// Whose host was asked.
    public internal(set) var tenantID: UUID?
    /// The trace it belongs to.
    public internal(set) var trace: TraceContext?

    init(_ request: HTTPRequest) {
        requestID = request.requestID
        let known: [HTTPMethod] = [.get, .head, .post, .put, .patch, .delete, .options]
        if known.contains(request.method) { method = request.method.rawValue }
        let path = request.head.pathBytes
        if path.starts(with: "/api/v0/webhooks/".utf8) {
            surface = "webhook"
        } else if !path.starts(with: "/api/".utf8) {
            surface = "page"
            route = path.starts(with: "/assets/".utf8) ? "asset" : "page"
        }
    }
}

extension Log {
    /// One line for a request; a warning where the service could not do what it should.
    public func callAsFunction(_ exchange: Exchange) {
        line(exchange.status >= 500 ? .warning : .info, "request") { writer in
            writer.key("method")
            writer.string(exchange.method)
            writer.key("route")
            writer.string(exchange.route)
            writer.key("status")
            writer.int(exchange.status)
            writer.key("duration_ms")
            writer.raw(Array(Self.milliseconds(exchange.duration).utf8))
            writer.key("request_id")
            writer.string(exchange.requestID)
            if let tenant = exchange.tenantID {
                writer.key("tenant_id")
                writer.string(tenant.uuidString.lowercased())
            }
            if let trace = exchange.trace {
                writer.key("trace_id")
                writer.string(trace.traceID)
            }
        }
    }

    /// With three places.
    private static func milliseconds(_ duration: Duration) -> String {
        let microseconds = max(0, duration.nanoseconds / 1000)
        let rest = String(microseconds % 1000)
        return "\(microseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }
}
