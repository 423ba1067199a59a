public import EventLoop
public import FoundationEssentials
public import JSON

extension JSON {
    /// An id as the API writes it: lower case.
    public static func id(_ id: UUID) -> JSON { .string(id.uuidString.lowercased()) }

    /// An id, or null.
    public static func id(_ id: UUID?) -> JSON { id.map { .id($0) } ?? .null }

    /// A time in RFC 3339, UTC.
    public static func time(_ time: Timestamp) -> JSON { .string(time.rfc3339) }

    /// A time in RFC 3339, UTC, or null.
    public static func time(_ time: Timestamp?) -> JSON { time.map { .time($0) } ?? .null }

    /// Names as an array of strings.
    public static func strings(_ values: some Sequence<String>) -> JSON { .array(values.map { .string($0) }) }
}
