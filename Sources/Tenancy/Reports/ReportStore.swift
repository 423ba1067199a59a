import FoundationEssentials
import Persistence

/// The reports' SQL: each answers one JSON object. $1 tenant, $2 and $3 the period's bounds, $4 the time zone.
enum ReportStore {
    static let overview: StaticString = """
        WITH p AS MATERIALIZED (SELECT app.report_bound($2, $4, false) AS a, app.report_bound($3, $4, true) AS z)
        SELECT jsonb_build_object(
          'contacts', (SELECT jsonb_build_object('total', count(*), 'opted_in', count(*) FILTER (WHERE c.opt_in = 'granted'))
                         FROM app.contacts c WHERE c.tenant_id = $1 AND c.merged_into IS NULL AND c.erased_at IS NULL),
          'opt_ins', (SELECT jsonb_build_object('granted', count(*) FILTER (WHERE e.status = 'granted'),
                                                'withdrawn', count(*) FILTER (WHERE e.status IN ('withdrawn', 'denied')))
                        FROM app.consent_entries e, p WHERE e.tenant_id = $1 AND e.occurred_at >= p.a AND e.occurred_at < p.z),
          'events', (SELECT jsonb_build_object('received', count(*), 'processed', count(*) FILTER (WHERE e.status = 'processed'),
                                               'rejected', count(*) FILTER (WHERE e.status = 'rejected'),
                                               'failed', count(*) FILTER (WHERE e.status = 'failed'))
                       FROM app.events e, p WHERE e.tenant_id = $1 AND e.received_at >= p.a AND e.received_at < p.z),
          'flow_runs', (SELECT coalesce(jsonb_object_agg(s.state, s.n), '{}') FROM (
                          SELECT r.state, count(*) AS n FROM app.flow_runs r, p
                           WHERE r.tenant_id = $1 AND NOT r.test AND r.created_at >= p.a AND r.created_at < p.z GROUP BY r.state) s),
          'deliveries', (SELECT jsonb_build_object('count', count(*), 'delivered', count(*) FILTER (WHERE d.state = 'delivered'),
                                                   'queued', count(*) FILTER (WHERE d.state = 'queued'),
                                                   'dead', count(*) FILTER (WHERE d.state = 'dead'))
                           FROM app.deliveries d, p WHERE d.tenant_id = $1 AND d.created_at >= p.a AND d.created_at < p.z),
          'imports', (SELECT jsonb_build_object('runs', count(*), 'failed', count(*) FILTER (WHERE i.state = 'failed'))
                        FROM app.imports i, p WHERE i.tenant_id = $1 AND i.queued_at >= p.a AND i.queued_at < p.z),
          'orders', (SELECT jsonb_build_object('count', count(*), 'attributed', count(*) FILTER (WHERE o.attribution IS NOT NULL))
                       FROM app.orders o, p WHERE o.tenant_id = $1 AND o.status <> 'cancelled' AND o.ordered_at >= p.a AND o.ordered_at < p.z),
          'revenue', (SELECT coalesce(jsonb_agg(jsonb_build_object('currency', s.currency, 'orders', s.n, 'total_gross', app.amount_text(s.total),
                                      'attributed_gross', app.amount_text(s.attributed), 'refunds_gross', app.amount_text(s.refunds)) ORDER BY s.currency), '[]')
                        FROM (SELECT o.currency, count(*) AS n, sum(o.amount_total_gross) AS total,
                                     coalesce(sum(o.amount_total_gross) FILTER (WHERE o.attribution IS NOT NULL), 0) AS attributed,
                                     sum(o.refund_amount_total_gross) AS refunds
                                FROM app.orders o, p
                               WHERE o.tenant_id = $1 AND o.status <> 'cancelled' AND o.ordered_at >= p.a AND o.ordered_at < p.z
                               GROUP BY o.currency) s))
        """

    static let revenue: StaticString = """
        WITH p AS MATERIALIZED (SELECT app.report_bound($2, $4, false) AS a, app.report_bound($3, $4, true) AS z),
        o AS MATERIALIZED (
            SELECT (x.ordered_at AT TIME ZONE $4)::date AS day, x.currency, x.amount_total_gross AS gross,
                   x.refund_amount_total_gross AS refund, x.attribution IS NOT NULL AS attributed, x.attributed_flow_id AS flow_id,
                   x.attributed_campaign AS campaign, x.attribution ->> 'model' AS model, x.contact_id
              FROM app.orders x, p
             WHERE x.tenant_id = $1 AND x.status <> 'cancelled' AND x.ordered_at >= p.a AND x.ordered_at < p.z)
        SELECT jsonb_build_object(
          'totals', (SELECT coalesce(jsonb_agg(jsonb_build_object('currency', s.currency, 'orders', s.n, 'revenue_gross', app.amount_text(s.total),
                          'attributed_orders', s.an, 'attributed_gross', app.amount_text(s.attributed), 'refunds_gross', app.amount_text(s.refunds),
                          'stitched_orders', s.stitched) ORDER BY s.currency), '[]')
                       FROM (SELECT o.currency, count(*) AS n, count(*) FILTER (WHERE o.attributed) AS an, count(o.contact_id) AS stitched,
                                    sum(o.gross) AS total, coalesce(sum(o.gross) FILTER (WHERE o.attributed), 0) AS attributed,
                                    sum(o.refund) AS refunds FROM o GROUP BY o.currency) s),
          'by_flow', (SELECT coalesce(jsonb_agg(jsonb_build_object('flow_id', s.flow_id, 'flow_name', f.name, 'campaign', s.campaign,
                           'model', s.model, 'currency', s.currency, 'orders', s.n, 'revenue_gross', app.amount_text(s.total),
                           'refunds_gross', app.amount_text(s.refunds)) ORDER BY s.total DESC), '[]')
                        FROM (SELECT o.flow_id, CASE WHEN o.flow_id IS NULL THEN o.campaign END AS campaign, o.model, o.currency,
                                     count(*) AS n, sum(o.gross) AS total, sum(o.refund) AS refunds
                                FROM o WHERE o.attributed GROUP BY 1, 2, 3, 4) s
                        LEFT JOIN app.flows f ON f.tenant_id = $1 AND f.id = s.flow_id),
          'by_campaign', (SELECT coalesce(jsonb_agg(jsonb_build_object('campaign', s.campaign, 'currency', s.currency, 'orders', s.n,
                               'revenue_gross', app.amount_text(s.total)) ORDER BY s.total DESC), '[]')
                            FROM (SELECT o.campaign, o.currency, count(*) AS n, sum(o.gross) AS total
                                    FROM o WHERE o.attributed AND o.campaign IS NOT NULL GROUP BY 1, 2) s),
          'by_day', (SELECT coalesce(jsonb_agg(jsonb_build_object('day', s.day, 'currency', s.currency, 'orders', s.n,
                          'revenue_gross', app.amount_text(s.total), 'attributed_gross', app.amount_text(s.attributed), 'refunds_gross', app.amount_text(s.refunds))
                          ORDER BY s.day, s.currency), '[]')
                       FROM (SELECT o.day, o.currency, count(*) AS n, sum(o.gross) AS total,
                                    coalesce(sum(o.gross) FILTER (WHERE o.attributed), 0) AS attributed,
                                    sum(o.refund) AS refunds FROM o GROUP BY 1, 2) s))
        """

    static let optIns: StaticString = """
        WITH p AS MATERIALIZED (SELECT app.report_bound($2, $4, false) AS a, app.report_bound($3, $4, true) AS z)
        SELECT jsonb_build_object(
          'current', (SELECT coalesce(jsonb_object_agg(s.state, s.n), '{}') FROM (
                        SELECT c.opt_in AS state, count(*) AS n FROM app.contacts c
                         WHERE c.tenant_id = $1 AND c.merged_into IS NULL AND c.erased_at IS NULL AND c.opt_in IS NOT NULL GROUP BY 1) s),
          'by_day', (SELECT coalesce(jsonb_agg(jsonb_build_object('day', s.day, 'granted', s.granted, 'withdrawn', s.withdrawn,
                          'denied', s.denied, 'pending', s.pending) ORDER BY s.day), '[]')
                       FROM (SELECT (e.occurred_at AT TIME ZONE $4)::date AS day, count(*) FILTER (WHERE e.status = 'granted') AS granted,
                                    count(*) FILTER (WHERE e.status = 'withdrawn') AS withdrawn,
                                    count(*) FILTER (WHERE e.status = 'denied') AS denied,
                                    count(*) FILTER (WHERE e.status = 'pending') AS pending
                               FROM app.consent_entries e, p
                              WHERE e.tenant_id = $1 AND e.occurred_at >= p.a AND e.occurred_at < p.z GROUP BY 1) s),
          'by_source', (SELECT coalesce(jsonb_agg(jsonb_build_object('source', s.source, 'status', s.status, 'count', s.n)
                             ORDER BY s.n DESC), '[]')
                          FROM (SELECT e.source, e.status, count(*) AS n FROM app.consent_entries e, p
                                 WHERE e.tenant_id = $1 AND e.occurred_at >= p.a AND e.occurred_at < p.z GROUP BY 1, 2) s),
          'exports', (SELECT coalesce(jsonb_object_agg(s.state, s.n), '{}') FROM (
                        SELECT x.state, count(*) AS n FROM app.opt_in_exports x, p
                         WHERE x.tenant_id = $1 AND x.created_at >= p.a AND x.created_at < p.z GROUP BY 1) s))
        """

    static let imports: StaticString = """
        WITH p AS MATERIALIZED (SELECT app.report_bound($2, $4, false) AS a, app.report_bound($3, $4, true) AS z),
        i AS MATERIALIZED (
            SELECT x.* FROM app.imports x, p
             WHERE x.tenant_id = $1 AND NOT x.dry_run AND x.queued_at >= p.a AND x.queued_at < p.z)
        SELECT jsonb_build_object(
          'runs', (SELECT count(*) FROM i),
          'by_state', (SELECT coalesce(jsonb_object_agg(s.state, s.n), '{}') FROM (SELECT i.state, count(*) AS n FROM i GROUP BY 1) s),
          'totals', (SELECT jsonb_build_object('read', coalesce(sum(i.read), 0), 'created', coalesce(sum(i.created), 0),
                          'updated', coalesce(sum(i.updated), 0), 'unchanged', coalesce(sum(i.unchanged), 0),
                          'merged', coalesce(sum(i.merged), 0), 'conflicts', coalesce(sum(i.conflicts), 0),
                          'rejected', coalesce(sum(i.rejected), 0), 'skipped', coalesce(sum(i.skipped), 0),
                          'api_calls', coalesce(sum(i.api_calls), 0)) FROM i),
          'by_day', (SELECT coalesce(jsonb_agg(jsonb_build_object('day', s.day, 'runs', s.runs, 'failed', s.failed, 'read', s.read,
                          'created', s.created, 'updated', s.updated, 'rejected', s.rejected) ORDER BY s.day), '[]')
                       FROM (SELECT (i.queued_at AT TIME ZONE $4)::date AS day, count(*) AS runs,
                                    count(*) FILTER (WHERE i.state = 'failed') AS failed, sum(i.read) AS read,
                                    sum(i.created) AS created, sum(i.updated) AS updated, sum(i.rejected) AS rejected
                               FROM i GROUP BY 1) s),
          'rejections', (SELECT coalesce(jsonb_agg(jsonb_build_object('code', s.code, 'count', s.n) ORDER BY s.n DESC), '[]')
                           FROM (SELECT r.code, count(*) AS n FROM app.import_rejections r JOIN i ON i.id = r.import_id
                                  WHERE r.tenant_id = $1 GROUP BY 1) s))
        """

    static let webhooks: StaticString = """
        WITH p AS MATERIALIZED (SELECT app.report_bound($2, $4, false) AS a, app.report_bound($3, $4, true) AS z),
        e AS MATERIALIZED (
            SELECT (x.received_at AT TIME ZONE $4)::date AS day, x.source, x.status, x.event_name, x.errors,
                   extract(epoch FROM x.processed_at - x.received_at) AS seconds
              FROM app.events x, p WHERE x.tenant_id = $1 AND x.received_at >= p.a AND x.received_at < p.z)
        SELECT jsonb_build_object(
          'totals', (SELECT coalesce(jsonb_object_agg(s.status, s.n), '{}') FROM (SELECT e.status, count(*) AS n FROM e GROUP BY 1) s),
          'by_day', (SELECT coalesce(jsonb_agg(jsonb_build_object('day', s.day, 'received', s.n, 'processed', s.processed,
                          'rejected', s.rejected, 'failed', s.failed) ORDER BY s.day), '[]')
                       FROM (SELECT e.day, count(*) AS n, count(*) FILTER (WHERE e.status = 'processed') AS processed,
                                    count(*) FILTER (WHERE e.status = 'rejected') AS rejected,
                                    count(*) FILTER (WHERE e.status = 'failed') AS failed FROM e GROUP BY 1) s),
          'by_event_name', (SELECT coalesce(jsonb_agg(jsonb_build_object('event_name', s.event_name, 'source', s.source, 'events', s.n,
                                 'processed', s.processed, 'rejected', s.rejected) ORDER BY s.n DESC), '[]')
                              FROM (SELECT e.event_name, e.source, count(*) AS n,
                                           count(*) FILTER (WHERE e.status = 'processed') AS processed,
                                           count(*) FILTER (WHERE e.status = 'rejected') AS rejected
                                      FROM e GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 50) s),
          'rejections', (SELECT coalesce(jsonb_agg(jsonb_build_object('code', s.code, 'count', s.n) ORDER BY s.n DESC), '[]')
                           FROM (SELECT f ->> 'code' AS code, count(*) AS n FROM e, jsonb_array_elements(e.errors) AS f
                                  WHERE e.status IN ('rejected', 'failed') GROUP BY 1) s),
          'processing_seconds', (SELECT jsonb_build_object(
                 'median', round((percentile_cont(0.5) WITHIN GROUP (ORDER BY e.seconds))::numeric, 3),
                 'p95', round((percentile_cont(0.95) WITHIN GROUP (ORDER BY e.seconds))::numeric, 3)) FROM e))
        """
}
