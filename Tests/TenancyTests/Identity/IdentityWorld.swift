import EventLoop
import FoundationEssentials
import Persistence
import TestSupport
import Testing

@testable import Tenancy

/// A tenant whose contacts come from rows alone, in a database of its own.
final class IdentityWorld: Sendable {
    let files: TestDatabase
    let database: Database
    let time = ManualTime()
    let tenant = UUID()
    let importID = UUID()

    init() throws {
        files = try TestDatabase()
        database = try files.open()
        try addTenant(tenant, "acme")
        try files.administer(
            """
            INSERT INTO app.imports (tenant_id, id, trigger, mode, segment_ids, state)
            VALUES ($1::uuid, $2::uuid, 'manual', 'incremental', '{}', 'running')
            """, [tenant.uuidString, importID.uuidString])
    }

    func addTenant(_ id: UUID, _ name: String) throws {
        try files.administer(
            "INSERT INTO app.tenants (tenant_id, instance_name, display_name) VALUES ($1::uuid, $2, $2)",
            [id.uuidString, name])
        try files.administer("SELECT app.create_lanes($1::uuid)", [id.uuidString])
    }

    /// A row as an import or a webhook brings it.
    static func row(
        _ id: String? = nil, phone: String? = nil, email: String? = nil, first: String? = nil, last: String? = nil
    ) -> IncomingContact {
        var row = IncomingContact(externalReferenceID: id, phone: phone, email: email)
        if let first { row.firstName = .init(first, .write) }
        if let last { row.lastName = .init(last, .write) }
        return row
    }

    /// Stitches rows in one batch.
    @discardableResult
    func take(
        _ rows: [IncomingContact], webhook: Bool = false, policy: IdentityPolicy = IdentityPolicy(),
        tenant other: UUID? = nil, suppressions: SuppressionKey? = nil
    ) async throws -> [StitchOutcome] {
        let now = time.now()
        let source: StitchSource = webhook ? .webhook : .emarsysImport(importID)
        return try await database.transaction(.tenant(other ?? tenant)) { transaction in
            try await Stitching.stitch(
                rows, source: source, policy: policy, in: transaction, now: now, suppressions: suppressions)
        }
    }

    /// One row of an import.
    @discardableResult
    func row(
        _ id: String? = nil, phone: String? = nil, email: String? = nil, first: String? = nil, last: String? = nil
    ) async throws -> StitchOutcome {
        try await take([Self.row(id, phone: phone, email: email, first: first, last: last)])[0]
    }

    /// One webhook.
    @discardableResult
    func webhook(
        _ id: String? = nil, phone: String? = nil, email: String? = nil, policy: IdentityPolicy = IdentityPolicy()
    )
        async throws -> StitchOutcome
    {
        try await take([Self.row(id, phone: phone, email: email)], webhook: true, policy: policy)[0]
    }

    /// Consent for a phone, as a conversation leaves it.
    func consent(_ contact: UUID?, phone: String, status: String = "granted") async throws {
        let id = try #require(contact)
        _ = try await database.run(
            .tenant(tenant),
            Query(
                """
                INSERT INTO app.consent_entries (tenant_id, contact_id, phone, status, occurred_at, source, actor)
                VALUES ($1, $2, $3, $4, $5, 'test', 'test')
                """, [.uuid(tenant), .uuid(id), .text(phone), .text(status), .timestamp(time.now())]))
        _ = try await database.run(
            .tenant(tenant), Query("SELECT app.recompute_consents($1, ARRAY[$2::uuid])", [.uuid(tenant), .uuid(id)]))
    }

    /// `phone|email|id` of a contact as it is read, `-` for what it lacks.
    func card(_ contact: UUID?) throws -> String {
        guard let contact else { return "none" }
        let rows = try files.administer(
            """
            SELECT coalesce(phone, '-') || ' ' || coalesce(email, '-') || ' ' || coalesce(external_reference_id, '-')
              FROM app.contacts WHERE tenant_id = $1::uuid AND id = $2::uuid
            """, [tenant.uuidString, contact.uuidString])
        return rows.first?[0] ?? "none"
    }

    /// How many contacts there are, tombstones not counted.
    func count() throws -> Int {
        let rows = try files.administer(
            "SELECT count(*)::text FROM app.contacts WHERE tenant_id = $1::uuid AND merged_into IS NULL",
            [tenant.uuidString])
        return rows.first?[0].flatMap { Int($0) } ?? -1
    }

    /// Codes of the open conflicts.
    func conflicts() throws -> [String] {
        try files.administer(
            "SELECT code FROM app.identity_conflicts WHERE tenant_id = $1::uuid AND status = 'open' ORDER BY created_at, code",
            [tenant.uuidString]
        ).compactMap(\.first).compactMap { $0 }
    }

    /// One value of the database.
    func value(_ sql: String, _ parameters: [String?] = []) throws -> String? {
        try files.administer(sql, parameters).first?[0]
    }
}
