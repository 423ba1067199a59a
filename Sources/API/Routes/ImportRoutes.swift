import HTTP
import JSON
public import Tenancy

/// Starting, watching and ending imports.
public struct ImportRoutes: RouteGroup {
    private let imports: ImportService

    /// Routes over a service.
    public init(imports: ImportService) { self.imports = imports }

    /// Adds the routes.
    public func register(in routes: inout TenantRoutes) {
        let imports = imports
        routes.on(
            .post, "/api/v0/imports", .write, feature: .emarsys, creates: true,
            RouteDescription(
                "Start an import of one segment, or of all selected ones.", tag: "Imports",
                body: [
                    "type": "object",
                    "properties": [
                        "segment_id": ["type": "string"], "mode": ["type": "string", "enum": ["incremental", "full"]],
                        "dry_run": ["type": "boolean"],
                    ],
                ], item: Self.schema, status: .accepted,
                problems: [
                    (.conflict, "import_running"), (.conflict, "not_connected"),
                    (.unprocessableContent, "unknown_segment"),
                ])
        ) { context in
            let body = try context.optionalJSON()
            let input = try ImportInput(body)
            let run = try await imports.start(
                context.tenant, segment: input.segment, mode: input.mode, dryRun: input.isDryRun,
                actor: context.principal.actor)
            return .object(run.json(now: imports.now()), status: .accepted)
        }
        routes.on(
            .get, "/api/v0/imports", .read, feature: .emarsys,
            RouteDescription(
                "List imports, the latest first.", tag: "Imports", query: RouteDescription.paging, item: Self.schema)
        ) { context in
            let page = try await imports.list(context.tenant.id, try context.page())
            let now = imports.now()
            return .list(page) { $0.json(now: now) }
        }
        routes.on(
            .get, "/api/v0/imports/{id}", .read, feature: .emarsys,
            RouteDescription(
                "Read an import.", tag: "Imports", item: Self.schema, problems: [(.notFound, "import_not_found")])
        ) { context in
            let run = try await imports.find(context.tenant.id, try context.id(notFound: "import_not_found"))
            return .object(run.json(now: imports.now()))
        }
        routes.on(
            .post, "/api/v0/imports/{id}/cancel", .write, feature: .emarsys,
            RouteDescription(
                "End an import at its next batch; what is in stays.", tag: "Imports", item: Self.schema,
                status: .accepted,
                problems: [(.notFound, "import_not_found"), (.conflict, "import_finished")])
        ) { context in
            let run = try await imports.cancel(context.tenant, try context.id(notFound: "import_not_found"))
            return .object(run.json(now: imports.now()), status: .accepted)
        }
        routes.on(
            .get, "/api/v0/imports/{id}/rejections", .read, feature: .emarsys,
            RouteDescription(
                "List what did not come in, with reason and source values; kept for 14 days.", tag: "Imports",
                query: [.init("code", "Only these reasons, separated by commas.")] + RouteDescription.paging,
                item: [
                    "type": "object",
                    "properties": [
                        "code": ["type": "string"], "values": ["type": "object"],
                        "contact_id": ["type": ["string", "null"]],
                    ],
                ], problems: [(.notFound, "import_not_found")])
        ) { context in
            let codes = context.request.queryItem("code")?.split(separator: ",").map(String.init)
            let page = try await imports.rejections(
                context.tenant.id, try context.id(notFound: "import_not_found"),
                codes: codes.flatMap { $0.isEmpty ? nil : $0 }, try context.page())
            return .list(page) { $0.json }
        }
        routes.on(
            .get, "/api/v0/imports/{id}/rejections/reasons", .read, feature: .emarsys,
            RouteDescription(
                "Count what did not come in by reason, the most frequent first.", tag: "Imports",
                item: [
                    "type": "object",
                    "properties": ["code": ["type": "string"], "count": ["type": "integer"]],
                ], problems: [(.notFound, "import_not_found")])
        ) { context in
            let reasons = try await imports.rejectionReasons(
                context.tenant.id, try context.id(notFound: "import_not_found"))
            return .enveloped(reasons.map { ["code": .string($0.code), "count": .int($0.count)] })
        }
    }

    private static let schema: JSON = [
        "type": "object",
        "properties": [
            "id": ["type": "string", "format": "uuid"],
            "state": [
                "type": "string",
                "enum": [
                    "queued", "running", "waiting", "succeeded", "succeeded_with_rejections", "failed", "cancelled",
                ],
            ],
            "trigger": ["type": "string", "enum": ["initial", "schedule", "manual"]],
            "progress": ["type": "number", "minimum": 0, "maximum": 1], "eta_seconds": ["type": ["integer", "null"]],
            "counts": [
                "type": "object",
                "description": .string(
                    "Each person counts once in created, updated, unchanged, merged, rejected or skipped. "
                        + "rejected_values counts values left out of rows that came in."),
            ], "api_calls": ["type": "integer"],
            "error": ["type": ["object", "null"]], "started_at": ["type": ["string", "null"], "format": "date-time"],
            "finished_at": ["type": ["string", "null"], "format": "date-time"],
        ],
    ]
}

/// The body that starts an import.
private struct ImportInput {
    var segment: String?
    var mode = ImportRun.Mode.incremental
    var isDryRun = false

    init(_ body: JSON) throws(Problem) {
        switch body["segment_id"] {
        case nil, .null: break
        case .string(let text): segment = text
        case .number(let number): segment = number.text
        default: throw .invalid("invalid_type", field: "segment_id", "must be a string")
        }
        switch body["mode"] {
        case nil, .null: break
        case .string(let text):
            guard let value = ImportRun.Mode(rawValue: text) else {
                throw .invalid("invalid_value", field: "mode", "must be incremental or full")
            }
            mode = value
        default: throw .invalid("invalid_value", field: "mode", "must be incremental or full")
        }
        switch body["dry_run"] {
        case nil, .null: break
        case .bool(let value): isDryRun = value
        default: throw .invalid("invalid_type", field: "dry_run", "must be true or false")
        }
    }
}
