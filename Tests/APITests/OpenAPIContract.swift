import FoundationEssentials
import HTTP
import JSON

/// An OpenAPI document as a test holds answers against it: what stands in neither is a fault, in either direction.
struct OpenAPIContract {
    struct Operation {
        let key: String
        let json: JSON
    }

    let document: JSON

    /// `GET /api/v0/contacts/{id}` and so on.
    var keys: Set<String> {
        var keys: Set<String> = []
        for (path, item) in document["paths"]?.object?.members ?? [] {
            for (method, _) in item.object?.members ?? [] where method != "parameters" {
                keys.insert("\(method.uppercased()) \(path)")
            }
        }
        return keys
    }

    func operation(_ key: String) -> JSON? {
        let words = key.split(separator: " ").map(String.init)
        return document["paths"]?[words[1]]?[words[0].lowercased()]
    }

    /// What is wrong with an exchange, in words.
    func faults(_ key: String, status: Int, contentType: String, body: JSON, sent: JSON?) -> [String] {
        guard let operation = operation(key) else { return ["\(key) is not documented"] }
        guard let response = operation["responses"]?["\(status)"] else {
            return ["\(key): status \(status) is not documented"]
        }
        var faults: [String] = []
        if let sent, status < 400 {
            if let schema = operation["requestBody"]?["content"]?["application/json"]?["schema"] {
                faults += self.faults(sent, schema, at: "\(key) body", isClosed: true)
            } else {
                faults.append("\(key): the body that was sent is not documented")
            }
        }
        guard let content = response["content"]?.object else {
            if body != .null { faults.append("\(key): \(status) has a body that is not documented") }
            return faults
        }
        let type = contentType.split(separator: ";").first.map(String.init) ?? ""
        guard let schema = content[type]?["schema"] else {
            return faults + ["\(key): \(status) \(type) is not documented"]
        }
        return faults + self.faults(body, schema, at: "\(key) \(status)", isClosed: true)
    }

    /// What is wrong with a value by a schema. Closed: a member that the schema does not name is wrong, unless the schema
    /// names none at all or says what others are like.
    func faults(_ value: JSON, _ schema: JSON, at place: String, isClosed: Bool) -> [String] {
        if let reference = schema["$ref"]?.string {
            var found = document
            for step in reference.dropFirst(2).split(separator: "/") { found = found[String(step)] ?? .null }
            return found == .null
                ? ["\(place): \(reference) leads nowhere"] : self.faults(value, found, at: place, isClosed: isClosed)
        }
        if let choices = schema["anyOf"]?.array ?? schema["oneOf"]?.array {
            let all = choices.map { self.faults(value, $0, at: place, isClosed: isClosed) }
            return all.contains { $0.isEmpty } ? [] : all.min { $0.count < $1.count } ?? []
        }
        if let words = schema["enum"]?.array, !words.contains(value) {
            return ["\(place): \(value) is none of \(words)"]
        }
        let types = schema["type"]?.array?.compactMap(\.string) ?? schema["type"]?.string.map { [$0] } ?? []
        if !types.isEmpty, !types.contains(where: { Self.fits(value, $0) }) {
            return ["\(place): \(value) is no \(types.joined(separator: " or "))"]
        }
        var faults: [String] = []
        if let text = value.string, let format = schema["format"]?.string, !Self.fits(text, format: format) {
            faults.append("\(place): \(text) is no \(format)")
        }
        if let object = value.object {
            let properties = schema["properties"]?.object
            for name in schema["required"]?.array?.compactMap(\.string) ?? [] where object[name] == nil {
                faults.append("\(place): \(name) is required and not there")
            }
            for (name, member) in object.members {
                if let known = properties?[name] {
                    faults += self.faults(member, known, at: "\(place).\(name)", isClosed: isClosed)
                } else if let others = schema["additionalProperties"], others.object != nil {
                    faults += self.faults(member, others, at: "\(place).\(name)", isClosed: isClosed)
                } else if isClosed, properties != nil, schema["additionalProperties"] != true {
                    faults.append("\(place): \(name) is not documented")
                }
            }
        }
        if let items = schema["items"], let array = value.array {
            for (index, element) in array.enumerated() {
                faults += self.faults(element, items, at: "\(place)[\(index)]", isClosed: isClosed)
            }
        }
        return faults
    }

    private static func fits(_ value: JSON, _ type: String) -> Bool {
        switch (type, value) {
        case ("string", .string), ("boolean", .bool), ("array", .array), ("object", .object), ("null", .null),
            ("number", .number):
            true
        case ("integer", .number(let number)): number.int64 != nil
        default: false
        }
    }

    private static func fits(_ text: String, format: String) -> Bool {
        switch format {
        case "uuid": UUID(uuidString: text) != nil && text == text.lowercased()
        case "date-time": text.count >= 20 && text.hasSuffix("Z") && Array(text.utf8)[10] == UInt8(ascii: "T")
        case "date": text.count == 10
        case "uri": text.contains("://")
        default: true
        }
    }
}
