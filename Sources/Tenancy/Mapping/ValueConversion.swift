import Emarsys
import JSON

/// A source value that its destination cannot hold.
struct FieldFault: Sendable, Hashable {
    /// `invalid_number`, `invalid_boolean` or `invalid_date`.
    var code: String
    /// The destination, such as `custom_properties.age`.
    var destination: String
    /// As received.
    var value: String
}

/// The reading of Emarsys values: choices as labels, texts as the type of their custom property.
enum ValueConversion {
    /// A value as text; nil where it is empty. Choices become labels in the account's order of choices.
    static func text(_ value: EmarsysValue, choices: ChoiceLabels?) -> String? {
        switch value {
        case .absent, .null: return nil
        case .text(let text):
            guard !text.isEmpty else { return nil }
            if let choices { return choices.label(text) ?? text }
            return text
        case .choices(let ids):
            guard !ids.isEmpty else { return nil }
            guard let choices else { return ids.joined(separator: ", ") }
            return choices.inOrder(ids).map { choices.label($0) ?? $0 }.joined(separator: ", ")
        }
    }

    /// A text as the JSON of a property's type; nil where it cannot be.
    static func json(_ text: String, kind: CustomProperty.Kind) -> JSON? {
        switch kind {
        case .string: return .string(text)
        case .number: return number(text).map { .number($0) }
        case .boolean: return boolean(text).map { .bool($0) }
        case .date: return date(text).map { .string($0) }
        }
    }

    static func fault(_ kind: CustomProperty.Kind) -> String { "invalid_\(kind.rawValue)" }

    private static func number(_ text: String) -> JSONNumber? {
        var bytes = Array(IdentifierText.trimmed(text).utf8)
        if bytes.first == 0x2B { bytes.removeFirst() }
        var negative = false
        if bytes.first == 0x2D {
            negative = true
            bytes.removeFirst()
        }
        while bytes.count > 1, bytes[0] == 0x30, bytes[1] >= 0x30, bytes[1] <= 0x39 { bytes.removeFirst() }
        if bytes.first == 0x2E { bytes.insert(0x30, at: 0) }
        guard (1...40).contains(bytes.count) else { return nil }
        let source = (negative ? "-" : "") + String(decoding: bytes, as: UTF8.self)
        guard bytes.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2E }),
            let json = try? JSON.parse(Array(source.utf8)),
            case .number(let number) = json
        else { return nil }
        return number
    }

    private static func boolean(_ text: String) -> Bool? {
        switch IdentifierText.trimmed(text).lowercased() {
        case "1", "true", "yes", "y", "on", "ja", "oui", "si", "sí": true
        case "0", "false", "no", "n", "off", "nein", "non", "2": false
        default: nil
        }
    }

    /// `YYYY-MM-DD`, also in front of a time.
    private static func date(_ text: String) -> String? {
        let trimmed = IdentifierText.trimmed(text)
        let bytes = Array(trimmed.utf8)
        guard bytes.count >= 10, bytes.count == 10 || bytes[10] == 0x20 || bytes[10] == 0x54, bytes[4] == 0x2D,
            bytes[7] == 0x2D
        else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            var value = 0
            for byte in bytes[range] {
                guard byte >= 0x30, byte <= 0x39 else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), year > 0,
            (1...12).contains(month), day >= 1
        else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard day <= days[month - 1] else { return nil }
        return String(decoding: bytes[0..<10], as: UTF8.self)
    }
}

/// Labels of a field's choices.
struct ChoiceLabels: Sendable, Hashable {
    private let labels: [String: String]
    private let order: [String: Int]

    init(_ choices: [EmarsysChoice]) {
        labels = Dictionary(choices.map { ($0.id, $0.label) }, uniquingKeysWith: { first, _ in first })
        order = Dictionary(choices.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    func label(_ id: String) -> String? { labels[id].flatMap { $0.isEmpty ? nil : $0 } }

    func inOrder(_ ids: [String]) -> [String] {
        ids.sorted { (order[$0] ?? .max, $0) < (order[$1] ?? .max, $1) }
    }

    /// What of it enters the hash of a mapping.
    var fingerprint: String {
        labels.keys.sorted().map { "\($0)=\(labels[$0] ?? "")" }.joined(separator: "\u{1}")
    }
}
