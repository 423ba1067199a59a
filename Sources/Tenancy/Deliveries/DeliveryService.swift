import Crypto
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence

/// The rules of the endpoint and of what is delivered to it.
public struct DeliveryService: Sendable {
    private let database: Database
    private let secrets: EndpointSecrets
    private let policy: EndpointPolicy
    private let deliverer: Deliverer
    private let time: any TimeSource

    /// A service over a database.
    public init(
        database: Database, secrets: SecretBox, policy: EndpointPolicy, deliverer: Deliverer, time: any TimeSource
    ) {
        self.database = database
        self.secrets = EndpointSecrets(box: secrets)
        self.policy = policy
        self.deliverer = deliverer
        self.time = time
    }

    // MARK: The endpoint

    /// The endpoint as clients see it; nil where there is none.
    /// - Parameter actor: Who sees the secret, which is written down; nil leaves it out.
    public func endpoint(tenantID: UUID, revealedTo actor: String?) async throws -> JSON? {
        guard let stored = try await deliverer.endpoint(tenantID: tenantID) else { return nil }
        var secret: [UInt8]?
        if let actor {
            secret = try await secrets.current(stored, tenantID: tenantID)
            _ = try await database.run(
                .tenant(tenantID),
                AuditStore.insert(tenantID, at: time.now(), actor: actor, action: "delivery_secret.revealed"))
        }
        return stored.endpoint.json(secret: secret.map(EndpointSecrets.text))
    }

    /// Makes or changes the endpoint from `{url, enabled}`. The answer shows the secret when it is new.
    public func putEndpoint(tenantID: UUID, body: JSON) async throws -> (json: JSON, isNew: Bool) {
        guard let text = body["url"]?.string else {
            throw Problem.invalid("invalid_url", field: "url", "is required")
        }
        var isEnabled = true
        if let value = body["enabled"] {
            guard let flag = value.bool else {
                throw Problem.invalid([FieldError(field: "enabled", code: "invalid", message: "must be true or false")])
            }
            isEnabled = flag
        }
        let url = try await policy.check(text)
        let now = time.now()
        let secret = EndpointSecrets.make()
        let sealed = try await secrets.seal(secret, tenantID: tenantID)
        let rows = try await database.run(
            .tenant(tenantID),
            [
                EndpointStore.write(
                    tenantID: tenantID, url: url.description, isEnabled: isEnabled, newSecret: sealed, now: now),
                DeliveryStore.wake(tenantID: tenantID, at: now, now: now),
            ])
        let isNew: Bool = try rows[0].first?.get(0) ?? false
        guard let stored = try await deliverer.endpoint(tenantID: tenantID) else { throw Self.noEndpoint }
        return (stored.endpoint.json(secret: isNew ? EndpointSecrets.text(secret) : nil), isNew)
    }

    /// A new secret. For `overlap_hours` (0 to 168, 24 unless given) deliveries carry both signatures.
    public func rotate(tenantID: UUID, body: JSON?) async throws -> JSON {
        let hours = body?["overlap_hours"]?.int ?? 24
        guard (0...168).contains(hours) else {
            throw Problem.invalid([
                FieldError(field: "overlap_hours", code: "out_of_range", message: "must be 0 to 168")
            ])
        }
        let now = time.now()
        let secret = EndpointSecrets.make()
        let sealed = try await secrets.seal(secret, tenantID: tenantID)
        let rows = try await database.run(
            .tenant(tenantID),
            EndpointStore.rotate(
                tenantID: tenantID, secret: sealed, previousValidUntil: now + .seconds(hours * 3600), now: now))
        guard !rows.isEmpty, let stored = try await deliverer.endpoint(tenantID: tenantID) else {
            throw Self.noEndpoint
        }
        return stored.endpoint.json(secret: EndpointSecrets.text(secret))
    }

    /// Sends one `endpoint.test` now and says how it went.
    public func test(tenantID: UUID) async throws -> JSON {
        guard let stored = try await deliverer.endpoint(tenantID: tenantID) else { throw Self.noEndpoint }
        let id = SecureRandom.uuid()
        let now = time.now()
        let body: JSON = [
            "type": "endpoint.test", "timestamp": .string(now.rfc3339),
            "data": ["message": "A test from Settings > Integrations."],
        ]
        let bytes = body.encoded()
        let signer = try await secrets.signer(stored, tenantID: tenantID, now: now)
        let sent = await deliverer.attempt(id: id, body: bytes, url: stored.endpoint.url, signer: signer)
        let attempt = DeliveryAttempt(
            deliveryID: id, attempt: 1, at: sent.at, milliseconds: sent.milliseconds, result: sent.result)
        let isDelivered = sent.result.error == nil
        _ = try await database.run(
            .tenant(tenantID),
            [
                DeliveryStore.insertTest(
                    id: id, tenantID: tenantID, body: bytes, isDelivered: isDelivered,
                    lastError: Deliverer.lastError(attempt), now: now),
                DeliveryStore.log([attempt], tenantID: tenantID),
            ])
        return [
            "ok": .bool(isDelivered), "delivery_id": .string(id.text), "status": .optional(sent.result.status),
            "error": .optional(sent.result.error), "duration_ms": .int(sent.milliseconds),
            "response_excerpt": .optional(sent.result.excerpt),
        ]
    }

    // MARK: Deliveries

    /// Deliveries, newest first.
    public func list(tenantID: UUID, filter: DeliveryFilter, request: PageRequest) async throws -> Page<Delivery> {
        if let state = filter.state, !["queued", "delivered", "failed", "dead"].contains(state) {
            throw Problem.invalid([FieldError(field: "state", code: "unknown", message: "is no state of a delivery")])
        }
        let rows = try await database.run(
            .tenant(tenantID), DeliveryStore.list(tenantID: tenantID, filter: filter, request: request))
        return Page(fetched: try rows.map(DeliveryStore.delivery), request: request) {
            PageCursor(time: $0.createdAt, id: $0.id)
        }
    }

    /// One delivery with its attempts. Throws 404 `delivery_not_found`.
    public func find(tenantID: UUID, id: UUID) async throws -> Delivery {
        let rows = try await database.run(
            .tenant(tenantID),
            [DeliveryStore.find(tenantID: tenantID, id: id), DeliveryStore.attempts(tenantID: tenantID, id: id)])
        guard var delivery = try rows[0].first.map(DeliveryStore.delivery) else { throw Self.noDelivery }
        delivery.log = try rows[1].map(DeliveryStore.attempt)
        return delivery
    }

    /// Queues a delivery again, whatever became of it; it keeps its `webhook-id`. One that waits to be tried again is due now.
    public func replay(tenantID: UUID, id: UUID) async throws -> Delivery {
        let now = time.now()
        _ = try await database.run(
            .tenant(tenantID),
            DeliveryStore.replay(tenantID: tenantID, id: id, giveUpAt: now + deliverer.plan.retryFor, now: now))
        return try await find(tenantID: tenantID, id: id)
    }

    private static var noEndpoint: Problem {
        .notFound("delivery_endpoint_not_found", "No delivery endpoint is set.")
    }
    private static var noDelivery: Problem { .notFound("delivery_not_found", "There is no such delivery.") }
}
