public import JSON

/// The rarely changed switches of a tenant, as `tenants.settings` holds them. Each capability adds its own typed property
/// in an extension, with the value that holds where nothing is set.
public struct TenantSettings: Sendable, Hashable {
    /// The settings as stored: an object.
    public let values: JSON

    /// Settings from their stored form.
    public init(_ values: JSON = .object([:])) { self.values = values }

    /// A setting as stored.
    public subscript(name: String) -> JSON? { values[name] }

    /// The language of field names and choices in Emarsys: one of its codes such as `en` or `de`.
    public var language: String { values["language"]?.string ?? "en" }
}
