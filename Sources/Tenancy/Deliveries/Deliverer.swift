import Crypto
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence

/// Delivers what is queued for one tenant: first in line per contact, several contacts side by side.
///
/// The order of one contact's deliveries is kept by asking only for those with nothing queued before them; a failing one
/// holds up its own contact, nobody else. What tells of the instance as a whole (alerts, its connection, its imports) goes ahead.
public struct Deliverer: Sendable {
    /// How much one job does.
    public struct Limits: Sendable {
        /// Deliveries under way at once for one tenant.
        public var inFlight = 16
        /// How many of them may tell of the instance as a whole: they go ahead of what waits for contacts and orders.
        public var ofInstance = 4
        /// Rounds before the job makes way for other tenants.
        public var rounds = 200
        /// Time before it makes way.
        public var time: Duration = .seconds(30)

        /// The defaults.
        public init() {}
    }

    let database: Database
    let transport: any DeliveryTransport
    let secrets: EndpointSecrets
    let time: any TimeSource
    let plan: DeliveryRetryPlan
    let limits: Limits
    private var onAttempt: (@Sendable (String) -> Void)?

    /// - Parameters:
    ///   - policy: Which addresses may be connected to.
    ///   - plan: How long and how often is tried.
    ///   - onAttempt: Told what became of each attempt: `delivered`, `retried` or `dead`.
    public init(
        database: Database, client: HTTPClient, policy: EndpointPolicy, secrets: SecretBox, time: any TimeSource,
        plan: DeliveryRetryPlan = DeliveryRetryPlan(), limits: Limits = Limits(),
        onAttempt: (@Sendable (String) -> Void)? = nil
    ) {
        self.init(
            database: database,
            transport: HTTPDeliveryTransport(client: client, addresses: policy.addresses, timeout: .seconds(15)),
            secrets: secrets, time: time, plan: plan, limits: limits)
        self.onAttempt = onAttempt
    }

    init(
        database: Database, transport: any DeliveryTransport, secrets: SecretBox, time: any TimeSource,
        plan: DeliveryRetryPlan = DeliveryRetryPlan(), limits: Limits = Limits()
    ) {
        self.database = database
        self.transport = transport
        self.secrets = EndpointSecrets(box: secrets)
        self.time = time
        self.plan = plan
        self.limits = limits
    }

    /// Delivers what is due, and sees to it that it is called again when something is due next.
    public func drain(tenantID: UUID) async throws {
        let start = time.now()
        for _ in 0..<limits.rounds {
            let now = time.now()
            let answers = try await database.run(
                .tenant(tenantID),
                [
                    EndpointStore.find(tenantID: tenantID), DeliveryStore.isPaused(tenantID: tenantID),
                    DeliveryStore.due(
                        tenantID: tenantID, limit: limits.inFlight, ofInstance: limits.ofInstance, now: now),
                ])
            guard let stored = try answers[0].first.map(EndpointStore.endpoint), stored.endpoint.isEnabled else {
                return
            }
            // The lane lets the job go on when the pause ends.
            if try answers[1].first?.get(0) ?? false { return try await wake(tenantID: tenantID, at: now) }
            let width = stored.endpoint.circuit.permits(limits.inFlight, now: now)
            guard width > 0 else {
                return try await wake(tenantID: tenantID, at: stored.endpoint.circuit.openUntil ?? now)
            }
            let due = try answers[2].prefix(width).map(DeliveryStore.dueDelivery)
            if due.isEmpty {
                let next = try await database.run(.tenant(tenantID), DeliveryStore.nextDue(tenantID: tenantID))
                if let at: Timestamp = try next.first?.get(0) { try await wake(tenantID: tenantID, at: at) }
                return
            }
            try await deliver(due, stored, tenantID: tenantID)
            if time.now() - start > limits.time { break }
        }
        try await wake(tenantID: tenantID, at: time.now())
    }

    /// Sends one body and measures it.
    func attempt(
        id: UUID, body: [UInt8], url: String, signer: WebhookSigner, trace: TraceContext? = nil
    ) async -> (result: DeliveryResult, at: Timestamp, milliseconds: Int) {
        let at = time.now()
        guard let url = HTTPURL(url) else { return (.failed(code: "invalid_url"), at, 0) }
        var headers: HTTPHeaders = ["Content-Type": "application/json", "User-Agent": "charles-emarsys"]
        let signature = signer.sign(id: id.text, timestamp: at.seconds, body: body)
        headers.set("webhook-id", signature.id)
        headers.set("webhook-timestamp", signature.timestamp)
        headers.set("webhook-signature", signature.signature)
        if let trace = trace ?? TraceContext.current { headers.carry(trace) }
        let begin = ContinuousClock.now
        let result = await transport.post(url, headers: headers, body: body)
        return (result, at, Int((ContinuousClock.now - begin) / .milliseconds(1)))
    }

    // MARK: One round

    private func deliver(_ due: [DueDelivery], _ stored: StoredEndpoint, tenantID: UUID) async throws {
        let signer = try await secrets.signer(stored, tenantID: tenantID, now: time.now())
        let url = stored.endpoint.url
        let outcomes = await withTaskGroup(of: (Int, DeliveryAttempt).self) { group in
            for (index, delivery) in due.enumerated() {
                group.addTask {
                    let sent = await self.attempt(
                        id: delivery.id, body: delivery.body, url: url, signer: signer, trace: delivery.trace)
                    return (
                        index,
                        DeliveryAttempt(
                            deliveryID: delivery.id, attempt: delivery.attempts + 1, at: sent.at,
                            milliseconds: sent.milliseconds, result: sent.result)
                    )
                }
            }
            var outcomes: [(Int, DeliveryAttempt)] = []
            for await outcome in group { outcomes.append(outcome) }
            return outcomes.sorted { $0.0 < $1.0 }
        }
        let now = time.now()
        var circuit = stored.endpoint.circuit
        var updates: [DeliveryUpdate] = []
        var isGone = false
        for (index, attempt) in outcomes {
            let verdict = DeliveryVerdict(attempt.result)
            switch verdict {
            case .delivered: circuit.succeed()
            case .retry: circuit.fail(now: now)
            case .quiet(let duration): circuit.hold(for: duration, now: now)
            case .gone: isGone = true
            }
            updates.append(update(due[index], attempt, verdict, now: now))
        }
        var queries = DeliveryStore.record(updates, outcomes.map(\.1), tenantID: tenantID)
        if circuit != stored.endpoint.circuit {
            queries.append(EndpointStore.setCircuit(circuit, tenantID: tenantID))
        }
        if isGone { queries.append(EndpointStore.disable(tenantID: tenantID, reason: "gone", now: now)) }
        _ = try await database.run(.tenant(tenantID), queries)
        if let onAttempt {
            for update in updates { onAttempt(update.state == "queued" ? "retried" : update.state) }
        }
    }

    private func update(
        _ delivery: DueDelivery, _ attempt: DeliveryAttempt, _ verdict: DeliveryVerdict, now: Timestamp
    ) -> DeliveryUpdate {
        let giveUpAt = delivery.attempts == 0 ? delivery.createdAt + plan.retryFor : delivery.giveUpAt
        var update = DeliveryUpdate(
            id: delivery.id, state: "queued", attempts: attempt.attempt, nextAttemptAt: now, giveUpAt: giveUpAt,
            lastError: nil, deliveredAt: nil)
        let retryAfter: Duration?
        switch verdict {
        case .delivered:
            update.state = "delivered"
            update.deliveredAt = now
            return update
        case .retry(let after): retryAfter = after
        case .quiet(let duration): retryAfter = duration
        case .gone: retryAfter = nil
        }
        update.lastError = Self.lastError(attempt)
        let next = plan.next(
            failures: attempt.attempt, giveUpAt: giveUpAt, now: now, retryAfter: retryAfter,
            jitter: Double.random(in: 0...1))
        if let next { update.nextAttemptAt = next } else { update.state = "dead" }
        return update
    }

    static func lastError(_ attempt: DeliveryAttempt) -> [UInt8]? {
        guard let code = attempt.result.error else { return nil }
        let json: JSON = [
            "code": .string(code), "status": .optional(attempt.result.status), "at": .string(attempt.at.rfc3339),
        ]
        return json.encoded()
    }

    // MARK: Asking

    func endpoint(tenantID: UUID) async throws -> StoredEndpoint? {
        try await database.run(.tenant(tenantID), EndpointStore.find(tenantID: tenantID)).first
            .map(EndpointStore.endpoint)
    }

    private func wake(tenantID: UUID, at: Timestamp) async throws {
        _ = try await database.run(
            .tenant(tenantID), DeliveryStore.wake(tenantID: tenantID, at: at, now: time.now()))
    }
}
