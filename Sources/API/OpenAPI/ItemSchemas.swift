import HTTP
import JSON

/// What the elements of `data` are, as named schemas of the document, and what else routes answer. Kept true by a test that
/// walks every route of the running product and holds each answer against the document, in both directions.
enum ItemSchemas {
    /// The JSON Schema of an element of `data`; nil where the route itself says it.
    static func schema(of route: String, isOperator: Bool) -> JSON? {
        name(of: route, isOperator: isOperator).map { ["$ref": .string("#/components/schemas/\($0)")] }
    }

    /// The named schemas that some routes use, and those which these use.
    static func components(of keys: [String], isOperator: Bool) -> [(key: String, value: JSON)] {
        var names: [String] = []
        var rest = keys.compactMap { name(of: $0, isOperator: isOperator) }
        while let name = rest.popLast() {
            guard !names.contains(name), let schema = all[name] else { continue }
            names.append(name)
            rest += references(in: schema)
        }
        return names.sorted().compactMap { name in all[name].map { (key: name, value: $0) } }
    }

    private static func name(of route: String, isOperator: Bool) -> String? {
        // Both hosts have sessions, of different people.
        if route.hasSuffix(" /api/v0/session"), !route.hasPrefix("DELETE") {
            return isOperator ? "OperatorSession" : "Session"
        }
        return routes[route]
    }

    private static func references(in schema: JSON) -> [String] {
        if let reference = schema["$ref"]?.string { return [String(reference.split(separator: "/").last ?? "")] }
        let members = schema.object?.members.map(\.value) ?? schema.array ?? []
        return members.flatMap(references)
    }

    /// Statuses of success beside the usual one.
    static func furtherStatuses(of route: String) -> [HTTPStatus] {
        switch route {
        // A repeat.
        case "POST /api/v0/webhooks/incoming/emarsys/custom_external_event",
            "POST /api/v0/webhooks/incoming/emarsys/order_external_event":
            [.ok]
        // The first one.
        case "PUT /api/v0/delivery_endpoint": [.created]
        default: []
        }
    }

    /// The type of an answer.
    static func contentType(of route: String) -> String {
        route == "GET /api/v0/stream" ? "text/event-stream" : "application/json"
    }

    /// Every named schema.
    static let all: [String: JSON] = {
        var all: [String: JSON] = [:]
        for text in [people, flowing, happenings, sales, settings, operators] {
            let bytes = text.withUTF8Buffer { Array($0) }
            for (name, schema) in (try? JSON.parse(bytes))?.object?.members ?? [] { all[name] = schema }
        }
        return all
    }()
}
