import Crypto
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence

/// A named choice of contacts.
public struct Audience: Sendable {
    /// Its id.
    public let id: UUID
    /// For people.
    public let name: String
    /// As the client wrote them.
    public let rules: JSON
    /// When it was made.
    public let createdAt: Timestamp

    /// As clients see it.
    public var json: JSON {
        [
            "id": .string(id.text), "name": .string(name), "rules": rules, "created_at": .string(createdAt.rfc3339),
        ]
    }
}

/// Audiences: rules over orders, products, opt-ins, segments, events and properties, evaluated when they are asked for.
public struct AudienceService: Sendable {
    private let database: Database
    private let time: any TimeSource

    /// A service over a database.
    public init(database: Database, time: any TimeSource) {
        self.database = database
        self.time = time
    }

    /// Audiences, newest first.
    public func list(tenantID: UUID, request: PageRequest) async throws -> Page<Audience> {
        let rows = try await database.run(
            .tenant(tenantID), AudienceStore.list(tenantID: tenantID, request: request))
        return Page(fetched: try rows.map(AudienceStore.audience), request: request) {
            PageCursor(time: $0.createdAt, id: $0.id)
        }
    }

    /// One audience. Throws 404 `audience_not_found`.
    public func find(tenantID: UUID, id: UUID) async throws -> Audience {
        let rows = try await database.run(.tenant(tenantID), AudienceStore.find(tenantID: tenantID, id: id))
        guard let audience = try rows.first.map(AudienceStore.audience) else { throw Self.notFound }
        return audience
    }

    /// Changes the name, the rules or both. Throws 404, and 422 as making one does.
    public func update(tenant: Tenant, id: UUID, body: JSON) async throws -> Audience {
        let known = try await find(tenantID: tenant.id, id: id)
        let name = body["name"] == nil ? known.name : try Self.name(body)
        let rules = body["rules"] ?? known.rules
        _ = try Self.compile(rules, tenant)
        let audience = Audience(id: id, name: name, rules: rules, createdAt: known.createdAt)
        let rows = try await database.run(
            .tenant(tenant.id), AudienceStore.update(audience, tenantID: tenant.id, now: time.now()))
        if rows.isEmpty { throw Self.notFound }
        return audience
    }

    /// Makes an audience from `{name, rules}`. Throws 422 for an unknown field or op and values that do not fit.
    public func create(tenant: Tenant, body: JSON) async throws -> Audience {
        let name = try Self.name(body)
        let rules = body["rules"] ?? .null
        _ = try Self.compile(rules, tenant)
        let audience = Audience(id: SecureRandom.uuid(), name: name, rules: rules, createdAt: time.now())
        _ = try await database.run(.tenant(tenant.id), AudienceStore.insert(audience, tenantID: tenant.id))
        return audience
    }

    /// Removes an audience. Throws 404.
    public func remove(tenantID: UUID, id: UUID) async throws {
        let rows = try await database.run(
            .tenant(tenantID), AudienceStore.remove(tenantID: tenantID, id: id, now: time.now()))
        if rows.isEmpty { throw Self.notFound }
    }

    /// How many contacts are in it now.
    public func count(tenant: Tenant, id: UUID) async throws -> Int {
        try await count(tenant: tenant, rules: try await find(tenantID: tenant.id, id: id).rules)
    }

    /// How many contacts fulfil rules. Throws 422.
    public func count(tenant: Tenant, rules: JSON) async throws -> Int {
        let compiled = try Self.compile(rules, tenant)
        return try await database.run(
            .tenant(tenant.id), AudienceStore.count(tenantID: tenant.id, rules: compiled)
        ).first?.get(0) ?? 0
    }

    /// The contacts in it now, newest first.
    public func contacts(tenant: Tenant, id: UUID, request: PageRequest) async throws -> Page<JSON> {
        let compiled = try Self.compile(try await find(tenantID: tenant.id, id: id).rules, tenant)
        let rows = try await database.run(
            .tenant(tenant.id), AudienceStore.page(tenantID: tenant.id, rules: compiled, request: request))
        let items = try rows.map { try (JSON.stored($0.get(2)), PageCursor(time: $0.get(1), id: $0.get(0))) }
        let hasMore = items.count > request.limit
        let shown = hasMore ? Array(items.prefix(request.limit)) : items
        return Page(items: shown.map(\.0), next: hasMore ? shown.last?.1 : nil)
    }

    private static func name(_ body: JSON) throws(Problem) -> String {
        guard let name = body["name"]?.string?.trimmed, (1...200).contains(name.utf8.count) else {
            throw .invalid([FieldError(field: "name", code: "required", message: "must be 1 to 200 characters")])
        }
        return name
    }

    private static func compile(_ rules: JSON, _ tenant: Tenant) throws(Problem) -> JSON {
        do {
            return try AudienceRules(rules, currency: tenant.defaultCurrency).compiled
        } catch {
            throw .invalid([FieldError(field: error.field, code: error.code, message: error.message)])
        }
    }

    private static var notFound: Problem { .notFound("audience_not_found", "There is no such audience.") }
}
