/// A JSON document or a part of one (RFC 8259).
///
/// Numbers keep their source text, objects keep the order of their members; equality ignores that order.
public enum JSON: Sendable, Hashable {
    /// The literal `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number with its exact text.
    case number(JSONNumber)
    /// A string; always valid Unicode.
    case string(String)
    /// An array.
    case array([JSON])
    /// An object, in the order of its text.
    case object(JSONObject)
}

extension JSON {
    /// An integer.
    public static func int(_ value: some BinaryInteger) -> JSON {
        .number(JSONNumber(value))
    }

    /// The string, or `null` where there is none.
    public static func optional(_ value: String?) -> JSON {
        value.map(JSON.string) ?? .null
    }

    /// The integer, or `null` where there is none.
    public static func optional(_ value: (some BinaryInteger)?) -> JSON {
        value.map { .number(JSONNumber($0)) } ?? .null
    }

    /// The truth value, or `null` where there is none.
    public static func optional(_ value: Bool?) -> JSON {
        value.map(JSON.bool) ?? .null
    }
}

extension JSON {
    /// The member of an object, nil where this is no object or has no such key. Setting turns `null` into an object.
    public subscript(key: String) -> JSON? {
        get {
            if case .object(let object) = self { object[key] } else { nil }
        }
        set {
            switch self {
            case .object(var object):
                self = .null
                object[key] = newValue
                self = .object(object)
            case .null:
                var object = JSONObject()
                object[key] = newValue
                self = .object(object)
            default: break
            }
        }
    }

    /// The element of an array, nil where this is no array or the index lies outside.
    public subscript(index: Int) -> JSON? {
        if case .array(let elements) = self, elements.indices.contains(index) { elements[index] } else { nil }
    }

    /// The text of a string.
    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The truth value.
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The number.
    public var number: JSONNumber? {
        if case .number(let value) = self { value } else { nil }
    }

    /// The number as an integer, where it is one exactly.
    public var int64: Int64? { number?.int64 }

    /// The number as `Int`, where it is an integer exactly.
    public var int: Int? { number?.int64.flatMap(Int.init(exactly:)) }

    /// The number as the nearest finite `Double`.
    public var double: Double? { number?.double }

    /// The elements of an array.
    public var array: [JSON]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The members of an object.
    public var object: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// Whether this is `null`.
    public var isNull: Bool { self == .null }
}

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
    ExpressibleByStringInterpolation
{
    /// `null`.
    public init(nilLiteral: ()) { self = .null }
    /// `true` or `false`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An integer.
    public init(integerLiteral value: Int64) { self = .number(JSONNumber(value)) }
    /// A number in the shortest text that reads back as the same `Double`; `null` for an infinite one.
    public init(floatLiteral value: Double) { self = JSONNumber(value).map(JSON.number) ?? .null }
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// An array.
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// An object; the last of several members with one key stays.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        var object = JSONObject()
        for (key, value) in elements { object[key] = value }
        self = .object(object)
    }
}

extension JSON: CustomStringConvertible {
    /// The compact text.
    public var description: String { String(decoding: encoded(), as: UTF8.self) }
}
