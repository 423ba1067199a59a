import Crypto
import Emarsys
public import EventLoop
public import FoundationEssentials
import HTTP
import JSON
public import Persistence

/// The rules of field mapping: which Emarsys fields become what.
public struct MappingService: Sendable {
    /// A mapping as a client sends it.
    public struct Input: Sendable {
        /// An id given before, to keep it.
        public var id: UUID?
        /// The Emarsys field's id as text.
        public var source: String
        /// The field that is read where `source` is empty.
        public var fallbackSource: String?
        /// As ``FieldMapping/Destination`` reads it.
        public var destination: String
        /// Whether it replaces one that is there.
        public var overwrite: FieldMapping.Overwrite
        /// What an empty value does.
        public var onEmpty: FieldMapping.OnEmpty

        /// An input.
        public init(
            id: UUID?, source: String, fallbackSource: String?, destination: String, overwrite: FieldMapping.Overwrite,
            onEmpty: FieldMapping.OnEmpty
        ) {
            self.id = id
            self.source = source
            self.fallbackSource = fallbackSource
            self.destination = destination
            self.overwrite = overwrite
            self.onEmpty = onEmpty
        }
    }

    private let database: Database
    private let catalogue: AccountCatalogue
    private let time: any TimeSource

    /// A service.
    public init(database: Database, catalogue: AccountCatalogue, time: any TimeSource) {
        self.database = database
        self.catalogue = catalogue
        self.time = time
    }

    /// The tenant's mappings; the defaults while it has set none.
    public func list(_ tenant: Tenant) async throws -> [FieldMapping] {
        try await MappingStore.list(tenant.id, in: database)
    }

    /// Replaces the tenant's mappings.
    ///
    /// Throws 422: `too_many_custom_fields` beyond 20, `opt_in_field_mapped` where a source is the field that opt-ins are
    /// written to, and faults of single mappings.
    public func replace(_ tenant: Tenant, _ inputs: [Input], actor: String) async throws -> [FieldMapping] {
        let properties = Set(try await CustomPropertyStore.list(tenant.id, in: database).map(\.name))
        let optIn = try await OptInSettingStore.find(tenant.id, in: database)
        let fields = await knownFields(tenant)
        let mappings = try Self.check(inputs, properties: properties, optIn: optIn, fields: fields)
        let before = try await list(tenant)
        let rows = mappings.map { (id: $0.id ?? SecureRandom.uuid(), mapping: $0) }
        _ = try await database.run(
            .tenant(tenant.id),
            MappingStore.replace(tenant.id, rows) + [
                AuditStore.insert(
                    tenant.id, at: time.now(), actor: actor, action: "mappings.changed", before: Self.audit(before),
                    after: Self.audit(mappings))
            ])
        return try await list(tenant)
    }

    /// Judges mappings. `fields` are the account's field ids where they are known.
    static func check(_ inputs: [Input], properties: Set<String>, optIn: OptInSetting?, fields: Set<Int>?)
        throws(Problem) -> [FieldMapping]
    {
        var errors: [FieldError] = []
        var mappings: [FieldMapping] = []
        var seen: Set<FieldMapping.Destination> = []
        func fault(_ index: Int, _ field: String, _ code: String, _ message: String) {
            errors.append(FieldError(field: "[\(index)].\(field)", code: code, message: message))
        }
        func fieldID(_ text: String, _ index: Int, _ name: String) -> Int? {
            guard let id = Int(text), id > 0, String(id) == text else {
                fault(index, name, "invalid_field_id", "must be the id of an Emarsys field, such as \"1\"")
                return nil
            }
            if let fields, !fields.contains(id) {
                fault(index, name, "unknown_field", "is not a field of the Emarsys account")
                return nil
            }
            return id
        }
        if inputs.isEmpty {
            throw .invalid("mapping_required", field: "", "at least one field has to be mapped")
        }
        let customs = inputs.filter { $0.destination.hasPrefix("custom_properties.") }.count
        guard customs <= FieldMapping.customLimit else {
            throw .invalid(
                "too_many_custom_fields", field: "", "at most \(FieldMapping.customLimit) custom fields can be imported"
            )
        }
        for (index, input) in inputs.enumerated() {
            let source = fieldID(input.source, index, "source")
            let fallback = input.fallbackSource.flatMap { fieldID($0, index, "fallback_source") }
            guard let destination = FieldMapping.Destination(input.destination) else {
                fault(
                    index, "destination", "unknown_destination",
                    "must be first_name, last_name, phone, email or custom_properties.<name>")
                continue
            }
            if case .customProperty(let name) = destination, !properties.contains(name) {
                fault(index, "destination", "unknown_custom_property", "there is no custom property \"\(name)\"")
            }
            if !seen.insert(destination).inserted {
                fault(index, "destination", "duplicate_destination", "is mapped twice")
            }
            guard let source else { continue }
            if let optIn, optIn.fieldIDs.contains(source) || fallback.map(optIn.fieldIDs.contains) == true {
                throw .invalid(
                    "opt_in_field_mapped", field: "[\(index)].source",
                    "opt-ins are written to this field; it cannot be imported")
            }
            mappings.append(
                FieldMapping(
                    id: input.id, source: source, fallbackSource: fallback, destination: destination,
                    overwrite: input.overwrite, onEmpty: input.onEmpty))
        }
        let ids = mappings.compactMap(\.id)
        if Set(ids).count != ids.count {
            errors.append(FieldError(field: "id", code: "duplicate_id", message: "occurs twice"))
        }
        guard let first = errors.first else { return mappings }
        throw .invalid(errors, code: errors.count == 1 ? first.code : "validation_failed")
    }

    /// The account's field ids, if it can be asked right now.
    private func knownFields(_ tenant: Tenant) async -> Set<Int>? {
        guard let fields = try? await catalogue.fields(of: tenant) else { return nil }
        return Set(fields.map(\.field.id))
    }

    private static func audit(_ mappings: [FieldMapping]) -> JSON {
        .object(JSONObject(mappings.map { ($0.destination.text, .string(String($0.source))) }))
    }
}
