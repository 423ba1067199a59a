public import EventLoop
public import FoundationEssentials
public import JSON

/// A contact as clients see it.
public struct Contact: Sendable {
    /// A phone or e-mail and whether it is the first one.
    public struct Value: Sendable, Hashable {
        /// The value.
        public let value: String
        /// Whether it is the one that counts.
        public let isPrimary: Bool
    }

    /// What the contact bought in one currency.
    public struct Total: Sendable, Hashable {
        /// ISO 4217.
        public let currency: String
        /// A decimal number.
        public let amount: String
        /// How many orders.
        public let count: Int
        /// The last one.
        public let lastOrderAt: Timestamp?
    }

    /// The id.
    public let id: UUID
    let firstName: String?
    let lastName: String?
    let phone: String?
    let email: String?
    let externalReferenceID: String?
    let customProperties: [UInt8]
    let optIn: String?
    let phones: [Value]
    let emails: [Value]
    let segments: [String]
    let totals: [Total]
    /// When it came to be.
    public let createdAt: Timestamp
    let updatedAt: Timestamp
    /// Whether it was erased.
    public let isErased: Bool

    /// Writes the contact as an object.
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writeFields(to: &writer)
        writer.endObject()
    }

    /// Writes the fields of the contact into an object that is open.
    public func writeFields(to writer: inout JSONWriter) {
        writer.key("id")
        writer.string(id.uuidString.lowercased())
        writer.key("first_name")
        writer.string(firstName)
        writer.key("last_name")
        writer.string(lastName)
        writer.key("phone")
        writer.string(phone)
        writer.key("phones")
        Self.write(phones, to: &writer)
        writer.key("email")
        writer.string(email)
        writer.key("emails")
        Self.write(emails, to: &writer)
        writer.key("external_reference_id")
        writer.string(externalReferenceID)
        writer.key("custom_properties")
        writer.raw(customProperties)
        writer.key("opt_in")
        writer.string(optIn)
        writer.key("segments")
        writer.beginArray()
        for segment in segments { writer.string(segment) }
        writer.endArray()
        writer.key("orders")
        writer.beginObject()
        writer.key("count")
        writer.int(totals.reduce(0) { $0 + $1.count })
        writer.key("totals")
        writer.beginObject()
        for total in totals {
            writer.key(dynamic: total.currency)
            writer.string(Amount(total.amount)?.text ?? total.amount)
        }
        writer.endObject()
        writer.key("last_order_at")
        writer.string(totals.compactMap(\.lastOrderAt).max()?.rfc3339)
        writer.endObject()
        writer.key("created_at")
        writer.string(createdAt.rfc3339)
        writer.key("updated_at")
        writer.string(updatedAt.rfc3339)
    }

    private static func write(_ values: [Value], to writer: inout JSONWriter) {
        writer.beginArray()
        for value in values {
            writer.beginObject()
            writer.key("value")
            writer.string(value.value)
            writer.key("primary")
            writer.bool(value.isPrimary)
            writer.endObject()
        }
        writer.endArray()
    }
}
