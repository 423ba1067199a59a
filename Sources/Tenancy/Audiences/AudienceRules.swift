import EventLoop
import JSON

/// The rules of an audience, checked and brought into the one form that the database puts together from its fragments.
public struct AudienceRules: Sendable, Hashable {
    /// Why rules are refused; the path leads to the place.
    public struct Fault: Error, Sendable, Hashable {
        /// E.g. `rules.and[1].op`.
        public let field: String
        /// `unknown_field`, `unknown_op`, `invalid_value`, `invalid_rule`, `too_complex`.
        public let code: String
        /// For people.
        public let message: String
    }

    /// The checked form.
    public let compiled: JSON

    static let mostRules = 100
    static let deepest = 10

    /// Checks rules.
    /// - Parameters:
    ///   - json: As a client writes them; `{"and": []}` is everybody.
    ///   - currency: The tenant's, for `order_total` without one.
    public init(_ json: JSON, currency: String?) throws(Fault) {
        var count = 0
        compiled = try Self.compile(json, "rules", depth: 0, count: &count, currency: currency)
    }

    private static func compile(
        _ json: JSON, _ path: String, depth: Int, count: inout Int, currency: String?
    ) throws(Fault) -> JSON {
        count += 1
        guard depth <= deepest, count <= mostRules else {
            throw Fault(field: path, code: "too_complex", message: "at most 100 rules, ten deep")
        }
        guard let object = json.object else {
            throw Fault(field: path, code: "invalid_rule", message: "must be an object")
        }
        for name in ["and", "or"] {
            guard let value = object[name] else { continue }
            guard object.count == 1, let parts = value.array else {
                throw Fault(
                    field: path + "." + name, code: "invalid_rule",
                    message: "must be a list of rules, alone in its object")
            }
            var compiled: [JSON] = []
            for (index, part) in parts.enumerated() {
                compiled.append(
                    try compile(part, "\(path).\(name)[\(index)]", depth: depth + 1, count: &count, currency: currency))
            }
            return .object(JSONObject([(name, .array(compiled))]))
        }
        if let value = object["not"] {
            guard object.count == 1 else {
                throw Fault(field: path + ".not", code: "invalid_rule", message: "must be alone in its object")
            }
            return ["not": try compile(value, path + ".not", depth: depth + 1, count: &count, currency: currency)]
        }
        if let spelledOut = try spelledOut(object, path) {
            return try compile(spelledOut, path, depth: depth, count: &count, currency: currency)
        }
        return try AudienceLeaf(object, path, currency: currency).compiled
    }

    /// A rule that only says another one in short, written out: a number in a list equals one of its elements, and a
    /// list of segments or events contains an element that it has.
    private static func spelledOut(_ rule: JSONObject, _ path: String) throws(Fault) -> JSON? {
        switch (rule["field"]?.string, rule["op"]?.string) {
        case ("order_count", "in"), ("order_total", "in"):
            guard let values = rule["value"]?.array, !values.isEmpty, values.allSatisfy({ Amount($0) != nil }) else {
                throw Fault(field: path + ".value", code: "invalid_value", message: "must be a list of numbers")
            }
            return [
                "or": .array(
                    values.map { value in
                        var equal = rule
                        equal["op"] = "eq"
                        equal["value"] = value
                        return .object(equal)
                    })
            ]
        case ("segment", "contains"), ("event", "contains"):
            var equal = rule
            equal["op"] = "eq"
            return .object(equal)
        default:
            return nil
        }
    }
}

/// One comparison.
private struct AudienceLeaf {
    typealias Fault = AudienceRules.Fault

    let compiled: JSON

    private static let comparisons = ["eq", "ne", "lt", "lte", "gt", "gte"]

    init(_ object: JSONObject, _ path: String, currency: String?) throws(Fault) {
        guard let field = object["field"]?.string else {
            throw Fault(field: path + ".field", code: "unknown_field", message: "a rule needs field, op and value")
        }
        guard let op = object["op"]?.string else {
            throw Fault(field: path + ".op", code: "unknown_op", message: "a rule needs field, op and value")
        }
        let value = object["value"] ?? .null
        func allow(_ ops: [String]) throws(Fault) {
            guard ops.contains(op) else {
                throw Fault(
                    field: path + ".op", code: "unknown_op", message: "\(field) knows \(ops.joined(separator: ", "))")
            }
        }
        func invalid(_ message: String) -> Fault {
            Fault(field: path + ".value", code: "invalid_value", message: message)
        }
        var leaf: JSON = ["field": .string(field), "op": .string(op)]
        switch field {
        case "order_count":
            try allow(Self.comparisons)
            guard let number = value.int, number >= 0 else { throw invalid("must be a whole number") }
            leaf["values"] = [.int(number)]
            leaf["zero"] = .bool(Self.fulfils(.zero, op, Amount("\(number)") ?? .zero))
        case "order_total":
            try allow(Self.comparisons)
            guard let amount = Amount(value["amount"] ?? value) else { throw invalid("must be an amount") }
            leaf["values"] = [.string(amount.text)]
            leaf["zero"] = .bool(Self.fulfils(.zero, op, amount))
            if let currency = object["currency"]?.string ?? value["currency"]?.string ?? currency {
                leaf["currency"] = .string(currency.uppercased())
            }
        case "last_order_at":
            try allow(["before", "after", "lt", "lte", "gt", "gte"])
            guard let text = value.string, let time = Self.time(text) else {
                throw invalid("must be a day or a time in RFC 3339")
            }
            leaf["values"] = [.string(time.rfc3339)]
        case "product", "segment", "event":
            try allow(field == "product" ? ["eq", "ne", "in", "contains"] : ["eq", "ne", "in"])
            leaf["values"] = .array(try Self.texts(value, op, invalid))
        case "opt_in":
            try allow(["eq", "ne", "in"])
            let states = value.isNull ? ["none"] : try Self.texts(value, op, invalid).compactMap(\.string)
            guard states.allSatisfy({ ["granted", "denied", "withdrawn", "pending", "none"].contains($0) }) else {
                throw invalid("must be granted, denied, withdrawn, pending or null")
            }
            leaf["values"] = .array(states.map(JSON.string))
        default:
            guard field.hasPrefix("custom_properties."), field.utf8.count > 18, field.utf8.count <= 200 else {
                throw Fault(
                    field: path + ".field", code: "unknown_field",
                    message:
                        "must be order_count, order_total, last_order_at, product, opt_in, segment, event or custom_properties.<name>"
                )
            }
            try allow(Self.comparisons + ["in", "contains", "before", "after"])
            leaf["field"] = "custom_properties"
            leaf["name"] = .string(String(field.dropFirst(18)))
            if op == "in" {
                leaf["values"] = .array(try Self.texts(value, op, invalid))
            } else {
                switch value {
                case .string, .number: leaf["values"] = [value]
                case .bool where op == "eq" || op == "ne": leaf["values"] = [value]
                default: throw invalid("must be a text, a number, true or false")
                }
            }
        }
        compiled = leaf
    }

    private static func texts(_ value: JSON, _ op: String, _ invalid: (String) -> Fault) throws(Fault) -> [JSON] {
        let list: [JSON]
        if op == "in" {
            guard let values = value.array, !values.isEmpty, values.count <= 1000 else {
                throw invalid("must be a list of 1 to 1000 values")
            }
            list = values
        } else {
            list = [value]
        }
        var texts: [JSON] = []
        for element in list {
            switch element {
            case .string(let text) where !text.isEmpty: texts.append(element)
            case .number(let number): texts.append(.string(number.text))
            default: throw invalid("must be a text")
            }
        }
        return texts
    }

    private static func fulfils(_ left: Amount, _ op: String, _ right: Amount) -> Bool {
        switch op {
        case "eq": left == right
        case "ne": left != right
        case "lt": left < right
        case "lte": left <= right
        case "gt": left > right
        default: left >= right
        }
    }

    private static func time(_ text: String) -> Timestamp? {
        Timestamp(rfc3339: text) ?? (text.utf8.count == 10 ? Timestamp(rfc3339: text + "T00:00:00Z") : nil)
    }
}
