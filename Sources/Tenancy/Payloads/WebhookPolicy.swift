/// What the tenant's settings say about reading webhooks.
public struct WebhookPolicy: Sendable, Hashable {
    /// ISO country whose calling code a national number takes; nil: such numbers are unusable.
    public var defaultCountry: String?
    /// Blanks in `event_name` become `_` instead of being refused.
    public var blanksToUnderscore: Bool

    /// A policy; strict unless told otherwise.
    public init(defaultCountry: String? = nil, blanksToUnderscore: Bool = false) {
        self.defaultCountry = defaultCountry
        self.blanksToUnderscore = blanksToUnderscore
    }
}

/// Limits of what a webhook may carry.
public enum WebhookLimits {
    /// Bytes of a request body.
    public static let body = 256 * 1024
    /// Bytes of `event_data`.
    public static let eventData = 64 * 1024
    /// Nesting of `event_data`, itself counted.
    public static let eventDataDepth = 8
    /// Events in one array.
    public static let events = 1000
    /// Characters of an external reference id or a deduplication id.
    public static let identifier = 255
}

/// Why an event cannot be used, for one field. Kept with the event and answered to the sender.
public struct EventFault: Sendable, Hashable {
    /// The key it is about.
    public let field: String
    /// Stable, snake_case.
    public let code: String
    /// For people; holds no value of the event.
    public let message: String

    /// A fault.
    public init(_ field: String, _ code: String, _ message: String) {
        self.field = field
        self.code = code
        self.message = message
    }
}
