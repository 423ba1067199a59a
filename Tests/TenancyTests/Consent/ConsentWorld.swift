import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Persistence
import TestSupport

@testable import Tenancy

/// A tenant with contacts, a connection and an opt-in field, in a database of its own.
final class ConsentWorld: Sendable {
    let files: TestDatabase
    let database: Database
    let time: ManualTime
    let tenant: Tenant
    let service: ConsentService
    let exports: OptInExportService

    init(field: String? = "900", timestampField: String? = nil, createMissing: Bool = false) throws {
        files = try TestDatabase()
        database = try files.open()
        time = ManualTime()
        tenant = Tenant(id: UUID(), instanceName: "acme", displayName: "Acme")
        service = ConsentService(database: database, lookup: StoredContacts(database: database), time: time)
        exports = OptInExportService(database: database, time: time)
        let id = tenant.id.uuidString
        try files.administer(
            "INSERT INTO app.tenants (tenant_id, instance_name, display_name) VALUES ($1::uuid, 'acme', 'Acme')", [id])
        try files.administer("SELECT app.create_lanes($1::uuid)", [id])
        try files.administer(
            "INSERT INTO app.features (tenant_id, feature, enabled, updated_by) VALUES ($1::uuid, 'emarsys', true, 't')",
            [id])
        try files.administer(
            "INSERT INTO app.connections (tenant_id, name, auth, status) VALUES ($1::uuid, 'c', 'wsse', 'connected')",
            [id])
        if let field {
            try files.administer(
                """
                INSERT INTO app.opt_in_fields (tenant_id, field_id, timestamp_field_id, create_missing)
                VALUES ($1::uuid, $2, $3, $4::boolean)
                """, [id, field, timestampField, createMissing ? "true" : "false"])
        }
    }

    /// A contact, linked to Emarsys where an id is given.
    @discardableResult
    func contact(phone: String?, email: String? = nil, emarsysID: String? = nil) throws -> UUID {
        let contact = UUID()
        let ids = [tenant.id.uuidString, contact.uuidString]
        try files.administer(
            """
            INSERT INTO app.contacts (tenant_id, id, phone, email, external_reference_id)
            VALUES ($1::uuid, $2::uuid, $3, $4, $5)
            """, ids + [phone, email, emarsysID])
        for (kind, value) in [("phone", phone), ("email", email), ("emarsys_contact_id", emarsysID)] {
            guard let value else { continue }
            try files.administer(
                """
                INSERT INTO app.contact_identifiers (tenant_id, contact_id, kind, value, source)
                VALUES ($1::uuid, $2::uuid, $3, $4, 'test')
                """, ids + [kind, value])
        }
        return contact
    }

    /// Records a decision; `at` in seconds after the world's beginning.
    @discardableResult
    func decide(
        _ status: ConsentStatus, _ contact: UUID, at seconds: Int? = nil, phone: String? = nil,
        type: String = "whatsapp"
    )
        async throws -> RecordedConsent
    {
        let moment = seconds.map { Timestamp(seconds: 1_767_225_600 - 86_400 + Int64($0)) }
        return try await service.record(
            ConsentDecision(
                contact: phone.map { ContactReference(phone: $0) } ?? ContactReference(id: contact), status: status,
                occurredAt: moment, subscriptionType: type),
            tenant: tenant, actor: "test", requestID: "r")
    }

    func optIn(of contact: UUID) throws -> String? {
        try files.administer(
            "SELECT opt_in FROM app.contacts WHERE tenant_id = $1::uuid AND id = $2::uuid",
            [tenant.id.uuidString, contact.uuidString])[0][0]
    }

    /// The exports of a contact as `status state`, oldest first.
    func told(_ contact: UUID) throws -> [String] {
        try files.administer(
            """
            SELECT status || ' ' || state FROM app.opt_in_exports
             WHERE tenant_id = $1::uuid AND contact_id = $2::uuid ORDER BY created_at, consent_at
            """, [tenant.id.uuidString, contact.uuidString]
        ).compactMap { $0[0] }
    }

    /// Runs SQL in the tenant's transaction, as the service would.
    @discardableResult
    func inTenant(_ query: Query) async throws -> Rows { try await database.run(.tenant(tenant.id), query) }
}
