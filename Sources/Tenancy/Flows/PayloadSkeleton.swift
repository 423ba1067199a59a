import JSON

/// Fills a flow's skeleton. For each key of the skeleton: the value from `event_data`, else from the additional data, else
/// the skeleton's own; keys of objects inside it are looked for inside the object of the same key.
public struct PayloadSkeleton: Sendable {
    /// The declared keys with their fallbacks.
    public let skeleton: JSONObject

    /// A skeleton.
    public init(_ skeleton: JSONObject) { self.skeleton = skeleton }

    /// A payload, and the keys that nobody filled, nested ones with dots.
    public struct Filled: Sendable, Hashable {
        /// What the flow receives.
        public var payload: JSONObject
        /// In the order of the skeleton.
        public var missing: [String]
    }

    /// Fills the skeleton. A JSON null counts as a value.
    public func fill(data: JSONObject, additional: JSONObject) -> Filled {
        var filled = Filled(payload: JSONObject(), missing: [])
        filled.payload = Self.fill(skeleton, [data, additional], path: "", &filled.missing)
        return filled
    }

    private static func fill(
        _ skeleton: JSONObject, _ sources: [JSONObject], path: String, _ missing: inout [String]
    ) -> JSONObject {
        var result = JSONObject()
        for (key, fallback) in skeleton {
            let found = sources.lazy.compactMap { $0[key] }.first
            let place = path.isEmpty ? key : path + "." + key
            if case .object(let inner) = fallback, !inner.isEmpty {
                // An object in the skeleton names what is wanted of the object that comes.
                let inside = sources.compactMap { $0[key]?.object }
                if inside.isEmpty, let found {
                    result[key] = found
                } else {
                    result[key] = .object(fill(inner, inside, path: place, &missing))
                }
            } else if let found {
                result[key] = found
            } else {
                result[key] = fallback
                missing.append(place)
            }
        }
        return result
    }
}
