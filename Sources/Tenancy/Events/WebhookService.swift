import Crypto
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence

/// Takes webhooks: token, body, inbox, answer. What follows from an event happens in its lane.
public struct WebhookService: Sendable {
    private let inbox: InboxWriter
    private let check: EventCheck
    private let time: any TimeSource
    private let onOutcome: (@Sendable (EventSource, String) -> Void)?

    /// A service over an inbox.
    ///
    /// - Parameter onOutcome: told what became of each event: `accepted`, `held`, `rejected`, `duplicate`, `unavailable`, and of
    ///   each request that was not taken: `unauthorized`, `refused`
    public init(
        inbox: InboxWriter, contacts: any EventContacts, time: any TimeSource,
        onOutcome: (@Sendable (EventSource, String) -> Void)? = nil
    ) {
        self.onOutcome = onOutcome
        self.inbox = inbox
        check = EventCheck(contacts: contacts)
        self.time = time
    }

    /// Answers one webhook of a tenant whose feature is on.
    ///
    /// - Throws: 401 with one body for all causes, 400, 413 or 422 for a body that cannot be taken, 503 with `Retry-After` where it
    ///   is not certain that the event is durable.
    public func receive(_ request: HTTPRequest, tenant: Tenant, source: EventSource) async throws(Problem)
        -> HTTPResponse
    {
        do {
            return try await take(request, tenant: tenant, source: source)
        } catch {
            switch error.status {
            case .unauthorized: onOutcome?(source, "unauthorized")
            case .serviceUnavailable: onOutcome?(source, "unavailable")
            default: onOutcome?(source, "refused")
            }
            throw error
        }
    }

    private func take(_ request: HTTPRequest, tenant: Tenant, source: EventSource) async throws(Problem)
        -> HTTPResponse
    {
        let now = time.now()
        let tokenID = try authenticate(request, tenant: tenant, now: now)
        let arrival = WebhookArrival(
            tenantID: tenant.id, source: source, at: now, tokenID: tokenID,
            idempotencyKey: request.header("X-Idempotency-Key"))
        let policy = WebhookPolicy(
            defaultCountry: tenant.defaultCountry, blanksToUnderscore: tenant.settings.blanksToUnderscore)
        let check = check
        let body = try WebhookBody(
            request.body, arrival: arrival, policy: policy,
            check: { check.faults($0, source: source, policy: policy, defaultCurrency: tenant.defaultCurrency) },
            checkKeys: source == .custom ? { check.keyFaults($0, policy: policy) } : nil)
        var rows: [InboxRow] = []
        rows.reserveCapacity(body.elements.count)
        for case .event(let event) in body.elements {
            let status: EventStatus = event.faults.isEmpty ? (tenant.isPaused ? .held : .accepted) : .rejected
            rows.append(InboxRow(tenantID: tenant.id, source: source, status: status, receivedAt: now, event: event))
        }
        let outcomes = await inbox.append(rows)
        if let onOutcome { count(rows, outcomes, onOutcome) }
        return try WebhookAnswer.make(body.elements, rows: rows, outcomes: outcomes)
    }

    private func count(
        _ rows: [InboxRow], _ outcomes: [InboxOutcome], _ onOutcome: @Sendable (EventSource, String) -> Void
    ) {
        for (row, outcome) in zip(rows, outcomes) {
            switch outcome {
            case .stored: onOutcome(row.source, row.status.rawValue)
            case .duplicate: onOutcome(row.source, "duplicate")
            case .unstorable: onOutcome(row.source, "rejected")
            case .unavailable: break  // Counted with the request.
            }
        }
    }

    /// The token's id, if it has one.
    private func authenticate(_ request: HTTPRequest, tenant: Tenant, now: Timestamp) throws(Problem) -> String? {
        guard var token = request.head.headerBytes("Authorization") else { throw Self.unauthorized }
        if let blank = token.firstIndex(of: UInt8(ascii: " ")) {
            guard String(decoding: token[..<blank], as: UTF8.self).lowercased() == "bearer" else {
                throw Self.unauthorized
            }
            token = token[(blank + 1)...]
            while token.first == UInt8(ascii: " ") { token = token.dropFirst() }
        }
        guard let claims = try? tenant.webhookVerifier?.verify(token, now: now.seconds) else { throw Self.unauthorized }
        return Self.tokenID(claims.payload)
    }

    /// `jti`, which few tokens carry.
    private static func tokenID(_ payload: [UInt8]) -> String? {
        let bytes = payload.span.bytes
        var scanner = JSONScanner()
        guard (try? scanner.beginObject(bytes)) != nil else { return nil }
        while let key = try? scanner.nextMember(bytes), let value = try? scanner.value(bytes) {
            if key.equals("jti", in: bytes) { return value.string(in: bytes) }
        }
        return nil
    }

    private static let unauthorized = Problem(
        .unauthorized, "invalid_token", detail: "The bearer token is missing or not valid here.",
        headers: ["WWW-Authenticate": "Bearer"])
}

/// Finds on arrival what no processing could repair.
struct EventCheck: Sendable {
    let contacts: any EventContacts

    func faults(
        _ content: EventContent, source: EventSource, policy: WebhookPolicy, defaultCurrency: String?
    ) -> [EventFault] {
        var faults = keyFaults(content.keys, policy: policy)
        if source == .order {
            let order = OrderContent(content, defaultCurrency: defaultCurrency)
            faults = order.faults + (order.isTraceable ? [] : faults)
        }
        return faults
    }

    /// Empty where one of the keys can be used.
    func keyFaults(_ keys: ContactKeys, policy: WebhookPolicy) -> [EventFault] {
        if keys.isEmpty {
            return [
                EventFault(
                    "contact", "contact_key_missing",
                    "One of external_reference_id, phone and email is needed; all are missing or empty.")
            ]
        }
        var faults: [EventFault] = []
        if let id = keys.externalReferenceID {
            if id.utf8.count <= WebhookLimits.identifier { return [] }
            faults.append(EventFault("external_reference_id", "too_long", "Longer than 255 characters."))
        }
        if let phone = keys.phone {
            switch contacts.phone(phone, defaultCountry: policy.defaultCountry) {
            case .success: return []
            case .failure(let fault): faults.append(EventFault("phone", fault.code, "The phone cannot be used."))
            }
        }
        if let email = keys.email {
            switch contacts.email(email) {
            case .success: return []
            case .failure(let fault): faults.append(EventFault("email", fault.code, "The e-mail cannot be used."))
            }
        }
        return faults
    }
}

/// Writes the answer to a webhook.
enum WebhookAnswer {
    static func make(
        _ elements: [WebhookBody.Element], rows: [InboxRow], outcomes: [InboxOutcome]
    ) throws(Problem) -> HTTPResponse {
        if outcomes.contains(.unavailable) {
            throw .unavailable(
                "database_unavailable", "The event could not be stored. Please send it again.", retryAfter: 5)
        }
        if elements.count == 1, outcomes.first == .unstorable {
            throw .unprocessable("unstorable_body", "The database cannot keep this body.")
        }
        var writer = JSONWriter(capacity: 96 + 80 * elements.count)
        writer.beginObject()
        writer.key("count")
        writer.int(elements.count)
        writer.key("data")
        writer.beginArray()
        var next = 0
        var duplicates = 0
        for element in elements {
            writer.beginObject()
            switch element {
            case .refused(let fault): write(&writer, id: nil, status: "rejected", faults: [fault])
            case .event(let event):
                let row = rows[next]
                switch outcomes[next] {
                case .stored: write(&writer, id: event.id, status: row.status.rawValue, faults: event.faults)
                case .duplicate(let first):
                    duplicates += 1
                    write(&writer, id: first, status: "duplicate", faults: [])
                case .unstorable, .unavailable:
                    let fault = EventFault("", "unstorable_body", "The database cannot keep this event.")
                    write(&writer, id: nil, status: "rejected", faults: [fault])
                }
                next += 1
            }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return .json(bytes: writer.bytes, status: duplicates == elements.count ? .ok : .accepted)
    }

    private static func write(_ writer: inout JSONWriter, id: UUID?, status: String, faults: [EventFault]) {
        writer.key("id")
        writer.string(id?.text)
        writer.key("status")
        writer.string(status)
        guard !faults.isEmpty else { return }
        writer.key("errors")
        writer.beginArray()
        for fault in faults { writer.value(fault.json) }
        writer.endArray()
    }
}
