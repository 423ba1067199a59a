public import HTTP
public import JSON
import Tenancy

/// Reads the fields of a JSON object and collects what is wrong with them, so that a client learns of all faults at once.
public struct BodyReader: Sendable {
    private let body: JSON
    private let path: String
    /// What was wrong so far.
    public private(set) var errors: [FieldError] = []

    /// A reader over an object; `path` stands before the names of its fields in errors.
    public init(_ body: JSON, path: String = "") {
        self.body = body
        self.path = path
    }

    /// Whether the field is there, be it null.
    public func has(_ name: String) -> Bool { body[name] != nil }

    /// A string of at most `limit` characters; nil where it is missing or null.
    public mutating func string(_ name: String, required: Bool = false, limit: Int = 1000) -> String? {
        guard let value = value(name, required) else { return nil }
        guard let text = value.string else { return wrong(name, "must be a string") }
        guard text.unicodeScalars.count <= limit else {
            fault(name, "too_long", "must have at most \(limit) characters")
            return nil
        }
        guard !text.utf8.contains(0) else { return wrong(name, "must not contain U+0000") }
        if required, text.isEmpty {
            fault(name, "required", "is required")
            return nil
        }
        return text
    }

    /// A boolean; nil where it is missing or null.
    public mutating func bool(_ name: String, required: Bool = false) -> Bool? {
        guard let value = value(name, required) else { return nil }
        guard let bool = value.bool else { return wrong(name, "must be true or false") }
        return bool
    }

    /// A whole number in a range; nil where it is missing or null.
    public mutating func int(_ name: String, required: Bool = false, in range: ClosedRange<Int>) -> Int? {
        guard let value = value(name, required) else { return nil }
        guard let number = value.int else { return wrong(name, "must be a whole number") }
        guard range.contains(number) else {
            fault(name, "out_of_range", "must be from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    /// One of a set of words; nil where it is missing or null.
    public mutating func word<Word: RawRepresentable & CaseIterable>(
        _ name: String, required: Bool = false, as type: Word.Type = Word.self
    ) -> Word? where Word.RawValue == String {
        guard let text = string(name, required: required) else { return nil }
        guard let word = Word(rawValue: text) else {
            fault(name, "unknown_value", "must be one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
            return nil
        }
        return word
    }

    /// An object; nil where it is missing or null.
    public mutating func object(_ name: String, required: Bool = false) -> JSON? {
        guard let value = value(name, required) else { return nil }
        guard value.object != nil else { return wrong(name, "must be an object") }
        return value
    }

    /// An array; nil where it is missing or null.
    public mutating func array(_ name: String, required: Bool = false) -> [JSON]? {
        guard let value = value(name, required) else { return nil }
        guard let array = value.array else { return wrong(name, "must be an array") }
        return array
    }

    /// An array of strings; nil where it is missing or null.
    public mutating func strings(_ name: String, required: Bool = false) -> [String]? {
        guard let array = array(name, required: required) else { return nil }
        let texts = array.compactMap(\.string)
        guard texts.count == array.count else { return wrong(name, "must be an array of strings") }
        return texts
    }

    /// Notes a fault.
    public mutating func fault(_ name: String, _ code: String, _ message: String) {
        errors.append(FieldError(field: path + name, code: code, message: message))
    }

    /// Throws 422 `validation_failed` with all faults.
    public func finish() throws(Problem) {
        guard !errors.isEmpty else { return }
        throw .invalid(errors)
    }

    private mutating func value(_ name: String, _ required: Bool) -> JSON? {
        guard let value = body[name], !value.isNull else {
            if required { fault(name, "required", "is required") }
            return nil
        }
        return value
    }

    private mutating func wrong<T>(_ name: String, _ message: String) -> T? {
        fault(name, "wrong_type", message)
        return nil
    }
}
