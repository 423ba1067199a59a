import Crypto
import EventLoop
import HTTP
import JSON

/// Sends webhooks as the Automation Center does.
public struct SandboxWebhookSender: Sendable {
    let http: HTTPClient
    let time: any TimeSource

    /// A sender.
    public init(http: HTTPClient, time: any TimeSource) {
        self.http = http
        self.time = time
    }

    /// Sends an order's deliveries one after another, each with its copies, and returns them with their outcome.
    public func send(_ order: SandboxWebhookOrder, from account: SandboxAccount) async -> [SandboxDelivery] {
        let contacts =
            order.contacts.isEmpty ? (0..<order.first).map { SandboxAccount.contactID(at: $0) } : order.contacts
        var deliveries: [SandboxDelivery] = []
        for contact in contacts {
            var delivery = delivery(order, contact, account)
            for _ in 1...max(1, order.copies) { await attempt(&delivery, order) }
            account.record(delivery)
            var tries = 1
            while !delivery.isDelivered, tries < order.attempts, let wait = SandboxRetrySchedule.wait(after: tries) {
                do { try await time.sleep(until: time.now() + wait) } catch { break }
                await attempt(&delivery, order)
                account.record(delivery)
                tries += 1
            }
            deliveries.append(delivery)
        }
        return deliveries
    }

    private func delivery(_ order: SandboxWebhookOrder, _ contact: String, _ account: SandboxAccount)
        -> SandboxDelivery
    {
        let id = Hex.encode(SecureRandom.bytes(16))
        var body = JSONObject()
        func put(_ name: String, _ value: JSON?) {
            if !order.omitted.contains(name), let value { body[name] = value }
        }
        put("external_reference_id", .string(contact))
        put("email", account.value(3, of: contact)?.json)
        put("phone", account.value(order.phoneField, of: contact)?.json)
        put("event_name", .string(order.eventName))
        for (name, value) in order.additionalData { body[name] = value }
        put("event_time", .string(order.eventTime ?? time.now().rfc3339))
        put("ems_program_id", 4711)
        if order.hasDeduplicationID { put("deduplication_id", .string(id)) }
        put("event_data", order.eventData ?? madeUpData(order, contact))
        return SandboxDelivery(id: id, contact: contact, body: JSON.object(body).encoded())
    }

    private func madeUpData(_ order: SandboxWebhookOrder, _ contact: String) -> JSON {
        guard order.isOrder else {
            return ["birthdate": "1990-04-01", "discount_code": "HAPPY24", "cart": ["value": 59.9, "currency": "EUR"]]
        }
        let now = time.now()
        return [
            "order_id": .string("\(contact)-\(now.seconds)"), "order_number": "#10234", "type": "sale",
            "status": "open", "ordered_at": .string(now.rfc3339), "updated_at": .string(now.rfc3339),
            "currency": "EUR", "amount_total_gross": "114.90", "amount_total_net": "96.55",
            "discounts": [["name": "WA10", "code": "WA10", "amount": "10.00", "currency": "EUR"]],
            "items": [
                [
                    "sku": "MT07-XS-Gray", "name": "Argus Tank", "qty": 2,
                    "price": ["amount": ["gross": "60.00", "net": "50.42"], "currency": "EUR", "vat_rate": 0.19],
                ]
            ],
        ]
    }

    private func attempt(_ delivery: inout SandboxDelivery, _ order: SandboxWebhookOrder) async {
        guard let url = HTTPURL(order.url) else {
            delivery.statuses.append(0)
            return
        }
        let now = time.now().seconds
        let claims = order.claims ?? ["iat": .int(now), "exp": .int(now + 300)]
        let token =
            order.token ?? SandboxJWT.token(claims: claims, secret: order.secret, algorithm: order.algorithm)
        var request = HTTPClientRequest(method: .post, url: url)
        request.headers.set("Authorization", "Bearer \(token)")
        request.headers.set("Content-Type", "application/json")
        request.body = delivery.body
        request.timeout = .seconds(30)
        request.maxResponseBytes = 1 << 20
        request.addressPolicy = .any
        do {
            let response = try await http.send(request)
            delivery.statuses.append(response.status.code)
            delivery.answer = response.body
        } catch {
            delivery.statuses.append(0)
        }
    }
}

extension SandboxAccount {
    /// Keeps what became of a delivery; of some thousand the latest.
    func record(_ delivery: SandboxDelivery) {
        with { state in
            if let index = state.webhooks.lastIndex(where: { $0.id == delivery.id }) {
                state.webhooks[index] = delivery
            } else {
                state.webhooks.append(delivery)
                if state.webhooks.count > 2000 { state.webhooks.removeFirst(1000) }
            }
        }
    }
}
