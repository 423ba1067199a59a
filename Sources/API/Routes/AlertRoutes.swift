import EventLoop
import HTTP
import JSON
public import Tenancy

/// What needs attention.
public struct AlertRoutes: RouteGroup {
    private let watch: AlertWatch

    /// The routes over a watch.
    public init(watch: AlertWatch) { self.watch = watch }

    /// `GET /api/v0/alerts`
    public func register(in routes: inout TenantRoutes) {
        let watch = watch
        routes.on(
            .get, "/api/v0/alerts", .read,
            RouteDescription(
                "List alerts, raised ones first", tag: "Alerts",
                item: [
                    "type": "object",
                    "properties": [
                        "kind": ["type": "string", "enum": .array(AlertKind.allCases.map { .string($0.rawValue) })],
                        "state": ["type": "string", "enum": ["raised", "recovered"]], "detail": ["type": "object"],
                        "raised_at": ["type": "string", "format": "date-time"],
                        "recovered_at": ["type": ["string", "null"], "format": "date-time"],
                    ],
                ])
        ) { context in
            .list(try await watch.alerts(tenant: context.tenant.id).map(Self.json), next: nil)
        }
    }

    private static func json(_ alert: Alert) -> JSON {
        [
            "kind": .string(alert.kind), "state": .string(alert.state), "detail": alert.detail,
            "raised_at": .string(alert.raisedAt.rfc3339),
            "recovered_at": alert.recoveredAt.map { .string($0.rfc3339) } ?? .null,
        ]
    }
}
