import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// Something that happened and that the charles instance is told.
public struct OutgoingEvent: Sendable {
    /// E.g. `order.recorded`.
    public var type: String
    /// Deliveries of one contact keep their order.
    public var contactID: UUID?
    /// The run it carries.
    public var flowRunID: UUID?
    /// `data` of the body.
    public var data: JSON

    /// An event to tell.
    public init(type: String, contactID: UUID? = nil, flowRunID: UUID? = nil, data: JSON) {
        self.type = type
        self.contactID = contactID
        self.flowRunID = flowRunID
        self.data = data
    }
}

/// How any capability tells the instance something: in the transaction in which it happened.
public enum DeliveryOutbox {
    /// Statements for the tenant's transaction. They queue nothing where there is no enabled endpoint.
    public static func queries(tenant: UUID, _ events: [OutgoingEvent], now: Timestamp) -> [Query] {
        if events.isEmpty { return [] }
        return [
            Query(
                "SELECT app.queue_deliveries($1, $2, $3, $4, $5, $6)",
                [
                    .uuid(tenant), .textArray(events.map(\.type)), .uuidArray(events.map(\.contactID)),
                    .uuidArray(events.map(\.flowRunID)), .jsonbArray(events.map { $0.data.encoded() }),
                    .timestamp(now),
                ])
        ]
    }

    /// One delivery of a type per contact, with the contact as its data.
    public static func contactQueries(tenant: UUID, type: String, contacts: [UUID], now: Timestamp) -> [Query] {
        if contacts.isEmpty { return [] }
        return [
            Query(
                "SELECT app.queue_contact_deliveries($1, $2, $3, $4)",
                [.uuid(tenant), .uuidArray(contacts), .text(type), .timestamp(now)])
        ]
    }
}
