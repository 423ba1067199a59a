/// The shapes and moods in which Emarsys has been seen to answer; each can be switched on alone.
public struct SandboxQuirks: Sendable, Hashable {
    /// How a map or list of errors looks when there is none, or how getdata lists them.
    public enum ErrorShape: String, Sendable, Hashable, CaseIterable {
        /// `[{key, errorCode, errorMsg}]`, `[]` when there is none (getdata); `{}` (update)
        case list
        /// The same with codes as strings.
        case listOfStrings = "list_of_strings"
        /// `{"value": {"2008": "…"}}`; `[]` when an update went well
        case map
        /// `null` when there is none
        case null
        /// The key is missing when there is none.
        case missing
    }

    /// JSON under `text/html; charset=utf-8`.
    public var jsonAsText = false
    /// How `errors` looks.
    public var errorShape = ErrorShape.list
    /// getdata says nothing of keys that it did not find.
    public var hidesMisses = false
    /// Contact ids in getdata as numbers.
    public var numericIDs = false
    /// Segment and field ids as strings where numbers are usual and the other way round.
    public var swappedIDTypes = false
    /// getdata rows in another order than asked for.
    public var shuffledRows = false
    /// 429 as plain text instead of JSON.
    public var plainTextRateLimit = false
    /// How many questions for a segment's contacts are answered by 202 before the ids come.
    public var evaluationCalls = 1
    /// An answer without `replyCode` for updates, as seen in the wild.
    public var updateWithoutReplyCode = false
    /// Milliseconds before each answer.
    public var latencyMilliseconds = 0
    /// How many questions for an export's state come before it is done.
    public var exportSteps = 2

    /// An account in its best mood.
    public init() {}
}
