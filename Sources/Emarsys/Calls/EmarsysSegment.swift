/// A segment of the Emarsys account.
public struct EmarsysSegment: Sendable, Hashable {
    /// The id that ``EmarsysClient/segmentContacts(_:offset:limit:poll:onWait:)`` takes.
    public let id: Int64
    /// The name its author gave it.
    public let name: String
    /// `standard`, `combined`, `relational`, `ai` or whatever Emarsys says; `standard` where it says nothing.
    public let type: String

    /// A segment.
    public init(id: Int64, name: String, type: String = "standard") {
        self.id = id
        self.name = name
        self.type = type
    }
}
