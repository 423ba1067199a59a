public import HTTP
public import JSON
public import Tenancy

extension HTTPResponse {
    /// One object in the envelope: `{"count":1,"data":[…]}`.
    public static func object(_ value: JSON, status: HTTPStatus = .ok) -> HTTPResponse {
        .enveloped([value], status: status)
    }

    /// A whole list in the envelope, without pages.
    public static func enveloped(_ values: [JSON], status: HTTPStatus = .ok) -> HTTPResponse {
        var writer = JSONWriter(capacity: 512)
        writer.beginEnvelope(count: values.count)
        for value in values { writer.value(value) }
        writer.endEnvelope()
        return .json(bytes: writer.bytes, status: status)
    }

    /// A page of a list in the envelope, with `next` (null at the end).
    public static func list(_ values: [JSON], next: PageCursor?, status: HTTPStatus = .ok) -> HTTPResponse {
        var writer = JSONWriter(capacity: 1024)
        writer.beginEnvelope(count: values.count)
        for value in values { writer.value(value) }
        writer.endEnvelope(next: next)
        return .json(bytes: writer.bytes, status: status)
    }

    /// A page of a list whose items become JSON one by one.
    public static func list<Item>(_ page: Page<Item>, _ json: (Item) -> JSON) -> HTTPResponse {
        .list(page.items.map(json), next: page.next)
    }
}

extension JSONWriter {
    /// Begins `{"count":n,"data":[`, for handlers that write their objects themselves.
    public mutating func beginEnvelope(count: Int) {
        beginObject()
        key("count")
        int(count)
        key("data")
        beginArray()
    }

    /// Ends the envelope of something that has no pages.
    public mutating func endEnvelope() {
        endArray()
        endObject()
    }

    /// Ends the envelope of a page.
    public mutating func endEnvelope(next: PageCursor?) {
        endArray()
        key("next")
        string(next?.token)
        endObject()
    }
}
