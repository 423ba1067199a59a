import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// The SQL of tenants as operators manage them.
enum TenantAdministrationStore {
    struct NewTenant: Sendable {
        let id: UUID
        let instanceName: String
        let displayName: String
        let timeZone: String
        let defaultCurrency: String?
        let defaultCountry: String?
    }

    private struct Base {
        let id: UUID
        let instanceName: String
        let displayName: String
        let status: Tenant.Status
        let timeZone: String
        let currency: String?
        let country: String?
        let createdAt: Timestamp
    }

    static func insert(_ tenant: NewTenant, now: Timestamp) -> Query {
        Query(
            """
            INSERT INTO app.tenants
                (tenant_id, instance_name, display_name, time_zone, default_currency, default_country, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
            """,
            [
                .uuid(tenant.id), .text(tenant.instanceName), .text(tenant.displayName), .text(tenant.timeZone),
                .optional(text: tenant.defaultCurrency), .optional(text: tenant.defaultCountry), .timestamp(now),
            ])
    }

    /// From here on the transaction is the tenant's own.
    static func enter(_ tenant: UUID) -> [Query] {
        [Query("SET LOCAL ROLE charles_app"), Query("SELECT app.enter($1)", [.uuid(tenant)])]
    }

    static func createLanes(_ tenant: UUID) -> [Query] {
        [
            Query("SELECT app.create_lanes($1)", [.uuid(tenant)]), pauseLanes(tenant),
        ]
    }

    /// Lets lanes wait or go, by status, feature and the tenant's own pause.
    static func pauseLanes(_ tenant: UUID) -> Query { Query("SELECT app.set_lane_pauses($1)", [.uuid(tenant)]) }

    /// 22023 where PostgreSQL knows no such time zone.
    static func checkTimeZone(_ name: String) -> Query {
        Query("SELECT now() AT TIME ZONE $1", [.text(name)])
    }

    static func id(of instance: String, in database: Database) async throws(DatabaseError) -> UUID? {
        try await database.run(
            .operator, Query("SELECT tenant_id FROM app.tenants WHERE instance_name = $1", [.text(instance)])
        ).first?.get(0)
    }

    static func find(_ instance: String, now: Timestamp, in database: Database) async throws(DatabaseError)
        -> TenantRecord?
    {
        let rows = try await database.run(
            .operator,
            Query(
                """
                SELECT tenant_id, instance_name, display_name, status, time_zone, default_currency, default_country, created_at
                  FROM app.tenants WHERE instance_name = $1
                """, [.text(instance)]))
        return try await records(rows, now: now, in: database).first
    }

    static func list(
        search: String?, status: String?, page: PageRequest, now: Timestamp, in database: Database
    ) async throws(DatabaseError) -> [TenantRecord] {
        let rows = try await database.run(
            .operator,
            Query(
                """
                SELECT tenant_id, instance_name, display_name, status, time_zone, default_currency, default_country, created_at
                  FROM app.tenants
                 WHERE (created_at, tenant_id) < ($1, $2)
                   AND ($3::text IS NULL OR strpos(lower(instance_name || ' ' || display_name), lower($3)) > 0)
                   AND ($4::text IS NULL OR status = $4)
                 ORDER BY created_at DESC, tenant_id DESC LIMIT $5
                """,
                [
                    .timestamp(page.fallingTime), .uuid(page.fallingID), .optional(text: search),
                    .optional(text: status), .int4(page.fetchCount),
                ]))
        return try await records(rows, now: now, in: database)
    }

    static func update(_ tenant: UUID, _ changes: TenantAdministration.Changes, now: Timestamp) -> Query {
        Query(
            """
            UPDATE app.tenants
               SET display_name = coalesce($2, display_name), status = coalesce($3, status),
                   time_zone = coalesce($4, time_zone),
                   default_currency = CASE WHEN $5 THEN $6 ELSE default_currency END,
                   default_country = CASE WHEN $7 THEN $8 ELSE default_country END,
                   settings = settings || $9, updated_at = $10
             WHERE tenant_id = $1
            """,
            [
                .uuid(tenant), .optional(text: changes.displayName), .optional(text: changes.status?.rawValue),
                .optional(text: changes.timeZone), .bool(changes.defaultCurrency != nil),
                .optional(text: changes.defaultCurrency ?? nil), .bool(changes.defaultCountry != nil),
                .optional(text: changes.defaultCountry ?? nil),
                .jsonb((changes.settings ?? .object([:])).encoded()), .timestamp(now),
            ])
    }

    static func setFeature(
        _ tenant: UUID, _ feature: Feature, enabled: Bool, note: String?, actor: String, now: Timestamp
    )
        -> Query
    {
        Query(
            """
            INSERT INTO app.features (tenant_id, feature, enabled, note, updated_by, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (tenant_id, feature) DO UPDATE
               SET enabled = EXCLUDED.enabled, note = EXCLUDED.note, updated_by = EXCLUDED.updated_by,
                   updated_at = EXCLUDED.updated_at
            """,
            [
                .uuid(tenant), .text(feature.rawValue), .bool(enabled), .optional(text: note), .text(actor),
                .timestamp(now),
            ])
    }

    /// The row is locked, so that two changes at once are audited in their order.
    static func lockFeature(_ tenant: UUID, _ feature: Feature) -> Query {
        Query(
            "SELECT enabled, note FROM app.features WHERE tenant_id = $1 AND feature = $2 FOR UPDATE",
            [.uuid(tenant), .text(feature.rawValue)])
    }

    private static func records(_ rows: Rows, now: Timestamp, in database: Database) async throws(DatabaseError)
        -> [TenantRecord]
    {
        guard !rows.isEmpty else { return [] }
        var bases: [Base] = []
        for row in rows {
            let status: String = try row.get(3)
            bases.append(
                Base(
                    id: try row.get(0), instanceName: try row.get(1), displayName: try row.get(2),
                    status: Tenant.Status(rawValue: status) ?? .suspended, timeZone: try row.get(4),
                    currency: try row.get(5), country: try row.get(6), createdAt: try row.get(7)))
        }
        let ids = SQLValue.uuidArray(bases.map(\.id))
        let details = try await database.run(
            .operator,
            [
                Query("SELECT tenant_id, feature FROM app.features WHERE tenant_id = ANY ($1) AND enabled", [ids]),
                Query(
                    "SELECT tenant_id, status, auth, paused, last_error FROM app.connections WHERE tenant_id = ANY ($1)",
                    [ids]),
                Query(
                    """
                    SELECT DISTINCT ON (tenant_id) tenant_id, id, state, error_code, finished_at FROM app.imports
                     WHERE tenant_id = ANY ($1) ORDER BY tenant_id, queued_at DESC, id
                    """, [ids]),
                Query(
                    """
                    SELECT tenant_id, kind, detail, raised_at FROM app.alerts
                     WHERE tenant_id = ANY ($1) AND state = 'raised' ORDER BY tenant_id, kind
                    """, [ids]),
                Query(
                    """
                    SELECT tenant_id, sum(calls)::bigint, sum(errors)::bigint FROM app.api_usage_daily
                     WHERE tenant_id = ANY ($1) AND day > $2::date - 30 GROUP BY tenant_id
                    """, [ids, .timestamp(now)]),
            ])
        var features: [UUID: FeatureSet] = [:]
        for row in details[0] {
            if let feature = Feature(rawValue: try row.get(1)) {
                features[try row.get(0), default: []].formUnion(FeatureSet(feature))
            }
        }
        var connections: [UUID: TenantRecord.Connection] = [:]
        for row in details[1] {
            let status: String = try row.get(1)
            let error: [UInt8]? = try row.get(4)
            connections[try row.get(0)] = TenantRecord.Connection(
                status: ConnectionStatus(rawValue: status) ?? .failing, auth: try row.get(2), isPaused: try row.get(3),
                lastError: error.flatMap { try? JSON.parse($0) })
        }
        var imports: [UUID: TenantRecord.LastImport] = [:]
        for row in details[2] {
            imports[try row.get(0)] = TenantRecord.LastImport(
                id: try row.get(1), state: try row.get(2), errorCode: try row.get(3), finishedAt: try row.get(4))
        }
        var alerts: [UUID: [TenantRecord.RaisedAlert]] = [:]
        for row in details[3] {
            let detail: [UInt8] = try row.get(2)
            alerts[try row.get(0), default: []].append(
                TenantRecord.RaisedAlert(
                    kind: try row.get(1), detail: (try? JSON.parse(detail)) ?? .null, raisedAt: try row.get(3)))
        }
        var usage: [UUID: TenantRecord.Usage] = [:]
        for row in details[4] {
            usage[try row.get(0)] = TenantRecord.Usage(apiCalls: try row.get(1), apiErrors: try row.get(2))
        }
        return bases.map { base in
            TenantRecord(
                id: base.id, instanceName: base.instanceName, displayName: base.displayName, status: base.status,
                timeZone: base.timeZone, defaultCurrency: base.currency, defaultCountry: base.country,
                features: features[base.id] ?? [], createdAt: base.createdAt, connection: connections[base.id],
                lastImport: imports[base.id], alerts: alerts[base.id] ?? [],
                usage: usage[base.id] ?? TenantRecord.Usage(apiCalls: 0, apiErrors: 0))
        }
    }
}
