public import EventLoop
public import FoundationEssentials
import HTTP
public import Persistence

/// Records what people decide, and answers what they decided.
///
/// A decision, the state it adds up to and the export that tells Emarsys are one transaction: nobody is ever withdrawn
/// here and granted there because a process ended in between.
public struct ConsentService: Sendable {
    /// How far a decision may lie in the future: clocks differ, and a decision from next year would beat every later one.
    public static let toleratedClockSkew = Duration.seconds(300)

    private let database: Database
    private let lookup: any ContactLookup
    private let time: any TimeSource

    private let onQueued: @Sendable () -> Void

    /// A service over a database.
    ///
    /// - Parameter onQueued: called when an export was queued, so that it is looked for at once
    public init(
        database: Database, lookup: any ContactLookup, time: any TimeSource,
        onQueued: @escaping @Sendable () -> Void = {}
    ) {
        self.database = database
        self.lookup = lookup
        self.time = time
        self.onQueued = onQueued
    }

    /// Appends a decision to the ledger and queues its export.
    ///
    /// A contact named by phone consents for that phone, else for its primary one. An erased person is 410 until a grant
    /// comes that is dated later than the erasure. Throws `Problem` and `DatabaseError`.
    public func record(_ decision: ConsentDecision, tenant: Tenant, actor: String, requestID: String?) async throws
        -> RecordedConsent
    {
        let now = time.now()
        try Self.check(decision, now: now)
        if decision.status == .granted, let grantedAt = decision.occurredAt {
            try await lookup.readmit(
                decision.contact, tenant: tenant, grantedAt: min(grantedAt, now), actor: actor, now: now)
        }
        let contact = try await lookup.contact(for: decision.contact, tenant: tenant, now: now)
        let rows = try await database.run(
            .tenant(tenant.id),
            ConsentStore.record(
                decision, contact: contact.id, phone: contact.phone, tenant: tenant.id, actor: actor,
                requestID: requestID, now: now))
        guard let row = rows.first else {
            throw Problem.gone("contact_erased", "The contact was erased.")
        }
        let optIn: String? = try row.get(4)
        let export: UUID? = try row.get(5)
        if export != nil { onQueued() }
        let exportState: String? = try row.get(6)
        return RecordedConsent(
            entry: try ConsentEntry(
                id: row.get(0), contactID: row.get(1), phone: row.get(2), subscriptionType: decision.subscriptionType,
                status: decision.status, occurredAt: decision.occurredAt ?? now, receivedAt: now,
                source: decision.source, byUser: decision.byUser, evidence: decision.evidence, actor: actor,
                requestID: requestID, isCurrent: row.get(3)),
            optIn: optIn.flatMap(ConsentStatus.init),
            export: export.flatMap { id in exportState.map { OptInExportReference(id: id, state: $0) } })
    }

    /// A page of the ledger, latest decisions first: of one contact, or of everybody.
    public func entries(of reference: ContactReference?, tenant: Tenant, page: PageRequest) async throws
        -> Page<ConsentEntry>
    {
        var contact: UUID?
        if let reference, !reference.isEmpty {
            contact = try await lookup.existing(reference, tenant: tenant)
        }
        let rows = try await database.run(
            .tenant(tenant.id), ConsentStore.entries(tenant: tenant.id, contact: contact, page: page))
        return Page(fetched: try rows.map(ConsentStore.entry), request: page) { entry in
            PageCursor(time: entry.occurredAt ?? Timestamp(microseconds: .min), id: entry.id)
        }
    }

    /// The state of contacts; those of whom nothing is known are missing.
    public func states(of contacts: [UUID], tenant: UUID) async throws(DatabaseError) -> [UUID: ConsentStatus] {
        var states: [UUID: ConsentStatus] = [:]
        for row in try await database.run(.tenant(tenant), ConsentStore.states(of: contacts, tenant: tenant)) {
            states[try row.get(0)] = ConsentStatus(rawValue: try row.get(1))
        }
        return states
    }

    private static func check(_ decision: ConsentDecision, now: Timestamp) throws(Problem) {
        var errors: [FieldError] = []
        if decision.contact.isEmpty {
            errors.append(
                FieldError(
                    field: "contact", code: "required",
                    message: "name the contact by id, external_reference_id, phone or email"))
        }
        if let at = decision.occurredAt, at > now + toleratedClockSkew {
            errors.append(
                FieldError(field: "occurred_at", code: "in_the_future", message: "a decision cannot lie in the future"))
        }
        for (field, text) in [("source", decision.source), ("subscription_type", decision.subscriptionType)]
        where text.isEmpty || text.utf8.count > 200 || text.utf8.contains(0) {
            errors.append(FieldError(field: field, code: "invalid", message: "must be a text of 1 to 200 bytes"))
        }
        guard errors.isEmpty else { throw .invalid(errors) }
    }
}
