public import EventLoop
public import FoundationEssentials
public import Persistence

/// A segment that is imported.
public struct SegmentSelection: Sendable, Hashable {
    /// The segment's id in Emarsys.
    public let segmentID: String
    /// Its name when it was last seen.
    public let name: String?
    /// Its type when it was last seen.
    public let type: String?
    /// Hours between imports; nil means the service's interval.
    public let intervalHours: Int?
    /// Contacts at the last import.
    public let size: Int?
    /// When it was selected.
    public let selectedAt: Timestamp
    /// The last import.
    public let lastImportID: UUID?
    /// When that ended.
    public let lastImportedAt: Timestamp?
    /// When the next one is due.
    public let nextImportAt: Timestamp?
}

/// The SQL of selected segments.
public enum SegmentSelectionStore {
    /// The tenant's selected segments in the order of their selection.
    public static func list(_ tenant: UUID, in database: Database) async throws(DatabaseError) -> [SegmentSelection] {
        let rows = try await database.run(
            .tenant(tenant),
            Query(
                """
                SELECT segment_id, name, segment_type, interval_hours, size, selected_at, last_import_id, last_imported_at,
                       next_import_at
                  FROM app.selected_segments
                 WHERE tenant_id = $1 AND deselected_at IS NULL ORDER BY selected_at, segment_id
                """, [.uuid(tenant)]))
        var selections: [SegmentSelection] = []
        for row in rows {
            let interval: Int32? = try row.get(3)
            let size: Int32? = try row.get(4)
            selections.append(
                SegmentSelection(
                    segmentID: try row.get(0), name: try row.get(1), type: try row.get(2),
                    intervalHours: interval.map { Int($0) }, size: size.map { Int($0) }, selectedAt: try row.get(5),
                    lastImportID: try row.get(6), lastImportedAt: try row.get(7), nextImportAt: try row.get(8)))
        }
        return selections
    }

    /// Sizes by segment, where an import has found one.
    static func sizes(_ tenant: UUID, in database: Database) async throws(DatabaseError) -> [String: Int] {
        let rows = try await database.run(
            .tenant(tenant),
            Query(
                "SELECT segment_id, size FROM app.selected_segments WHERE tenant_id = $1 AND size IS NOT NULL",
                [.uuid(tenant)]))
        var sizes: [String: Int] = [:]
        for row in rows { sizes[try row.get(0)] = Int(try row.get(1, as: Int32.self)) }
        return sizes
    }

    /// Selects a segment, or changes its interval. One selected anew starts over.
    static func select(
        _ tenant: UUID, segment: String, name: String, type: String, intervalHours: Int?, now: Timestamp
    ) -> Query {
        Query(
            """
            INSERT INTO app.selected_segments AS s
                (tenant_id, segment_id, name, segment_type, interval_hours, selected_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (tenant_id, segment_id) DO UPDATE
               SET name = EXCLUDED.name, segment_type = EXCLUDED.segment_type,
                   interval_hours = EXCLUDED.interval_hours, deselected_at = NULL,
                   selected_at = CASE WHEN s.deselected_at IS NULL THEN s.selected_at ELSE EXCLUDED.selected_at END
            """,
            [
                .uuid(tenant), .text(segment), .text(name), .text(type),
                .optional(int4: intervalHours.map { Int32($0) }), .timestamp(now),
            ])
    }

    /// Deselects every segment that is not in `kept`, and takes their waiting imports off the lane.
    static func deselect(_ tenant: UUID, except kept: [String], now: Timestamp) -> [Query] {
        [
            Query(
                """
                UPDATE app.selected_segments SET deselected_at = $3, next_import_at = NULL
                 WHERE tenant_id = $1 AND deselected_at IS NULL AND NOT segment_id = ANY ($2)
                """, [.uuid(tenant), .textArray(kept), .timestamp(now)]),
            Query(
                """
                DELETE FROM app.jobs
                 WHERE tenant_id = $1 AND queue = 'imports' AND kind = 'import_due' AND state IN (0, 4)
                   AND NOT (args ->> 'segment_id') = ANY ($2)
                """, [.uuid(tenant), .textArray(kept)]),
        ]
    }

    /// Moves the next import of a segment to its new interval after the last one.
    static func reschedule(_ tenant: UUID, segment: String, intervalHours: Int) -> [Query] {
        let interval = SQLValue.int4(Int32(intervalHours))
        return [
            Query(
                """
                UPDATE app.selected_segments SET next_import_at = last_imported_at + make_interval(hours => $3)
                 WHERE tenant_id = $1 AND segment_id = $2 AND last_imported_at IS NOT NULL AND next_import_at IS NOT NULL
                """, [.uuid(tenant), .text(segment), interval]),
            Query(
                """
                UPDATE app.jobs j SET run_at = s.next_import_at
                  FROM app.selected_segments s
                 WHERE s.tenant_id = $1 AND s.segment_id = $2 AND s.next_import_at IS NOT NULL
                   AND j.tenant_id = $1 AND j.queue = 'imports' AND j.unique_key = $3 AND j.state = 4
                """, [.uuid(tenant), .text(segment), .text("due:" + segment)]),
        ]
    }

    /// Takes every waiting scheduled import off the lane.
    static func unschedule(_ tenant: UUID) -> Query {
        Query(
            """
            DELETE FROM app.jobs
             WHERE tenant_id = $1 AND queue = 'imports' AND kind = 'import_due' AND state IN (0, 4)
            """, [.uuid(tenant)])
    }
}
