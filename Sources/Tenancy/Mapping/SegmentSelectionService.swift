import Emarsys
public import EventLoop
import FoundationEssentials
import HTTP
import JSON
public import Persistence

/// The rules of selecting segments: each is imported once when it is selected, and then on its interval.
public struct SegmentSelectionService: Sendable {
    /// A selection as a client sends it.
    public struct Input: Sendable, Hashable {
        /// The segment's id in Emarsys.
        public var segmentID: String
        /// Hours between imports, 1 to 168; nil means the service's interval.
        public var intervalHours: Int?

        /// An input.
        public init(segmentID: String, intervalHours: Int?) {
            self.segmentID = segmentID
            self.intervalHours = intervalHours
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

    /// The selected segments.
    public func list(_ tenant: Tenant) async throws -> [SegmentSelection] {
        try await SegmentSelectionStore.list(tenant.id, in: database)
    }

    /// Sizes by segment that imports have found, also of segments that are selected no more.
    public func sizes(_ tenant: Tenant) async throws -> [String: Int] {
        try await SegmentSelectionStore.sizes(tenant.id, in: database)
    }

    /// Replaces the selection: new segments are imported at once, those left out are imported no more; their contacts stay.
    ///
    /// Throws 409 `not_connected`; 422 `unknown_segment`, `duplicate_segment`, `interval_out_of_range`.
    public func replace(_ tenant: Tenant, _ inputs: [Input], actor: String) async throws -> [SegmentSelection] {
        let segments = try await catalogue.segments(of: tenant)
        try Self.check(inputs, known: Set(segments.map { String($0.id) }))
        let before = try await list(tenant)
        let now = time.now()
        let kept = inputs.map(\.segmentID)
        var statements = SegmentSelectionStore.deselect(tenant.id, except: kept, now: now)
        for input in inputs {
            guard let segment = segments.first(where: { String($0.id) == input.segmentID }) else { continue }
            statements.append(
                SegmentSelectionStore.select(
                    tenant.id, segment: input.segmentID, name: segment.name, type: segment.type,
                    intervalHours: input.intervalHours, now: now))
            guard let known = before.first(where: { $0.segmentID == input.segmentID }) else {
                statements.append(ConnectionJobs.initialImport(tenant.id, segment: input.segmentID, now: now))
                continue
            }
            if let hours = input.intervalHours, hours != known.intervalHours {
                statements += SegmentSelectionStore.reschedule(
                    tenant.id, segment: input.segmentID, intervalHours: hours)
            }
        }
        statements.append(
            AuditStore.insert(
                tenant.id, at: now, actor: actor, action: "segments.selected",
                before: .array(before.map { .string($0.segmentID) }), after: .array(kept.map { .string($0) })))
        _ = try await database.run(.tenant(tenant.id), statements)
        return try await list(tenant)
    }

    static func check(_ inputs: [Input], known: Set<String>) throws(Problem) {
        var errors: [FieldError] = []
        var seen: Set<String> = []
        for (index, input) in inputs.enumerated() {
            if !known.contains(input.segmentID) {
                errors.append(
                    FieldError(
                        field: "[\(index)].segment_id", code: "unknown_segment",
                        message: "is not a segment of the Emarsys account"))
            }
            if !seen.insert(input.segmentID).inserted {
                errors.append(
                    FieldError(field: "[\(index)].segment_id", code: "duplicate_segment", message: "occurs twice"))
            }
            if let hours = input.intervalHours, !(1...168).contains(hours) {
                errors.append(
                    FieldError(
                        field: "[\(index)].interval_hours", code: "interval_out_of_range",
                        message: "must be from 1 to 168"))
            }
        }
        guard let first = errors.first else { return }
        throw .invalid(errors, code: errors.count == 1 ? first.code : "validation_failed")
    }
}
