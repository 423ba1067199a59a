/// The name that flows are matched by: `^[A-Za-z0-9_.:-]{1,128}$`.
public struct EventName: Sendable, Hashable {
    /// The name.
    public let text: String

    /// - Parameters:
    ///   - text: As received; white space around it is not forgiven.
    ///   - blanksToUnderscore: The tenant's switch: blanks become `_` instead of being refused.
    public init?(_ text: String, blanksToUnderscore: Bool = false) {
        if EventNameRule.matches(text) {
            self.text = text
            return
        }
        guard blanksToUnderscore else { return nil }
        let joined = String(decoding: text.utf8.map { $0 == UInt8(ascii: " ") ? UInt8(ascii: "_") : $0 }, as: UTF8.self)
        guard EventNameRule.matches(joined) else { return nil }
        self.text = joined
    }
}

/// The rule for names of events, as flows are matched by it.
enum EventNameRule {
    static func matches(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: ":"),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
