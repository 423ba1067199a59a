import Crypto
public import EventLoop
import FoundationEssentials
import HTTP
public import JSON
public import Persistence

/// What operators do with tenants. Every change is audited in the transaction that makes it, and marks the tenant's
/// directory entry, so that each replica acts on it within a second.
public struct TenantAdministration: Sendable {
    /// What a change of a tenant may name; nil leaves a value as it is, an inner nil removes it.
    public struct Changes: Sendable {
        /// The name people read.
        public var displayName: String?
        /// Whether it is served.
        public var status: Tenant.Status?
        /// An IANA time zone name.
        public var timeZone: String?
        /// ISO 4217.
        public var defaultCurrency: String??
        /// ISO 3166-1 alpha-2.
        public var defaultCountry: String??
        /// Settings to set.
        public var settings: JSON?

        /// No change.
        public init() {}
    }

    let database: Database
    let secrets: SecretBox
    let time: any TimeSource

    /// An administration.
    public init(database: Database, secrets: SecretBox, time: any TimeSource) {
        self.database = database
        self.secrets = secrets
        self.time = time
    }

    /// Creates a tenant with its lanes, data key and webhook secret, all features off.
    ///
    /// Throws 409 `instance_name_taken`, 422 for invalid input or a reserved name.
    public func create(
        instanceName: String, displayName: String, timeZone: String?, defaultCurrency: String?, defaultCountry: String?,
        actor: String
    ) async throws -> TenantRecord {
        var check = TenantInput()
        let name = check.instanceName(instanceName)
        let new = TenantAdministrationStore.NewTenant(
            id: SecureRandom.uuid(), instanceName: name, displayName: check.displayName(displayName),
            timeZone: check.timeZone(timeZone ?? "Europe/Berlin"), defaultCurrency: check.currency(defaultCurrency),
            defaultCountry: check.country(defaultCountry))
        try check.finish()
        try await checkTimeZone(new.timeZone)
        let now = time.now()
        let key = try secrets.firstKey(of: new.id)
        let secret = try WebhookSecret.make(tenant: new.id, key: key.key)
        let after: JSON = [
            "instance_name": .string(name), "display_name": .string(new.displayName),
            "time_zone": .string(new.timeZone),
            "default_currency": .optional(new.defaultCurrency), "default_country": .optional(new.defaultCountry),
        ]
        do {
            try await database.transaction(.operator) { transaction in
                _ = try await transaction.batch(
                    [
                        TenantAdministrationStore.insert(new, now: now), key.query,
                        AuditStore.insert(new.id, at: now, actor: actor, action: "tenant.created", after: after),
                        DirectoryStore.touch(new.id),
                        // From here on as the tenant itself.
                    ] + TenantAdministrationStore.enter(new.id))
                _ = try await transaction.batch(
                    TenantAdministrationStore.createLanes(new.id)
                        + [WebhookSecretStore.insert(new.id, secret, now: now)])
            }
        } catch let error as DatabaseError where error.isUniqueViolation {
            throw Problem.conflict("instance_name_taken", "There is an instance of this name already.")
        }
        return try await show(name)
    }

    /// One tenant. Throws 404 `tenant_not_found`.
    public func show(_ instance: String) async throws -> TenantRecord {
        guard let record = try await TenantAdministrationStore.find(instance, now: time.now(), in: database) else {
            throw Self.notFound
        }
        return record
    }

    /// Tenants, the newest first.
    ///
    /// - Parameters:
    ///   - search: part of the instance's or display name
    ///   - status: `active` or `suspended`
    public func list(search: String? = nil, status: Tenant.Status? = nil, page: PageRequest) async throws
        -> Page<TenantRecord>
    {
        let records = try await TenantAdministrationStore.list(
            search: search, status: status?.rawValue, page: page, now: time.now(), in: database)
        return Page(fetched: records, request: page) { PageCursor(time: $0.createdAt, id: $0.id) }
    }

    /// Changes a tenant. Throws 404, 422.
    public func update(_ instance: String, _ changes: Changes, actor: String) async throws -> TenantRecord {
        var check = TenantInput()
        var changes = changes
        changes.displayName = changes.displayName.map { check.displayName($0) }
        changes.timeZone = changes.timeZone.map { check.timeZone($0) }
        if let currency = changes.defaultCurrency { changes.defaultCurrency = .some(check.currency(currency)) }
        if let country = changes.defaultCountry { changes.defaultCountry = .some(check.country(country)) }
        try check.finish()
        if let zone = changes.timeZone { try await checkTimeZone(zone) }
        let before = try await show(instance)
        let now = time.now()
        let final = changes
        try await database.transaction(.operator) { transaction in
            _ = try await transaction.batch([
                TenantAdministrationStore.update(before.id, final, now: now), DirectoryStore.touch(before.id),
                TenantAdministrationStore.pauseLanes(before.id),
            ])
            let (old, new) = Self.difference(before, final)
            if new.object?.isEmpty == false {
                let action =
                    switch final.status {
                    case .suspended? where before.status == .active: "tenant.suspended"
                    case .active? where before.status == .suspended: "tenant.resumed"
                    default: "tenant.changed"
                    }
                _ = try await transaction.query(
                    AuditStore.insert(before.id, at: now, actor: actor, action: action, before: old, after: new))
            }
            if final.settings?.object?.contains(where: { $0.key.hasPrefix("consent_") }) == true {
                // What counts as an opt-in changed: everybody's is computed anew, and told where it differs.
                _ = try await transaction.batch(
                    TenantAdministrationStore.enter(before.id) + [
                        JobStore.enqueue(
                            before.id, queue: "exports", kind: "backfill_opt_ins", uniqueKey: "backfill_opt_ins",
                            now: now,
                            priority: 2)
                    ])
            }
        }
        return try await show(instance)
    }

    /// Switches a feature on or off. Lanes of a tenant whose `emarsys` is off wait. Throws 404.
    public func setFeature(_ instance: String, _ feature: Feature, enabled: Bool, note: String?, actor: String)
        async throws -> TenantRecord
    {
        let tenant = try await id(of: instance)
        let now = time.now()
        try await database.transaction(.operator) { transaction in
            let known = try await transaction.query(TenantAdministrationStore.lockFeature(tenant, feature)).first
            let before: Bool = try known?.get(0) ?? false
            let after: JSON = ["enabled": .bool(enabled)]
            _ = try await transaction.batch([
                TenantAdministrationStore.setFeature(
                    tenant, feature, enabled: enabled, note: note, actor: actor, now: now),
                AuditStore.insert(
                    tenant, at: now, actor: actor, action: enabled ? "feature.enabled" : "feature.disabled",
                    feature: feature, before: ["enabled": .bool(before)], after: after, note: note),
                TenantAdministrationStore.pauseLanes(tenant), DirectoryStore.touch(tenant),
            ])
        }
        return try await show(instance)
    }

    /// Who changed what, the newest first. Throws 404.
    public func audit(_ instance: String, page: PageRequest) async throws -> Page<AuditEntry> {
        let tenant = try await id(of: instance)
        // Operators add entries and cannot change them; reading is the tenant's role's.
        let rows = try await database.run(.tenant(tenant), AuditStore.list(tenant, page))
        var entries: [AuditEntry] = []
        for row in rows { entries.append(try AuditStore.read(row)) }
        return Page(fetched: entries, request: page) { PageCursor(time: $0.at, id: $0.id) }
    }

    /// The id of an instance. Throws 404 `tenant_not_found`.
    func id(of instance: String) async throws -> UUID {
        guard let id = try await TenantAdministrationStore.id(of: instance, in: database) else { throw Self.notFound }
        return id
    }

    private func checkTimeZone(_ name: String) async throws {
        do { _ = try await database.run(.operator, TenantAdministrationStore.checkTimeZone(name)) } catch
            where error.sqlState == "22023"
        {
            throw Problem.invalid("unknown_time_zone", field: "time_zone", "is not a time zone such as Europe/Berlin")
        }
    }

    private static func difference(_ record: TenantRecord, _ changes: Changes) -> (before: JSON, after: JSON) {
        var before = JSONObject()
        var after = JSONObject()
        func note(_ name: String, _ old: JSON, _ new: JSON?) {
            guard let new, new != old else { return }
            before[name] = old
            after[name] = new
        }
        note("display_name", .string(record.displayName), changes.displayName.map { .string($0) })
        note("status", .string(record.status.rawValue), changes.status.map { .string($0.rawValue) })
        note("time_zone", .string(record.timeZone), changes.timeZone.map { .string($0) })
        note("default_currency", .optional(record.defaultCurrency), changes.defaultCurrency.map { .optional($0) })
        note("default_country", .optional(record.defaultCountry), changes.defaultCountry.map { .optional($0) })
        if let settings = changes.settings { after["settings"] = settings }
        return (.object(before), .object(after))
    }

    static let notFound = Problem.notFound("tenant_not_found", "There is no instance of this name.")
}
