import Emarsys
import EventLoop
import FoundationEssentials
import HTTP
import JSON
import Tenancy

extension MappingRoutes {
    static func object(_ field: AccountCatalogue.Field) -> JSON {
        [
            "id": .string(String(field.field.id)), "name": .string(field.field.name),
            "type": .string(field.field.applicationType.isEmpty ? "other" : field.field.applicationType),
            "is_text": .bool(field.field.kind.isText), "is_custom": .bool(field.field.isCustom),
            "choices": .array(field.choices.map { ["id": .string($0.id), "label": .string($0.label)] }),
        ]
    }

    static func object(_ mapping: FieldMapping) -> JSON {
        [
            "id": .id(mapping.id), "source": .string(String(mapping.source)),
            "fallback_source": mapping.fallbackSource.map { .string(String($0)) } ?? .null,
            "destination": .string(mapping.destination.text), "overwrite": .string(mapping.overwrite.rawValue),
            "on_empty": .string(mapping.onEmpty.rawValue),
        ]
    }

    static func object(_ property: CustomProperty) -> JSON {
        [
            "id": .id(property.id), "name": .string(property.name), "type": .string(property.kind.rawValue),
            "created_at": .time(property.createdAt),
        ]
    }

    static func object(_ setting: OptInSetting) -> JSON {
        [
            "field_id": .string(String(setting.fieldID)), "granted_value": .string(setting.grantedValue),
            "withdrawn_value": .string(setting.withdrawnValue),
            "timestamp_field_id": setting.timestampFieldID.map { .string(String($0)) } ?? .null,
            "create_missing": .bool(setting.createMissing),
        ]
    }

    func object(_ segment: SegmentSelection) -> JSON {
        [
            "segment_id": .string(segment.segmentID), "name": .optional(segment.name), "type": .optional(segment.type),
            "interval_hours": .optional(segment.intervalHours ?? defaultHours), "size": .optional(segment.size),
            "selected_at": .time(segment.selectedAt), "last_import_id": .id(segment.lastImportID),
            "last_imported_at": .time(segment.lastImportedAt), "next_import_at": .time(segment.nextImportAt),
        ]
    }

    /// The body of `PUT /mappings`: an array.
    static func mappings(_ context: TenantContext) throws(Problem) -> [MappingService.Input] {
        var inputs: [MappingService.Input] = []
        var errors: [FieldError] = []
        for (index, item) in try array(context).enumerated() {
            var body = BodyReader(item, path: "[\(index)].")
            var id: UUID?
            if let text = body.string("id") {
                id = UUID(uuidString: text)
                if id == nil { body.fault("id", "invalid_id", "must be an id that was given before") }
            }
            let source = Self.fieldID("source", item, &body, required: true)
            let fallback = Self.fieldID("fallback_source", item, &body, required: false)
            let destination = body.string("destination", required: true)
            let overwrite = body.word("overwrite", as: FieldMapping.Overwrite.self)
            let onEmpty = body.word("on_empty", as: FieldMapping.OnEmpty.self)
            errors += body.errors
            inputs.append(
                MappingService.Input(
                    id: id, source: source ?? "", fallbackSource: fallback, destination: destination ?? "",
                    overwrite: overwrite ?? .always, onEmpty: onEmpty ?? .clear))
        }
        guard errors.isEmpty else { throw .invalid(errors) }
        return inputs
    }

    /// The body of `PUT /segments/selected`: an array.
    static func selections(_ context: TenantContext) throws(Problem) -> [SegmentSelectionService.Input] {
        var inputs: [SegmentSelectionService.Input] = []
        var errors: [FieldError] = []
        for (index, item) in try array(context).enumerated() {
            var body = BodyReader(item, path: "[\(index)].")
            let id = Self.fieldID("segment_id", item, &body, required: true)
            let hours = body.int("interval_hours", in: 1...168)
            errors += body.errors
            inputs.append(SegmentSelectionService.Input(segmentID: id ?? "", intervalHours: hours))
        }
        guard errors.isEmpty else { throw .invalid(errors) }
        return inputs
    }

    /// The body of `PUT /opt_in`.
    static func setting(_ context: TenantContext) throws(Problem) -> OptInSetting {
        let json = try context.json()
        var body = BodyReader(json)
        let field = Self.fieldID("field_id", json, &body, required: true)
        var setting = OptInSetting(fieldID: Int(field ?? "") ?? 0)
        if field != nil, setting.fieldID <= 0 {
            body.fault("field_id", "invalid_field_id", "must be the id of a field")
        }
        if let value = body.string("granted_value", limit: 60) { setting.grantedValue = value }
        if let value = body.string("withdrawn_value", limit: 60) { setting.withdrawnValue = value }
        if let text = Self.fieldID("timestamp_field_id", json, &body, required: false) {
            setting.timestampFieldID = Int(text)
            if setting.timestampFieldID == nil {
                body.fault("timestamp_field_id", "invalid_field_id", "must be the id of a field")
            }
        }
        setting.createMissing = body.bool("create_missing") ?? false
        try body.finish()
        return setting
    }

    static let mappingSchema: JSON = [
        "type": "object", "required": ["source", "destination"],
        "properties": [
            "id": ["type": ["string", "null"], "format": "uuid"], "source": ["type": "string"],
            "fallback_source": ["type": ["string", "null"]],
            "destination": [
                "type": "string", "pattern": "^(first_name|last_name|phone|email|custom_properties\\..+)$",
            ],
            "overwrite": ["enum": ["always", "fill_blank", "never"], "default": "always"],
            "on_empty": ["enum": ["keep", "clear"], "default": "clear"],
        ],
    ]

    static let sampleSchema: JSON = [
        "type": "object", "properties": ["field_id": ["type": "string"], "sample": ["type": "string"]],
    ]

    static let propertySchema: JSON = [
        "type": "object", "required": ["name", "type"],
        "properties": [
            "name": ["type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]{0,63}$"],
            "type": ["enum": ["string", "number", "boolean", "date"]],
        ],
    ]

    static let segmentSchema: JSON = [
        "type": "object", "required": ["segment_id"],
        "properties": [
            "segment_id": ["type": "string"],
            "interval_hours": ["type": ["integer", "null"], "minimum": 1, "maximum": 168],
        ],
    ]

    static let optInSchema: JSON = [
        "type": "object", "required": ["field_id"],
        "properties": [
            "field_id": ["type": "string"], "granted_value": ["type": "string", "default": "granted"],
            "withdrawn_value": ["type": "string", "default": "withdrawn"],
            "timestamp_field_id": ["type": ["string", "null"]],
            "create_missing": ["type": "boolean", "default": false],
        ],
    ]

    /// Whole hours of the service's interval, if it has some.
    private var defaultHours: Int? {
        let seconds = syncInterval.components.seconds
        return seconds >= 3600 && seconds % 3600 == 0 ? Int(seconds / 3600) : nil
    }

    private static func array(_ context: TenantContext) throws(Problem) -> [JSON] {
        let body = try context.anyJSON()
        // The envelope of an answer may be sent back as it came.
        guard let array = body.array ?? body["data"]?.array else {
            throw .invalid("not_an_array", field: "", "the body must be a JSON array")
        }
        guard array.count <= 1000 else { throw .invalid("too_many", field: "", "at most 1000 elements") }
        return array
    }

    /// An id of Emarsys: text, or a number as Emarsys itself writes it.
    private static func fieldID(_ name: String, _ item: JSON, _ body: inout BodyReader, required: Bool) -> String? {
        if let number = item[name]?.int64 { return String(number) }
        return body.string(name, required: required, limit: 20)
    }
}
