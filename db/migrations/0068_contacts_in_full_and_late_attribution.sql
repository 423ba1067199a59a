-- What the charles instance is told of a contact is all that the API shows of it; attribution follows merges; and the daily
-- facts know which of their days are stale.
SET LOCAL ROLE charles_owner;

-- Contacts as deliveries, audiences and flow runs carry them: what GET /contacts/{id} answers. phone and opt_in are what flows
-- decide by; opt_in is the person-level state that is kept with the contact.
CREATE OR REPLACE FUNCTION app.contact_summaries(p_tenant uuid, p_contacts uuid[])
RETURNS TABLE (contact_id uuid, phone text, opt_in text, summary jsonb) LANGUAGE sql STABLE AS $$
    SELECT c.id, c.phone, c.opt_in,
           jsonb_build_object(
               'id', c.id, 'first_name', c.first_name, 'last_name', c.last_name, 'phone', c.phone, 'phones', i.phones,
               'email', c.email, 'emails', i.emails, 'external_reference_id', c.external_reference_id,
               'custom_properties', c.custom_properties, 'opt_in', c.opt_in,
               'segments', (SELECT coalesce(jsonb_agg(m.segment_id ORDER BY m.segment_id), '[]') FROM app.segment_members m
                             WHERE m.tenant_id = p_tenant AND m.contact_id = c.id AND m.left_at IS NULL),
               'orders', jsonb_build_object('count', o.n, 'totals', o.totals, 'last_order_at', app.rfc3339(o.last_at)),
               'created_at', app.rfc3339(c.created_at), 'updated_at', app.rfc3339(c.updated_at))
      FROM app.contacts c
     CROSS JOIN LATERAL (
          SELECT coalesce(jsonb_agg(v.entry ORDER BY v.n) FILTER (WHERE v.kind = 'phone'), '[]') AS phones,
                 coalesce(jsonb_agg(v.entry ORDER BY v.n) FILTER (WHERE v.kind = 'email'), '[]') AS emails
            FROM (SELECT x.kind, row_number() OVER (ORDER BY x.is_primary DESC, x.first_seen, x.value) AS n,
                         jsonb_build_object('value', CASE x.kind WHEN 'email' THEN coalesce(x.raw, x.value) ELSE x.value END,
                                            'primary', x.is_primary) AS entry
                    FROM app.contact_identifiers x
                   WHERE x.tenant_id = p_tenant AND x.contact_id = c.id AND x.status = 'active'
                     AND x.kind IN ('phone', 'email')) v) i
     CROSS JOIN LATERAL (
          SELECT coalesce(sum(t.order_count), 0)::int AS n, max(t.last_order_at) AS last_at,
                 coalesce(jsonb_object_agg(t.currency, CASE WHEN scale(trim_scale(t.total_gross)) < 2 THEN round(t.total_gross, 2)
                                                            ELSE trim_scale(t.total_gross) END::text), '{}') AS totals
            FROM app.contact_order_totals t WHERE t.tenant_id = p_tenant AND t.contact_id = c.id) o
     WHERE c.tenant_id = p_tenant AND c.id = ANY (p_contacts)
$$;

-- As before; a merge also names the contacts that became this one.
CREATE OR REPLACE FUNCTION app.queue_contact_deliveries(p_tenant uuid, p_contacts uuid[], p_type text, p_now timestamptz)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    v_count int;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM app.delivery_endpoints WHERE tenant_id = p_tenant AND enabled) THEN
        RETURN 0;
    END IF;
    INSERT INTO app.deliveries (tenant_id, type, contact_id, body, next_attempt_at, give_up_at, created_at)
    SELECT p_tenant, p_type, s.contact_id,
           jsonb_build_object('type', p_type, 'timestamp', app.rfc3339(p_now), 'data',
               jsonb_build_object('contact', s.summary) || CASE WHEN p_type = 'contact.merged' THEN jsonb_build_object(
                   'merged_contact_ids', (SELECT coalesce(jsonb_agg(l.id ORDER BY l.id), '[]') FROM app.contacts l
                                           WHERE l.tenant_id = p_tenant AND l.merged_into = s.contact_id)) ELSE '{}' END),
           p_now, p_now + interval '72 hours', p_now
      FROM app.contact_summaries(p_tenant, p_contacts) s
     ORDER BY s.contact_id
    ON CONFLICT (tenant_id, id) DO NOTHING;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count > 0 THEN
        PERFORM app.enqueue(p_tenant, 'deliveries', 'deliver', '{}', 'drain', p_now, p_now);
    END IF;
    RETURN v_count;
END $$;

-- Days of app.revenue_daily to be computed anew. Notes are only added and taken, never changed, so nobody waits for anybody.
CREATE TABLE app.revenue_stale (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id bigint GENERATED ALWAYS AS IDENTITY,
    day date NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
-- The time zone that a tenant's daily facts were computed for.
CREATE TABLE app.revenue_zones (
    tenant_id uuid PRIMARY KEY REFERENCES app.tenants ON DELETE CASCADE,
    time_zone text NOT NULL
);
SELECT app.isolate_all();
GRANT SELECT, INSERT, UPDATE, DELETE ON app.revenue_stale, app.revenue_zones TO charles_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA app TO charles_app;
SELECT app.open_to_operator('app.revenue_zones');
GRANT SELECT ON app.revenue_zones TO charles_operator;

-- Notes the days of orders as they are now, and has them computed soon, once for many orders. Called before and after a change:
-- an order may move from one day to another.
CREATE FUNCTION app.note_revenue_days(p_tenant uuid, p_orders uuid[], p_now timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO app.revenue_stale (tenant_id, day)
    SELECT DISTINCT p_tenant, (o.ordered_at AT TIME ZONE t.time_zone)::date
      FROM app.orders o JOIN app.tenants t ON t.tenant_id = p_tenant
     WHERE o.tenant_id = p_tenant AND o.id = ANY (p_orders);
    IF FOUND THEN
        PERFORM app.enqueue(p_tenant, 'maintenance', 'revenue_daily', '{}', 'revenue_daily', p_now + interval '15 seconds', p_now);
    END IF;
END $$;

-- Brings the daily facts up to date: the stale days, or all of them when the tenant's time zone changed. Cancelled orders do not
-- count; refunds stand apart. Answers how many days were computed.
CREATE FUNCTION app.refresh_revenue_daily(p_tenant uuid) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    v_zone text := (SELECT t.time_zone FROM app.tenants t WHERE t.tenant_id = p_tenant);
    v_known text := (SELECT z.time_zone FROM app.revenue_zones z WHERE z.tenant_id = p_tenant FOR UPDATE);
    v_days date[];
BEGIN
    WITH gone AS (DELETE FROM app.revenue_stale s WHERE s.tenant_id = p_tenant RETURNING s.day)
    SELECT array_agg(DISTINCT g.day) INTO v_days FROM gone g;
    IF v_known IS DISTINCT FROM v_zone THEN
        INSERT INTO app.revenue_zones (tenant_id, time_zone) VALUES (p_tenant, v_zone)
        ON CONFLICT (tenant_id) DO UPDATE SET time_zone = EXCLUDED.time_zone;
        DELETE FROM app.revenue_daily r WHERE r.tenant_id = p_tenant;
        SELECT array_agg(DISTINCT (o.ordered_at AT TIME ZONE v_zone)::date) INTO v_days FROM app.orders o WHERE o.tenant_id = p_tenant;
    END IF;
    IF v_days IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM app.revenue_daily r WHERE r.tenant_id = p_tenant AND r.day = ANY (v_days);
    INSERT INTO app.revenue_daily (tenant_id, day, currency, attributed_to, flow_id, campaign, orders, revenue_gross, refunds_gross)
    SELECT p_tenant, (o.ordered_at AT TIME ZONE v_zone)::date, o.currency,
           coalesce('flow:' || o.attributed_flow_id, 'campaign:' || o.attributed_campaign, ''),
           o.attributed_flow_id, CASE WHEN o.attributed_flow_id IS NULL THEN o.attributed_campaign END,
           count(*), sum(o.amount_total_gross), sum(o.refund_amount_total_gross)
      FROM app.orders o
      JOIN unnest(v_days) AS d (day) ON o.ordered_at >= d.day::timestamp AT TIME ZONE v_zone
                                    AND o.ordered_at < (d.day + 1)::timestamp AT TIME ZONE v_zone
     WHERE o.tenant_id = p_tenant AND o.status <> 'cancelled'
     GROUP BY 2, 3, 4, 5, 6
    ON CONFLICT (tenant_id, day, currency, attributed_to) DO UPDATE
       SET orders = EXCLUDED.orders, revenue_gross = EXCLUDED.revenue_gross, refunds_gross = EXCLUDED.refunds_gross;
    RETURN cardinality(v_days);
END $$;

-- The former form, for replicas of the version before.
CREATE OR REPLACE FUNCTION app.refresh_revenue_daily(p_tenant uuid, p_since timestamptz) RETURNS int LANGUAGE sql AS $$
    SELECT app.refresh_revenue_daily(p_tenant)
$$;

-- Attributes orders: writes only those whose attribution changes, and notes their days. Last touch (flow run, read, click,
-- reply) of the contact before the order, inside the window that was in force when the order was placed (5 days unless
-- changed). A discount code of a campaign or flow attributes an order without a contact; with p_coupons = 'all' every order
-- that has one, with 'off' none.
CREATE FUNCTION app.attribute_orders(p_tenant uuid, p_orders uuid[], p_coupons text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH f AS MATERIALIZED (
        SELECT o.id, t.id AS touch_id, t.kind, t.flow_id, t.flow_run_id, t.campaign, t.occurred_at, w.days,
               k.code, k.flow_id AS code_flow_id, k.campaign AS code_campaign,
               k.code IS NOT NULL AND (p_coupons = 'all' OR t.id IS NULL) AS by_code
          FROM app.orders o
         CROSS JOIN LATERAL (
              SELECT coalesce((SELECT a.days FROM app.attribution_windows a
                                WHERE a.tenant_id = p_tenant AND a.valid_from <= o.ordered_at
                                ORDER BY a.valid_from DESC LIMIT 1), 5) AS days) w
          LEFT JOIN LATERAL (
              SELECT x.id, x.kind, x.flow_id, x.flow_run_id, x.campaign, x.occurred_at FROM app.touches x
               WHERE x.tenant_id = p_tenant AND x.contact_id = o.contact_id AND x.occurred_at <= o.ordered_at
                 AND x.occurred_at >= o.ordered_at - w.days * interval '1 day'
               ORDER BY x.occurred_at DESC, x.id DESC LIMIT 1) t ON true
          LEFT JOIN LATERAL (
              SELECT c.code, c.flow_id, c.campaign FROM app.coupon_codes c
               WHERE c.tenant_id = p_tenant AND c.code = ANY (o.discount_codes)
                 AND (p_coupons = 'all' OR p_coupons = 'unstitched' AND o.contact_id IS NULL)
               ORDER BY c.code LIMIT 1) k ON true
         WHERE o.tenant_id = p_tenant AND o.id = ANY (p_orders)),
    d AS MATERIALIZED (
        SELECT f.id,
               CASE WHEN f.by_code THEN jsonb_build_object(
                        'model', CASE p_coupons WHEN 'all' THEN 'coupon_code_all' ELSE 'coupon_code_unstitched' END,
                        'rule', 'the discount code belongs to a campaign or flow', 'code', f.code, 'flow_id', f.code_flow_id,
                        'flow_run_id', NULL, 'campaign', f.code_campaign, 'touched_at', NULL)
                    WHEN f.touch_id IS NOT NULL THEN jsonb_build_object(
                        'model', 'last_touch', 'rule', format('last touch within %s days before the order', f.days),
                        'window_days', f.days, 'touch_id', f.touch_id, 'touch_kind', f.kind, 'flow_id', f.flow_id,
                        'flow_run_id', f.flow_run_id, 'campaign', f.campaign, 'touched_at', app.rfc3339(f.occurred_at)) END AS attribution,
               CASE WHEN f.by_code THEN f.code_flow_id ELSE f.flow_id END AS flow_id,
               CASE WHEN NOT f.by_code THEN f.flow_run_id END AS flow_run_id,
               CASE WHEN f.by_code THEN f.code_campaign ELSE f.campaign END AS campaign,
               CASE WHEN NOT f.by_code THEN f.occurred_at END AS touched_at
          FROM f)
    UPDATE app.orders o
       SET attribution = d.attribution, attributed_flow_id = d.flow_id, attributed_flow_run_id = d.flow_run_id,
           attributed_campaign = d.campaign, touched_at = d.touched_at
      FROM d
     WHERE o.tenant_id = p_tenant AND o.id = d.id AND o.attribution IS DISTINCT FROM d.attribution;
    PERFORM app.note_revenue_days(p_tenant, p_orders, p_now);
END $$;

-- The former form, for replicas of the version before.
CREATE OR REPLACE FUNCTION app.attribute_orders(p_tenant uuid, p_orders uuid[], p_coupons text) RETURNS void LANGUAGE sql AS $$
    SELECT app.attribute_orders(p_tenant, p_orders, p_coupons, now())
$$;

-- All orders of contacts that were merged or taken apart: each may have touches now that it had not.
CREATE FUNCTION app.attribute_contacts(p_tenant uuid, p_contacts uuid[], p_now timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_orders uuid[] := ARRAY(SELECT o.id FROM app.orders o WHERE o.tenant_id = p_tenant AND o.contact_id = ANY (p_contacts));
BEGIN
    IF cardinality(v_orders) > 0 THEN
        PERFORM app.attribute_orders(p_tenant, v_orders,
            (SELECT coalesce(nullif(t.settings ->> 'coupon_attribution', ''), 'unstitched') FROM app.tenants t WHERE t.tenant_id = p_tenant),
            p_now);
    END IF;
END $$;

-- Emarsys may have to be told the opt-in of contacts that were linked, merged or got another primary phone; a merge and its
-- undoing also move orders and touches.
CREATE OR REPLACE FUNCTION app.after_stitching(p_tenant uuid, p_contacts uuid[], p_reason text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(p_contacts) > 0 THEN
        PERFORM app.queue_opt_in_exports(p_tenant, p_contacts, p_reason, p_now);
        IF p_reason IN ('merge', 'merge_undone') THEN
            PERFORM app.attribute_contacts(p_tenant, p_contacts, p_now);
        END IF;
    END IF;
END $$;
