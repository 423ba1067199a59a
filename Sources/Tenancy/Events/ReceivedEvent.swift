import Crypto
import EventLoop
import FoundationEssentials
import JSON

/// One event as it goes into the inbox.
public struct ReceivedEvent: Sendable {
    /// Its id from now on.
    public let id: UUID
    /// The event's name; nil only where an array's element had none.
    public let name: String?
    /// By its own word, else the time of arrival.
    public let occurredAt: Timestamp
    /// The JSON text, verbatim.
    public let body: [UInt8]
    /// 32 bytes: equal for copies of one event.
    public let dedupKey: [UInt8]
    /// Not empty: kept, but cannot be used.
    public let faults: [EventFault]
}

/// Who sent a webhook and when: what the reader needs besides the body.
public struct WebhookArrival: Sendable {
    /// The tenant.
    public let tenantID: UUID
    /// Which webhook.
    public let source: EventSource
    /// When.
    public let at: Timestamp
    /// `jti` of the token, if it carries one.
    public let tokenID: String?
    /// `X-Idempotency-Key`, if sent: names a single event in place of the derived key.
    public let idempotencyKey: String?

    /// An arrival.
    public init(
        tenantID: UUID, source: EventSource, at: Timestamp, tokenID: String? = nil, idempotencyKey: String? = nil
    ) {
        self.tenantID = tenantID
        self.source = source
        self.at = at
        self.tokenID = tokenID
        self.idempotencyKey = idempotencyKey
    }
}

/// Derives the key under which copies of an event meet.
struct DedupKey {
    private var material: [UInt8] = []

    /// The sender's own id of the delivery, else a hash of what the event says.
    static func derive(_ content: EventContent, _ arrival: WebhookArrival) -> [UInt8] {
        var key = DedupKey()
        withUnsafeBytes(of: arrival.tenantID.uuid) { key.material.append(contentsOf: $0) }
        key.add(arrival.source.rawValue)
        if let id = content.deduplicationID {
            key.add("deduplication_id")
            key.add(id)
        } else if let id = arrival.idempotencyKey {
            key.add("idempotency_key")
            key.add(id)
        } else {
            key.add("derived")
            key.add(content.keys.externalReferenceID ?? content.keys.phone ?? content.keys.email?.lowercased() ?? "")
            key.add(content.name?.text ?? "")
            key.add(content.timeText ?? "")
            key.add(arrival.tokenID ?? "")
            key.material.append(contentsOf: JSON.object(content.data).canonical())
        }
        return SHA256.hash(key.material)
    }

    /// Length first, so that two fields never run into one another.
    private mutating func add(_ text: String) {
        let bytes = text.utf8
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: bytes.count).bigEndian) { material.append(contentsOf: $0) }
        material.append(contentsOf: bytes)
    }
}
