import Emarsys
import EventLoop
public import FoundationEssentials
import HTTP
import JSON
public import Persistence

/// Where opt-ins are written to in Emarsys.
public struct OptInSetting: Sendable, Hashable {
    /// The text field.
    public var fieldID: Int
    /// What is written for a granted opt-in.
    public var grantedValue = "granted"
    /// What is written for a withdrawn one.
    public var withdrawnValue = "withdrawn"
    /// A field for the time of the decision, if one is wanted.
    public var timestampFieldID: Int?
    /// Whether people that Emarsys does not know are created there.
    public var createMissing = false

    /// A setting with the default values.
    public init(fieldID: Int) { self.fieldID = fieldID }

    /// The fields that are written, which therefore cannot be imported.
    public var fieldIDs: [Int] { [fieldID] + (timestampFieldID.map { [$0] } ?? []) }
}

/// The SQL of the opt-in field.
public enum OptInSettingStore {
    /// The tenant's choice; nil while there is none.
    public static func find(_ tenant: UUID, in database: Database) async throws(DatabaseError) -> OptInSetting? {
        let rows = try await database.run(
            .tenant(tenant),
            Query(
                """
                SELECT field_id, granted_value, withdrawn_value, timestamp_field_id, create_missing FROM app.opt_in_fields
                 WHERE tenant_id = $1
                """, [.uuid(tenant)]))
        guard let row = rows.first else { return nil }
        let field: String = try row.get(0)
        guard let id = Int(field) else { return nil }
        var setting = OptInSetting(fieldID: id)
        setting.grantedValue = try row.get(1)
        setting.withdrawnValue = try row.get(2)
        let timestamp: String? = try row.get(3)
        setting.timestampFieldID = timestamp.flatMap { Int($0) }
        setting.createMissing = try row.get(4)
        return setting
    }

    static func put(_ tenant: UUID, _ setting: OptInSetting) -> Query {
        Query(
            """
            INSERT INTO app.opt_in_fields
                (tenant_id, field_id, granted_value, withdrawn_value, timestamp_field_id, create_missing)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (tenant_id) DO UPDATE
               SET field_id = EXCLUDED.field_id, granted_value = EXCLUDED.granted_value,
                   withdrawn_value = EXCLUDED.withdrawn_value, timestamp_field_id = EXCLUDED.timestamp_field_id,
                   create_missing = EXCLUDED.create_missing, updated_at = EXCLUDED.updated_at
            """,
            [
                .uuid(tenant), .text(String(setting.fieldID)), .text(setting.grantedValue),
                .text(setting.withdrawnValue), .optional(text: setting.timestampFieldID.map { String($0) }),
                .bool(setting.createMissing),
            ])
    }
}

/// The rules of the opt-in field.
public struct OptInSettingService: Sendable {
    private let database: Database
    private let catalogue: AccountCatalogue
    private let time: any TimeSource

    /// A service.
    public init(database: Database, catalogue: AccountCatalogue, time: any TimeSource) {
        self.database = database
        self.catalogue = catalogue
        self.time = time
    }

    /// The tenant's choice; nil while there is none.
    public func find(_ tenant: Tenant) async throws -> OptInSetting? {
        try await OptInSettingStore.find(tenant.id, in: database)
    }

    /// Chooses the field. Known consents are exported into it.
    ///
    /// Throws 409 `not_connected`; 422 `unknown_field`, `opt_in_field_not_text`, `opt_in_field_mapped`.
    public func put(_ tenant: Tenant, _ setting: OptInSetting, actor: String) async throws {
        let fields = try await catalogue.fields(of: tenant)
        guard let field = fields.first(where: { $0.field.id == setting.fieldID })?.field else {
            throw Problem.invalid("unknown_field", field: "field_id", "is not a field of the Emarsys account")
        }
        guard field.kind.isText else {
            throw Problem.invalid("opt_in_field_not_text", field: "field_id", "must be a text field")
        }
        if let id = setting.timestampFieldID {
            guard let field = fields.first(where: { $0.field.id == id })?.field else {
                throw Problem.invalid(
                    "unknown_field", field: "timestamp_field_id", "is not a field of the Emarsys account")
            }
            guard field.kind.isText || field.kind == .date, id != setting.fieldID else {
                throw Problem.invalid(
                    "timestamp_field_not_usable", field: "timestamp_field_id", "must be another text or date field")
            }
        }
        try Self.checkValues(setting)
        let mapped = try await MappingStore.list(tenant.id, in: database)
        for id in setting.fieldIDs where mapped.contains(where: { $0.source == id || $0.fallbackSource == id }) {
            throw Problem.invalid(
                "opt_in_field_mapped", field: id == setting.fieldID ? "field_id" : "timestamp_field_id",
                "the mapping imports this field; opt-ins cannot be written to it")
        }
        let before = try await find(tenant)
        let now = time.now()
        _ = try await database.run(
            .tenant(tenant.id),
            [
                OptInSettingStore.put(tenant.id, setting), ConnectionJobs.backfillOptIns(tenant.id, now: now),
                AuditStore.insert(
                    tenant.id, at: now, actor: actor, action: "opt_in_field.chosen",
                    before: before.map { ["field_id": .string(String($0.fieldID))] },
                    after: ["field_id": .string(String(setting.fieldID))]),
            ])
    }

    private static func checkValues(_ setting: OptInSetting) throws(Problem) {
        for (field, value) in [("granted_value", setting.grantedValue), ("withdrawn_value", setting.withdrawnValue)] {
            guard (1...60).contains(value.unicodeScalars.count) else {
                throw .invalid("invalid_value", field: field, "must have 1 to 60 characters")
            }
        }
        guard setting.grantedValue != setting.withdrawnValue else {
            throw .invalid("values_equal", field: "withdrawn_value", "must differ from granted_value")
        }
    }
}
