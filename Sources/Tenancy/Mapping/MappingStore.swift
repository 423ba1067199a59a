public import FoundationEssentials
public import Persistence

/// The SQL of field mappings.
public enum MappingStore {
    /// The tenant's mappings in their order; the defaults while it has set none.
    public static func list(_ tenant: UUID, in database: Database) async throws(DatabaseError) -> [FieldMapping] {
        try read(try await database.run(.tenant(tenant), select(tenant)))
    }

    /// The same in a transaction.
    public static func list(_ tenant: UUID, in transaction: Transaction) async throws(DatabaseError) -> [FieldMapping] {
        try read(try await transaction.query(select(tenant)))
    }

    static func select(_ tenant: UUID) -> Query {
        Query(
            """
            SELECT id, source, fallback_source, destination, overwrite, on_empty FROM app.mappings
             WHERE tenant_id = $1 ORDER BY position, id
            """, [.uuid(tenant)])
    }

    static func read(_ rows: Rows) throws(DatabaseError) -> [FieldMapping] {
        guard !rows.isEmpty else { return FieldMapping.defaults }
        var mappings: [FieldMapping] = []
        for row in rows {
            let source: String = try row.get(1)
            let fallback: String? = try row.get(2)
            let destination: String = try row.get(3)
            let overwrite: String = try row.get(4)
            let onEmpty: String = try row.get(5)
            guard let source = Int(source), let destination = FieldMapping.Destination(destination) else { continue }
            mappings.append(
                FieldMapping(
                    id: try row.get(0), source: source, fallbackSource: fallback.flatMap { Int($0) },
                    destination: destination, overwrite: FieldMapping.Overwrite(rawValue: overwrite) ?? .always,
                    onEmpty: FieldMapping.OnEmpty(rawValue: onEmpty) ?? .clear))
        }
        return mappings
    }

    /// Replaces the tenant's mappings.
    static func replace(_ tenant: UUID, _ mappings: [(id: UUID, mapping: FieldMapping)]) -> [Query] {
        [
            Query("DELETE FROM app.mappings WHERE tenant_id = $1", [.uuid(tenant)]),
            Query(
                """
                INSERT INTO app.mappings
                    (tenant_id, id, position, source, fallback_source, destination, overwrite, on_empty)
                SELECT $1, m.id, m.position, m.source, m.fallback_source, m.destination, m.overwrite, m.on_empty
                  FROM unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
                       AS m(id, position, source, fallback_source, destination, overwrite, on_empty)
                RETURNING id
                """,
                [
                    .uuid(tenant), .uuidArray(mappings.map(\.id)), .int4Array(mappings.indices.map { Int32($0) }),
                    .textArray(mappings.map { String($0.mapping.source) }),
                    .textArray(mappings.map { $0.mapping.fallbackSource.map { String($0) } }),
                    .textArray(mappings.map { $0.mapping.destination.text }),
                    .textArray(mappings.map { $0.mapping.overwrite.rawValue }),
                    .textArray(mappings.map { $0.mapping.onEmpty.rawValue }),
                ]),
        ]
    }
}
