/// Something that goes wrong for a number of calls.
public struct SandboxFault: Sendable, Hashable {
    /// What goes wrong.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// 500 with reply code 1.
        case error500 = "500"
        /// 500 with a plain-text body.
        case plain500 = "500_text"
        /// 502 with a proxy's HTML page.
        case html502 = "502"
        /// 503 "The system is overloaded for this resource".
        case overloaded503 = "503"
        /// 429 with reply code 7003.
        case limited429 = "429"
        /// 429 as plain text with `Retry-After: 1`.
        case plain429 = "429_text"
        /// 401 as if the credential were wrong.
        case unauthorized401 = "401"
        /// The connection ends in the middle of the answer.
        case drop
        /// HTTP 200 with something that is not JSON.
        case garbage
        /// HTTP 200 with reply code 1.
        case refusedInside200 = "200_refused"
    }

    /// What goes wrong.
    public var kind: Kind
    /// Part of the path that is affected; empty for all calls.
    public var path: String
    /// For how many calls.
    public var count: Int
    /// After how many calls that go well.
    public var after: Int

    /// A fault.
    public init(_ kind: Kind, path: String = "", count: Int = 1, after: Int = 0) {
        self.kind = kind
        self.path = path
        self.count = count
        self.after = after
    }
}
