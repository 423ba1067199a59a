import EventLoop
import FoundationEssentials
import JSON
import Persistence

/// The SQL of alerts.
enum AlertStore {
    /// What is the case now, over all tenants: one statement, a few index look-ups per tenant.
    ///
    /// A tenant is looked at from the moment it is connected: one that never imports is stale too, once a segment has been
    /// selected for long enough. Pauses silence what they cause, except for withdrawals: the law does not pause.
    ///
    /// - Parameter interval: between imports of a segment that has no interval of its own
    static func firing(now: Timestamp, interval: Duration) -> Query {
        Query(
            """
            WITH connected AS MATERIALIZED (
                SELECT c.tenant_id, c.auth, c.status, c.paused OR NOT coalesce(f.enabled, false) AS paused, c.last_error
                  FROM app.connections c
                  JOIN app.tenants n ON n.tenant_id = c.tenant_id
                  LEFT JOIN app.features f ON f.tenant_id = c.tenant_id AND f.feature = 'emarsys'
                 WHERE c.status <> 'disconnected' AND n.status = 'active'),
            last AS MATERIALIZED (
                SELECT c.tenant_id, c.paused, i.state, i.error_code, i.read, i.rejected, i.finished_at, s.finished_at AS succeeded_at,
                       g.selected_at, g.size, make_interval(secs => 2 * coalesce(g.hours * 3600, $2) + 7200) AS patience
                  FROM connected c
                  LEFT JOIN LATERAL (
                      SELECT j.state, j.error_code, j.read, j.rejected, j.finished_at FROM app.imports j
                       WHERE j.tenant_id = c.tenant_id AND NOT j.dry_run AND j.finished_at IS NOT NULL AND j.state <> 'cancelled'
                       ORDER BY j.queued_at DESC LIMIT 1) i ON true
                  LEFT JOIN LATERAL (
                      SELECT j.finished_at FROM app.imports j
                       WHERE j.tenant_id = c.tenant_id AND NOT j.dry_run AND j.state IN ('succeeded', 'succeeded_with_rejections')
                       ORDER BY j.queued_at DESC LIMIT 1) s ON true
                  LEFT JOIN LATERAL (
                      SELECT min(m.selected_at) AS selected_at, max(m.size) AS size, min(coalesce(m.interval_hours, $2 / 3600)) AS hours
                        FROM app.selected_segments m
                       WHERE m.tenant_id = c.tenant_id AND m.deselected_at IS NULL) g ON true),
            unsent AS MATERIALIZED (
                SELECT c.tenant_id, c.paused, x.status, x.state, x.waiting_since, x.created_at
                  FROM connected c
                  JOIN app.opt_in_exports x ON x.tenant_id = c.tenant_id AND x.state IN ('queued', 'sent', 'failed')
                 WHERE x.state <> 'failed' OR NOT EXISTS (
                           SELECT 1 FROM app.opt_in_exports l WHERE l.tenant_id = x.tenant_id AND l.contact_id = x.contact_id
                              AND l.id <> x.id AND (l.created_at > x.created_at OR l.state IN ('queued', 'sent'))))
            SELECT l.tenant_id, 'import_failed', jsonb_build_object('finished_at', l.finished_at, 'code', l.error_code)
              FROM last l WHERE l.state = 'failed'
            UNION ALL
            SELECT l.tenant_id, 'import_rejections', jsonb_build_object('read', l.read, 'rejected', l.rejected)
              FROM last l WHERE l.rejected >= 2 AND l.rejected * 10 > l.read
            UNION ALL
            SELECT l.tenant_id, 'import_stale', jsonb_build_object('last_success_at', l.succeeded_at, 'selected_at', l.selected_at)
              FROM last l WHERE NOT l.paused AND greatest(l.succeeded_at, l.selected_at) < $1 - l.patience
            UNION ALL
            SELECT l.tenant_id, 'near_segment_limit', jsonb_build_object('people', l.size, 'limit', 500000)
              FROM last l WHERE l.size > 450000
            UNION ALL
            SELECT u.tenant_id, 'withdrawal_unsent', jsonb_build_object('oldest_at', min(u.waiting_since), 'count', count(*))
              FROM unsent u WHERE u.status = 'withdrawn'
             GROUP BY u.tenant_id HAVING min(u.waiting_since) < $1 - interval '15 minutes'
            UNION ALL
            SELECT u.tenant_id, 'export_backlog', jsonb_build_object('oldest_at', min(u.waiting_since), 'count', count(*))
              FROM unsent u WHERE NOT u.paused AND u.state <> 'failed'
             GROUP BY u.tenant_id HAVING min(u.waiting_since) < $1 - interval '1 hour'
            UNION ALL
            SELECT u.tenant_id, 'exports_failed', jsonb_build_object('count', count(*))
              FROM unsent u WHERE u.state = 'failed' AND u.created_at > $1 - interval '1 day' GROUP BY u.tenant_id
            UNION ALL
            SELECT c.tenant_id, 'identifiers_quarantined', jsonb_build_object('count', count(*))
              FROM app.identifier_flags f JOIN connected c ON c.tenant_id = f.tenant_id
             WHERE f.status = 'quarantined' AND f.created_at > $1 - interval '1 day' GROUP BY c.tenant_id
            UNION ALL
            SELECT c.tenant_id, 'connection_failing', jsonb_strip_nulls(jsonb_build_object('code', c.last_error -> 'code',
                       'advice', c.last_error -> 'advice', 'permission', c.last_error -> 'permission'))
              FROM connected c WHERE c.status = 'failing'
            UNION ALL
            SELECT c.tenant_id, 'wsse_sunset', jsonb_build_object('sunset', '2026-12-31')
              FROM connected c WHERE c.auth = 'wsse' AND $1 > timestamptz '2026-12-31 00:00Z' - interval '90 days'
            """, [.timestamp(now), .int4(Int32(clamping: interval.components.seconds))])
    }

    /// Ends reports of tenants' logins that run longer than any report should.
    static let endLongReports = Query("SELECT app.end_long_reports(interval '10 minutes')")

    /// What is raised, over all tenants.
    static let raised = Query("SELECT tenant_id, kind, raised_at FROM app.alerts WHERE state = 'raised'")

    /// Raises an alert; a row only where it was not raised already.
    static func raise(_ kind: String, detail: [UInt8], tenant: UUID, now: Timestamp) -> Query {
        Query(
            """
            INSERT INTO app.alerts AS a (tenant_id, kind, state, detail, raised_at) VALUES ($1, $2, 'raised', $3, $4)
            ON CONFLICT (tenant_id, kind)
            DO UPDATE SET state = 'raised', detail = EXCLUDED.detail, raised_at = EXCLUDED.raised_at, recovered_at = NULL
                WHERE a.state = 'recovered'
            RETURNING a.kind
            """, [.uuid(tenant), .text(kind), .jsonb(detail), .timestamp(now)])
    }

    /// Recovers an alert; a row only where it was raised.
    static func recover(_ kind: String, tenant: UUID, now: Timestamp) -> Query {
        Query(
            """
            UPDATE app.alerts SET state = 'recovered', recovered_at = $3
             WHERE tenant_id = $1 AND kind = $2 AND state = 'raised' RETURNING kind
            """, [.uuid(tenant), .text(kind), .timestamp(now)])
    }

    static func list(tenant: UUID) -> Query {
        Query(
            """
            SELECT kind, state, detail, raised_at, recovered_at FROM app.alerts WHERE tenant_id = $1
             ORDER BY (state = 'recovered'), raised_at DESC, kind
            """, [.uuid(tenant)])
    }

    static func alert(_ row: Row) throws -> Alert {
        let detail: [UInt8] = try row.get(2)
        return try Alert(
            kind: row.get(0), state: row.get(1), detail: (try? JSON.parse(detail)) ?? .null, raisedAt: row.get(3),
            recoveredAt: row.get(4))
    }
}
