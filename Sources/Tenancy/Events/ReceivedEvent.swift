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

extension ReceivedEvent {
    /// An id that rises with time (RFC 9562 version 7), so that new events stand together in their index.
    static func makeID(at time: Timestamp) -> UUID {
        var id = SecureRandom.uuid().uuid
        let milliseconds = time.microseconds / 1000
        withUnsafeMutableBytes(of: &id) { bytes in
            for index in 0..<6 { bytes[index] = UInt8(truncatingIfNeeded: milliseconds >> (40 - 8 * index)) }
            bytes[6] = bytes[6] & 0x0F | 0x70
        }
        return UUID(uuid: id)
    }
}

/// Derives the key under which copies of an event meet.
struct DedupKey {
    private var material: [UInt8] = []

    private init(_ arrival: WebhookArrival, capacity: Int) {
        material.reserveCapacity(capacity)
        withUnsafeBytes(of: arrival.tenantID.uuid) { material.append(contentsOf: $0) }
        add(arrival.source.rawValue)
    }

    /// The sender's own id of the delivery, else a hash of what the event says.
    static func derive(_ content: EventContent, _ arrival: WebhookArrival) -> [UInt8] {
        derive(
            arrival, deduplicationID: content.deduplicationID, keys: content.keys, name: content.name?.text,
            timeText: content.timeText,
            data: content.deduplicationID == nil && arrival.idempotencyKey == nil
                ? JSON.object(content.data).canonical() : [])
    }

    /// The same for an event that was only scanned.
    static func derive(_ scan: EventScan, _ bytes: RawSpan, _ arrival: WebhookArrival) -> [UInt8] {
        derive(
            arrival, deduplicationID: scan.deduplicationID, keys: scan.keys, name: scan.name.text,
            timeText: scan.timeText,
            data: scan.deduplicationID == nil && arrival.idempotencyKey == nil ? scan.canonicalData(bytes) : [])
    }

    private static func derive(
        _ arrival: WebhookArrival, deduplicationID: String?, keys: ContactKeys, name: String?, timeText: String?,
        data: [UInt8]
    ) -> [UInt8] {
        var key = DedupKey(arrival, capacity: 160 + data.count)
        if let id = deduplicationID {
            key.add("deduplication_id")
            key.add(id)
        } else if let id = arrival.idempotencyKey {
            key.add("idempotency_key")
            key.add(id)
        } else {
            key.add("derived")
            key.add(keys.externalReferenceID ?? keys.phone ?? keys.email?.lowercased() ?? "")
            key.add(name ?? "")
            key.add(timeText ?? "")
            key.add(arrival.tokenID ?? "")
            key.material.append(contentsOf: data)
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
