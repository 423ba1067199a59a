import JSON

/// Which webhooks to send: what an Automation Center program with a webhook node would.
///
/// As JSON for `POST /sandbox/webhooks`: `{url, secret, kind?: "custom"|"order", event_name?, contacts?: [id] , first?: n,
/// event_data?, event_time?, additional_data?: {}, algorithm?: "HS256"|"HS384"|"HS512"|"none", claims?: {}, token?,
/// copies?: n, attempts?: n, omit?: ["phone"…], deduplication?: bool, phone_field?: 37}`.
public struct SandboxWebhookOrder: Sendable {
    /// The endpoint's address.
    public var url: String
    /// The JWT secret.
    public var secret: String
    /// An order event instead of a custom one.
    public var isOrder = false
    /// `event_name` in the body.
    public var eventName = "abandoned_cart"
    /// Contact ids, one delivery each; unless given, the account's first `first` contacts.
    public var contacts: [String] = []
    /// How many of the account's first contacts, if none are named.
    public var first = 1
    /// `event_data`; unless given, a made-up cart or order.
    public var eventData: JSON?
    /// `event_time`; unless given, now.
    public var eventTime: String?
    /// More keys at the first level.
    public var additionalData = JSONObject()
    /// The JWT's algorithm.
    public var algorithm = "HS256"
    /// The JWT's claims; unless given, `iat` and `exp`.
    public var claims: JSONObject?
    /// A whole token instead of a signed one.
    public var token: String?
    /// How often each delivery is sent: more than 1 sends deliberate duplicates at once.
    public var copies = 1
    /// How often a delivery is tried at most; Emarsys tries 11 times.
    public var attempts = 1
    /// Contact keys to leave out.
    public var omitted: Set<String> = []
    /// Whether `deduplication_id` is sent.
    public var hasDeduplicationID = true
    /// The field that the preset's author chose for `phone`.
    public var phoneField = 37

    /// An order with defaults.
    public init(url: String, secret: String) {
        self.url = url
        self.secret = secret
    }

    /// Reads the JSON form; nil without url and secret.
    init?(_ json: JSON) {
        guard let url = json["url"]?.string, let secret = json["secret"]?.string else { return nil }
        self.init(url: url, secret: secret)
        isOrder = json["kind"]?.string == "order"
        eventName = json["event_name"]?.string ?? (isOrder ? "order_placed" : eventName)
        contacts = (json["contacts"]?.array ?? []).compactMap { SandboxValue($0).text }
        first = max(1, json["first"]?.int ?? 1)
        eventData = json["event_data"]
        eventTime = json["event_time"]?.string
        additionalData = json["additional_data"]?.object ?? [:]
        algorithm = json["algorithm"]?.string ?? algorithm
        claims = json["claims"]?.object
        token = json["token"]?.string
        copies = min(max(1, json["copies"]?.int ?? 1), 100)
        attempts = min(max(1, json["attempts"]?.int ?? 1), 11)
        omitted = Set((json["omit"]?.array ?? []).compactMap { $0.string })
        hasDeduplicationID = json["deduplication"]?.bool ?? true
        phoneField = json["phone_field"]?.int ?? 37
    }
}

/// One webhook on its way.
public struct SandboxDelivery: Sendable {
    /// `deduplication_id`.
    public var id: String
    /// The contact it is about.
    public var contact: String
    /// The body as sent.
    public var body: [UInt8]
    /// The HTTP status of each attempt so far, 0 for no answer.
    public var statuses: [Int] = []
    /// The body of the last answer.
    public var answer: [UInt8] = []

    /// Whether the receiver has taken it.
    public var isDelivered: Bool { statuses.last.map { (200..<300).contains($0) } ?? false }

    var json: JSON {
        [
            "id": .string(id), "contact": .string(contact), "statuses": .array(statuses.map { .int($0) }),
            "delivered": .bool(isDelivered), "body": (try? JSON.parse(body)) ?? .null,
            "answer": (try? JSON.parse(answer)) ?? .string(String(decoding: answer.prefix(500), as: UTF8.self)),
        ]
    }
}
