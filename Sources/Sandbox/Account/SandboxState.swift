import EventLoop
import JSON

/// Everything about the simulated account that can change.
struct SandboxState {
    var contacts: SandboxContacts
    var overlay = SandboxOverlay()
    var segments = SandboxSegment.initial
    var quirks: SandboxQuirks
    var permissions: Set<String>
    var callsPerMinute: Int
    var faults: [SandboxFault] = []
    var windows: [String: Window] = [:]
    var tokens: [String: Timestamp] = [:]
    var tokenCalls: [Timestamp] = []
    var evaluation: Evaluation?
    var exports: [Int: Export] = [:]
    var callsByPath: [String: Int] = [:]
    var callsByStatus: [Int: Int] = [:]
    var callsByPermission: [String: Int] = [:]
    var serving = Duration.zero
    var webhooks: [SandboxDelivery] = []

    /// A minute of one credential.
    struct Window {
        var end: Timestamp
        var used: Int
    }

    /// The segment that is being evaluated; Emarsys does one at a time for an API user.
    struct Evaluation {
        var segment: Int
        var calls: Int
        /// When nobody asks any more, Emarsys finishes by itself.
        var end: Timestamp
    }

    /// An export in preparation.
    struct Export {
        var kind: String
        var fields: [Int]
        var delimiter: UInt8
        var hasHeader: Bool
        var german: Bool
        var segment: Int?
        var isLocal: Bool
        var questions = 0
        var isExpired = false
        /// Two exports of the same description cannot run at once.
        var description: String
    }

    /// Whether a contact can be found at all.
    func exists(_ index: Int) -> Bool {
        guard !overlay.gone.contains(index), index >= 0 else { return false }
        return index < contacts.virtualCount || overlay.isCreated(index)
    }

    /// The current value of a field.
    func value(_ field: Int, of index: Int) -> SandboxValue {
        if let changed = overlay.values[index]?[field] { return changed }
        guard index < contacts.virtualCount else { return .null }
        var bytes: [UInt8] = []
        contacts.append(field, of: index, to: &bytes)
        return (try? JSON.parse(bytes)).map { SandboxValue($0) } ?? .null
    }

    /// The indices of contacts with this key value.
    func find(_ key: SandboxKey, _ value: String) -> [Int] {
        switch key {
        case .id:
            guard let index = contacts.index(ofID: value), exists(index) else { return [] }
            return [index]
        case .uid:
            guard let index = SandboxKey.index(ofUID: value), exists(index) else { return [] }
            return [index]
        case .field(let field):
            var candidates = overlay.found(field, value)
            if let computed = SandboxKey.computedIndex(field, value) {
                candidates.insert(computed)
                candidates.insert(computed + 1)
            }
            let wanted = value.lowercased()
            return candidates.filter {
                ($0 < contacts.count || overlay.isCreated($0)) && exists($0)
                    && self.value(field, of: $0).text?.lowercased() == wanted
            }.sorted()
        }
    }

    /// The contact indices of a segment without deleted contacts, new ones included where everybody belongs to it.
    func members(of segment: SandboxSegment) -> [Int] {
        var members = contacts.members(of: segment)
        if !overlay.gone.isEmpty { members.removeAll { overlay.gone.contains($0) } }
        if case .everybody = segment.membership {
            members += overlay.created.filter { !overlay.gone.contains($0) }
        }
        return members
    }
}

/// By what contacts can be addressed: the ids, e-mail, and the customer number that "support has indexed".
enum SandboxKey: Sendable, Hashable {
    case id
    case uid
    case field(Int)

    init?(_ text: String) {
        switch text {
        case "id": self = .id
        case "uid": self = .uid
        case "3", "email": self = .field(3)
        case "509": self = .field(509)
        default: return nil
        }
    }

    private static let mask: UInt64 = 0x5AD0_11E5_C0FF_EE00

    static func uid(of index: Int) -> String {
        String(UInt64(index + SandboxContacts.firstID) ^ mask, radix: 16)
    }

    static func index(ofUID text: String) -> Int? {
        UInt64(text, radix: 16).map { Int(truncatingIfNeeded: $0 ^ mask) - SandboxContacts.firstID }
    }

    /// The index that is written inside computed e-mails (`anna.klein.17@…`) and customer numbers (`C-18`).
    static func computedIndex(_ field: Int, _ value: String) -> Int? {
        if field == 509 {
            return value.lowercased().hasPrefix("c-") ? Int(value.dropFirst(2)).map { $0 - 1 } : nil
        }
        guard let at = value.lastIndex(of: "@"), let dot = value[..<at].lastIndex(of: ".") else { return nil }
        return Int(value[value.index(after: dot)..<at])
    }
}
