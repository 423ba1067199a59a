import JSON

/// Finds an order's facts under the names that shops give them: charles's own, Emarsys for Magento, Web Extend, Shopify, Klaviyo.
struct OrderKeys {
    /// Where to look, in this order: `event_data`, then an order inside it.
    private let places: [JSONObject]
    /// An order inside what was sent beside `event_data`, then what was sent beside it: a preset may write an order's fields flat.
    private let beside: [JSONObject]

    init(_ data: JSONObject, beside additional: JSONObject = JSONObject()) {
        places = [data] + Self.inner(data)
        beside = additional.isEmpty ? [] : Self.inner(additional) + [additional]
    }

    private static func inner(_ object: JSONObject) -> [JSONObject] {
        ["order", "purchase", "Order"].compactMap { object[$0]?.object }
    }

    /// The first value that is there, names in order of preference.
    func value(_ names: String...) -> JSON? {
        for name in names {
            for place in places {
                if let value = Self.at(name, in: place), !value.isNull { return value }
            }
        }
        for name in names {
            for place in beside {
                if let value = Self.at(name, in: place), !value.isNull { return value }
            }
        }
        return nil
    }

    /// Inner orders before the event's own keys: `id` beside an order is the event's or contact's.
    func innerFirst(_ names: String...) -> JSON? {
        for name in names {
            for place in Array(places.reversed()) + beside.dropLast() {
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
