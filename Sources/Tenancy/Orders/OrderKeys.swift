import JSON

/// Finds an order's facts under the names that shops give them: charles's own, Emarsys for Magento, Web Extend, Shopify, Klaviyo.
struct OrderKeys {
    /// Where to look, in this order: `event_data`, then an order inside it.
    private let places: [JSONObject]

    init(_ data: JSONObject) {
        var places = [data]
        for name in ["order", "purchase", "Order"] {
            if let inner = data[name]?.object { places.append(inner) }
        }
        self.places = places
    }

    /// The first value that is there, names in order of preference.
    func value(_ names: String...) -> JSON? {
        for name in names {
            for place in places {
                if let value = Self.at(name, in: place), !value.isNull { return value }
            }
        }
        return nil
    }

    /// Inner orders before the event's own keys: `id` beside an order is the event's or contact's.
    func innerFirst(_ names: String...) -> JSON? {
        for name in names {
            for place in places.reversed() {
                if let value = Self.at(name, in: place), !value.isNull { return value }
            }
        }
        return nil
    }

    /// A value by a path with dots.
    static func at(_ path: String, in object: JSONObject) -> JSON? {
        if let value = object[path] { return value }
        guard path.utf8.contains(UInt8(ascii: ".")) else { return nil }
        var value: JSON = .object(object)
        for part in path.split(separator: ".") {
            guard let next = value[String(part)] else { return nil }
            value = next
        }
        return value
    }
}
