import JSON

/// The value of a field of a simulated contact.
public enum SandboxValue: Sendable, Hashable {
    case null
    case text(String)
    case choices([String])

    var json: JSON {
        switch self {
        case .null: .null
        case .text(let text): .string(text)
        case .choices(let ids): .array(ids.map { .string($0) })
        }
    }

    init(_ json: JSON) {
        switch json {
        case .string(let text): self = .text(text)
        case .number(let number): self = .text(number.text)
        case .array(let items): self = .choices(items.compactMap { SandboxValue($0).text })
        case .bool(let flag): self = .text(flag ? "true" : "false")
        default: self = .null
        }
    }

    var text: String? {
        if case .text(let text) = self { return text }
        return nil
    }
}
