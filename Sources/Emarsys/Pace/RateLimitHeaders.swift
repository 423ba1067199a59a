/// What an answer says about the caller's budget.
///
/// `X-RateLimit-Limit`, `-Remaining` and `-Reset` (unix seconds) come with ordinary answers too, in varying
/// capitalisation; `Retry-After` is undocumented and honoured where it comes.
public struct RateLimitHeaders: Sendable, Hashable {
    /// Calls in a window, if told.
    public var limit: Int?
    /// Calls left in the window, if told.
    public var remaining: Int?
    /// When the window ends, in unix seconds, if told.
    public var resetUnixSeconds: Int64?
    /// `Retry-After` in seconds; its date form is ignored.
    public var retryAfterSeconds: Int?

    /// Reads the headers through `value`, which must ignore the case of names.
    public init(_ value: (String) -> String?) {
        func number(_ name: String) -> Int64? {
            guard let text = value(name) else { return nil }
            let digits = text.utf8.drop { $0 == 0x20 || $0 == 0x09 }.prefix { $0 >= 0x30 && $0 <= 0x39 }
            return Int64(Substring(digits))
        }
        limit = number("X-RateLimit-Limit").map { Int(clamping: $0) }.flatMap { $0 > 0 ? $0 : nil }
        remaining = number("X-RateLimit-Remaining").map { Int(clamping: $0) }
        resetUnixSeconds = number("X-RateLimit-Reset")
        retryAfterSeconds = number("Retry-After").map { Int(clamping: min($0, 86_400)) }
    }
}
