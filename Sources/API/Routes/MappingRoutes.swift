import Emarsys
import EventLoop
import FoundationEssentials
import HTTP
import JSON
public import Tenancy

/// What is imported: fields, mappings, custom properties, segments, and the field that opt-ins are written to.
public struct MappingRoutes: RouteGroup {
    private let catalogue: AccountCatalogue
    private let mappings: MappingService
    private let properties: CustomPropertyService
    private let segments: SegmentSelectionService
    private let optIn: OptInSettingService
    let syncInterval: Duration

    /// Routes over services; `syncInterval` is what holds where a segment has no interval of its own.
    public init(
        catalogue: AccountCatalogue, mappings: MappingService, properties: CustomPropertyService,
        segments: SegmentSelectionService, optIn: OptInSettingService, syncInterval: Duration
    ) {
        self.catalogue = catalogue
        self.mappings = mappings
        self.properties = properties
        self.segments = segments
        self.optIn = optIn
        self.syncInterval = syncInterval
    }

    /// Adds the routes.
    public func register(in routes: inout TenantRoutes) {
        registerFields(in: &routes)
        registerSegments(in: &routes)
        let base = ConnectionRoutes.base
        routes.on(
            .get, "\(base)/opt_in", .read, feature: .emarsys,
            RouteDescription(
                "The field that opt-ins are written to; no element while none is chosen.", tag: "Opt-in export",
                item: Self.optInSchema)
        ) { context in .enveloped(try await optIn.find(context.tenant).map { [Self.object($0)] } ?? []) }
        routes.on(
            .put, "\(base)/opt_in", .write, feature: .emarsys,
            RouteDescription(
                "Choose the field that opt-ins are written to; known consents are exported into it.",
                tag: "Opt-in export", body: Self.optInSchema, item: Self.optInSchema,
                problems: [
                    (.unprocessableContent, "opt_in_field_not_text"), (.unprocessableContent, "opt_in_field_mapped"),
                    (.unprocessableContent, "unknown_field"), (.conflict, "not_connected"),
                ])
        ) { context in
            let setting = try Self.setting(context)
            try await optIn.put(context.tenant, setting, actor: context.principal.actor)
            return .object(Self.object(setting))
        }
    }

    private func registerFields(in routes: inout TenantRoutes) {
        let base = ConnectionRoutes.base
        routes.on(
            .get, "\(base)/fields", .read, feature: .emarsys,
            RouteDescription(
                "Fields of the Emarsys account, with choices.", tag: "Mapping",
                problems: [(.conflict, "not_connected"), (.badGateway, "emarsys_unreachable")])
        ) { context in .enveloped(try await catalogue.fields(of: context.tenant).map(Self.object)) }
        routes.on(
            .get, "\(base)/fields/samples", .read, feature: .emarsys,
            RouteDescription(
                "A value of each field as some contact has it; fields that are empty for all who were looked at are "
                    + "left out.", tag: "Mapping", item: Self.sampleSchema,
                problems: [(.conflict, "not_connected"), (.badGateway, "emarsys_unreachable")])
        ) { context in
            .enveloped(
                try await catalogue.samples(of: context.tenant).map {
                    ["field_id": .string(String($0.field)), "sample": .string($0.text)]
                })
        }
        routes.on(
            .get, "\(base)/mappings", .read, feature: .emarsys,
            RouteDescription("Which fields become what.", tag: "Mapping", item: Self.mappingSchema)
        ) { context in .enveloped(try await mappings.list(context.tenant).map(Self.object)) }
        routes.on(
            .put, "\(base)/mappings", .write, feature: .emarsys,
            RouteDescription(
                "Replace the mapping.", tag: "Mapping", body: ["type": "array", "items": Self.mappingSchema],
                item: Self.mappingSchema,
                problems: [
                    (.unprocessableContent, "too_many_custom_fields"), (.unprocessableContent, "opt_in_field_mapped"),
                    (.unprocessableContent, "unknown_custom_property"),
                ])
        ) { context in
            let inputs = try Self.mappings(context)
            return .enveloped(
                try await mappings.replace(context.tenant, inputs, actor: context.principal.actor).map(Self.object))
        }
        routes.on(
            .get, "/api/v0/custom_properties", .read,
            RouteDescription("Custom properties of contacts.", tag: "Mapping", item: Self.propertySchema)
        ) { context in .enveloped(try await properties.list(context.tenant).map(Self.object)) }
        routes.on(
            .post, "/api/v0/custom_properties", .write, creates: true,
            RouteDescription(
                "Define a custom property.", tag: "Mapping", body: Self.propertySchema, item: Self.propertySchema,
                status: .created, problems: [(.conflict, "custom_property_exists")])
        ) { context in
            var body = BodyReader(try context.json())
            let name = body.string("name", required: true)
            let kind = body.word("type", required: true, as: CustomProperty.Kind.self)
            if let name, !CustomProperty.isName(name) {
                body.fault("name", "invalid_name", "must be a letter, then up to 63 letters, digits and _")
            }
            try body.finish()
            let made = try await properties.define(
                context.tenant, name: name ?? "", kind: kind ?? .string, actor: context.principal.actor)
            return .object(Self.object(made), status: .created)
        }
    }

    private func registerSegments(in routes: inout TenantRoutes) {
        let base = ConnectionRoutes.base
        routes.on(
            .get, "\(base)/segments", .read, feature: .emarsys,
            RouteDescription(
                "Segments of the Emarsys account, with the size that the last import found.", tag: "Segments",
                problems: [(.conflict, "not_connected"), (.badGateway, "emarsys_unreachable")])
        ) { context in
            let known = try await catalogue.segments(of: context.tenant)
            let sizes = try await segments.sizes(context.tenant)
            return .enveloped(
                known.map {
                    [
                        "id": .string(String($0.id)), "name": .string($0.name), "type": .string($0.type),
                        "size": .optional(sizes[String($0.id)]),
                    ]
                })
        }
        routes.on(
            .get, "\(base)/segments/selected", .read, feature: .emarsys,
            RouteDescription("Segments that are imported.", tag: "Segments", item: Self.segmentSchema)
        ) { context in .enveloped(try await segments.list(context.tenant).map(object)) }
        routes.on(
            .put, "\(base)/segments/selected", .write, feature: .emarsys,
            RouteDescription(
                "Choose the segments that are imported: each once now, then on its interval.", tag: "Segments",
                body: ["type": "array", "items": Self.segmentSchema], item: Self.segmentSchema,
                problems: [(.unprocessableContent, "unknown_segment"), (.conflict, "not_connected")])
        ) { context in
            let inputs = try Self.selections(context)
            return .enveloped(
                try await segments.replace(context.tenant, inputs, actor: context.principal.actor).map(object))
        }
    }
}
