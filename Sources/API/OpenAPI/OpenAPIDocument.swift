import HTTP
import JSON
import Tenancy

/// The OpenAPI 3.1 document of a host, made from its route table: a route that is not in it does not exist.
enum OpenAPIDocument {
    static let path = "/api/v0/openapi.json"

    /// Adds the route that answers the document of all routes registered before it.
    static func register<Context>(in routes: inout Routes<Context>, title: String) {
        let description = RouteDescription("This document.", tag: "Service", item: ["type": "object"])
        let placeholder: Route<Context>.Handler = { _ in throw Problem.notFound("not_found") }
        var listed = routes
        listed.on(.get, path, access: .open, description, handler: placeholder)
        let bytes = document(listed, title: title).encoded()
        routes.on(.get, path, access: .open, description) { _ in
            var response = HTTPResponse.json(bytes: bytes)
            response.headers.add("Cache-Control", "public, max-age=300")
            return response
        }
    }

    static func document<Context>(_ routes: Routes<Context>, title: String) -> JSON {
        var paths: [(key: String, value: JSON)] = []
        for route in routes.all {
            let operation = operation(route)
            if let index = paths.firstIndex(where: { $0.key == route.pattern }) {
                paths[index].value[route.method.rawValue.lowercased()] = operation
            } else {
                var item: JSON = .object([:])
                let parameters = placeholders(route.pattern)
                if !parameters.isEmpty { item["parameters"] = .array(parameters) }
                item[route.method.rawValue.lowercased()] = operation
                paths.append((route.pattern, item))
            }
        }
        return [
            "openapi": "3.1.0",
            "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
            "info": [
                "title": .string(title), "version": "0",
                "description": """
                Answers are `{"count": n, "data": […]}`; lists also carry `next`. Errors are RFC 9457 problems with a stable `code`.
                """,
            ],
            "servers": [["url": "/"]],
            "paths": .object(JSONObject(paths)),
            "components": components(routes.all.map(\.key), isOperator: Context.self == OperatorContext.self),
        ]
    }

    private static func operation<Context>(_ route: Route<Context>) -> JSON {
        let description = route.description ?? RouteDescription(defaultSummary(route), tag: defaultTag(route.pattern))
        var operation: JSON = [
            "operationId": .string(operationID(route.method, route.pattern)),
            "summary": .string(description.summary),
            "tags": [.string(description.tag)],
        ]
        var parameters = description.query.map { parameter -> JSON in
            [
                "name": .string(parameter.name), "in": "query", "description": .string(parameter.text),
                "schema": parameter.schema,
            ]
        }
        if route.creates { parameters.append(["$ref": "#/components/parameters/IdempotencyKey"]) }
        if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
        if var body = description.body {
            // A change names what it changes and nothing else.
            if route.method == .patch { body["required"] = nil }
            operation["requestBody"] = ["required": true, "content": ["application/json": ["schema": body]]]
        }
        operation["responses"] = responses(route, description)
        switch route.access {
        case .permission(let permission):
            operation["x-permission"] = .string(permission.rawValue)
        case .anyKey: break
        case .open: operation["security"] = []
        }
        if let feature = route.feature { operation["x-feature"] = .string(feature.rawValue) }
        return operation
    }

    private static func responses<Context>(_ route: Route<Context>, _ description: RouteDescription) -> JSON {
        var responses: [(key: String, value: JSON)] = []
        if description.status.isBodiless {
            responses.append((String(description.status.code), ["description": "Done."]))
        } else {
            let schema = success(route, description)
            for status in [description.status] + ItemSchemas.furtherStatuses(of: route.key) {
                responses.append(
                    (
                        String(status.code),
                        [
                            "description": .string(status.reasonPhrase),
                            "content": [ItemSchemas.contentType(of: route.key): ["schema": schema]],
                        ]
                    ))
            }
        }
        let problems = problems(route, description)
        for (status, codes) in problems.sorted(by: { $0.key < $1.key }) where status != description.status.code {
            let unique = codes.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
            responses.append(
                (
                    String(status),
                    [
                        "description": .string(
                            "\(HTTPStatus(status).reasonPhrase): `\(unique.joined(separator: "`, `"))`"),
                        "content": ["application/problem+json": ["schema": ["$ref": "#/components/schemas/Problem"]]],
                    ]
                ))
        }
        responses.append(("default", ["$ref": "#/components/responses/Problem"]))
        return .object(JSONObject(responses))
    }

    /// The envelope with the elements of the route.
    private static func success<Context>(_ route: Route<Context>, _ description: RouteDescription) -> JSON {
        if route.pattern == path { return ["type": "object"] }
        if ItemSchemas.contentType(of: route.key) != "application/json" { return ["type": "string"] }
        return [
            "type": "object", "required": ["count", "data"],
            "properties": [
                "count": ["type": "integer"],
                "data": [
                    "type": "array",
                    "items": ItemSchemas.schema(
                        of: route.key, isOperator: Context.self == OperatorContext.self) ?? description.item,
                ],
                "next": ["type": ["string", "null"]],
            ],
        ]
    }

    /// Codes of problems by status: the route's own, and those that follow from what it is.
    private static func problems<Context>(_ route: Route<Context>, _ description: RouteDescription) -> [Int: [String]] {
        var problems: [Int: [String]] = [:]
        for (status, code) in description.problems { problems[status.code, default: []].append(code) }
        if route.access != .open { problems[401, default: []].append("unauthorized") }
        if case .permission = route.access { problems[403, default: []].append("permission_denied") }
        if route.feature != nil { problems[403, default: []].append("feature_not_enabled") }
        if description.body != nil {
            problems[400, default: []].append("invalid_json")
            problems[413, default: []].append("body_too_large")
            problems[422, default: []].append("validation_failed")
        }
        if !description.query.isEmpty { problems[422, default: []].append("validation_failed") }
        if route.pattern.contains("{"), problems[404] == nil { problems[404, default: []].append("not_found") }
        if route.creates {
            problems[409, default: []].append("idempotency_key_in_use")
            problems[422, default: []].append("idempotency_key_reused")
        }
        problems[503, default: []].append("database_unavailable")
        if Context.self == TenantContext.self {
            problems[403, default: []].append("tenant_suspended")
            problems[503, default: []].append("instance_moving")
        }
        return problems
    }

    private static func components(_ keys: [String], isOperator: Bool) -> JSON {
        let schemes: JSON =
            isOperator
            ? [
                "operatorToken": ["type": "http", "scheme": "bearer"],
                "session": ["type": "apiKey", "in": "cookie", "name": .string(OperatorAuthentication.cookieName)],
            ]
            : [
                "apiKey": ["type": "apiKey", "in": "header", "name": "X-API-Key"],
                "session": ["type": "apiKey", "in": "cookie", "name": .string(Authentication.cookieName)],
            ]
        let problem: JSON = [
            "type": "object", "required": ["type", "title", "status", "code"],
            "properties": [
                "type": ["type": "string"], "title": ["type": "string"], "status": ["type": "integer"],
                "code": ["type": "string"], "detail": ["type": "string"], "request_id": ["type": "string"],
                "errors": [
                    "type": "array",
                    "items": [
                        "type": "object", "required": ["field", "code", "message"],
                        "properties": [
                            "field": ["type": "string"], "code": ["type": "string"], "message": ["type": "string"],
                        ],
                    ],
                ],
            ],
        ]
        return [
            "securitySchemes": schemes,
            "schemas": .object(
                JSONObject([("Problem", problem)] + ItemSchemas.components(of: keys, isOperator: isOperator))),
            "parameters": [
                "IdempotencyKey": [
                    "name": "Idempotency-Key", "in": "header",
                    "description": "Any text of yours: a repeat within 24 hours gets the first answer.",
                    "schema": ["type": "string", "minLength": 1, "maxLength": 255],
                ]
            ],
            "responses": [
                "Problem": [
                    "description": "A problem.",
                    "content": ["application/problem+json": ["schema": ["$ref": "#/components/schemas/Problem"]]],
                ]
            ],
        ]
    }

    /// `get_contacts_id` for `GET /api/v0/contacts/{id}`.
    static func operationID(_ method: HTTPMethod, _ pattern: String) -> String {
        let words = pattern.split { !($0.isLetter || $0.isNumber || $0 == "_") }.filter { $0 != "api" && $0 != "v0" }
        return ([method.rawValue.lowercased()] + words.map(String.init)).joined(separator: "_")
    }

    private static func placeholders(_ pattern: String) -> [JSON] {
        pattern.split(separator: "/").filter { $0.hasPrefix("{") }.map {
            [
                "name": .string(String($0.dropFirst().dropLast())), "in": "path", "required": true,
                "schema": ["type": "string"],
            ]
        }
    }

    private static func defaultTag(_ pattern: String) -> String {
        let name = pattern.split(separator: "/").dropFirst(2).first ?? "service"
        return name.prefix(1).uppercased() + String(name.dropFirst().map { $0 == "_" ? " " : $0 })
    }

    private static func defaultSummary<Context>(_ route: Route<Context>) -> String {
        let name = route.pattern.split(separator: "/").dropFirst(2).filter { !$0.hasPrefix("{") }.joined(separator: " ")
        return switch route.method {
        case .get: "Read \(name)."
        case .post: route.creates ? "Create: \(name)." : "Do: \(name)."
        case .put, .patch: "Change \(name)."
        case .delete: "Remove \(name)."
        default: "\(name)."
        }
    }
}
