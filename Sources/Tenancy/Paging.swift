import Crypto
public import EventLoop
public import FoundationEssentials
public import HTTP

/// A place in a list that is ordered by time and id: the last item of a page.
public struct PageCursor: Sendable, Hashable {
    /// The item's time.
    public let time: Timestamp
    /// The item's id.
    public let id: UUID

    /// A place.
    public init(time: Timestamp, id: UUID) {
        self.time = time
        self.id = id
    }

    /// The opaque form that clients carry: base64url of eight bytes of microseconds and sixteen of the id.
    public var token: String {
        var bytes = withUnsafeBytes(of: time.microseconds.bigEndian) { [UInt8]($0) }
        withUnsafeBytes(of: id.uuid) { bytes.append(contentsOf: $0) }
        return Base64URL.encode(bytes)
    }

    /// Reads the opaque form; nil for anything that `token` does not make.
    public init?(token: String) {
        guard token.utf8.count == 32, let bytes = Base64URL.decode(token), bytes.count == 24 else { return nil }
        let micros = bytes.prefix(8).reduce(Int64(0)) { $0 << 8 | Int64($1) }
        time = Timestamp(microseconds: micros)
        id = bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(fromByteOffset: 8, as: uuid_t.self)) }
    }
}

/// Which part of a list is asked for.
public struct PageRequest: Sendable, Hashable {
    /// How many items at most, 1 to 200.
    public let limit: Int
    /// Where the page before ended; nil for the first one.
    public let after: PageCursor?

    /// A request for the `limit` items after a place.
    public init(limit: Int = 50, after: PageCursor? = nil) {
        self.limit = min(max(limit, 1), 200)
        self.after = after
    }

    /// Reads `limit` (1 to 200, 50 by default) and `after`. Throws 422 for anything else.
    public init(limit: String?, after: String?) throws(Problem) {
        var errors: [FieldError] = []
        var count = 50
        if let limit {
            if let value = Int(limit), (1...200).contains(value) {
                count = value
            } else {
                errors.append(
                    FieldError(field: "limit", code: "out_of_range", message: "must be a number from 1 to 200"))
            }
        }
        var place: PageCursor?
        if let after, !after.isEmpty {
            place = PageCursor(token: after)
            if place == nil {
                errors.append(
                    FieldError(field: "after", code: "invalid_cursor", message: "must be the \"next\" of a page before")
                )
            }
        }
        guard errors.isEmpty else { throw .invalid(errors) }
        self.init(limit: count, after: place)
    }

    /// How many rows to read: one more than asked for shows whether there is a further page.
    public var fetchCount: Int32 { Int32(limit) + 1 }
    /// `after` as two values for `(time, id) < ($1, $2)`; far in the future for the first page of a falling order.
    public var fallingTime: Timestamp { after?.time ?? Timestamp(microseconds: 4_102_444_800_000_000 * 20) }
    /// The id that goes with `fallingTime`.
    public var fallingID: UUID {
        after?.id ?? UUID(uuid: (255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255))
    }
}

/// A part of a list.
public struct Page<Item: Sendable>: Sendable {
    /// The items.
    public let items: [Item]
    /// Where the next page begins; nil at the end.
    public let next: PageCursor?

    /// A page.
    public init(items: [Item], next: PageCursor?) {
        self.items = items
        self.next = next
    }

    /// A page from `fetchCount` rows.
    public init(fetched: [Item], request: PageRequest, cursor: (Item) -> PageCursor) {
        if fetched.count > request.limit {
            items = Array(fetched.prefix(request.limit))
            next = items.last.map(cursor)
        } else {
            items = fetched
            next = nil
        }
    }
}
