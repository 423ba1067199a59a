public import EventLoop
public import FoundationEssentials
public import JSON
import Persistence

/// Why a row, or a value of it, did not come in.
public struct ImportRejection: Sendable {
    /// The id.
    public let id: UUID
    /// The reason.
    public let code: String
    /// Source values by destination.
    public let values: JSON
    /// The contact, where there is one.
    public let contactID: UUID?
    /// When it was noted.
    public let createdAt: Timestamp

    /// The rejection as clients see it.
    public var json: JSON {
        [
            "id": .string(id.uuidString.lowercased()), "code": .string(code), "values": values,
            "contact_id": contactID.map { .string($0.uuidString.lowercased()) } ?? .null,
            "created_at": .string(createdAt.rfc3339),
        ]
    }
}
