-- Which touch an order is attributed to, decided in one place for a new order, a changed one, and a touch that came late.
SET LOCAL ROLE charles_owner;

ALTER TABLE app.orders ADD COLUMN evidence text NOT NULL DEFAULT 'contact_key'
    CHECK (evidence IN ('contact_key', 'guest_phone', 'discount_code', 'none'));
COMMENT ON COLUMN app.orders.evidence IS 'What linked the order: a contact key, the phone typed into an address, a discount code, nothing.';

-- Attributes orders. Last touch (flow run, read, click, reply) of the contact before the order, inside the window that was in
-- force when the order was placed (5 days unless changed). A discount code of a campaign or flow attributes an order without a
-- contact; with p_coupons = 'all' every order that has one, with 'off' none.
CREATE FUNCTION app.attribute_orders(p_tenant uuid, p_orders uuid[], p_coupons text) RETURNS void LANGUAGE sql AS $$
    WITH f AS MATERIALIZED (
        SELECT o.id, t.id AS touch_id, t.kind, t.flow_id, t.flow_run_id, t.campaign, t.occurred_at, w.days,
               k.code, k.flow_id AS code_flow_id, k.campaign AS code_campaign
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
         WHERE o.tenant_id = p_tenant AND o.id = ANY (p_orders)
    )
    UPDATE app.orders o
       SET attribution = CASE
               WHEN f.code IS NOT NULL AND (p_coupons = 'all' OR f.touch_id IS NULL) THEN jsonb_build_object(
                   'model', CASE p_coupons WHEN 'all' THEN 'coupon_code_all' ELSE 'coupon_code_unstitched' END,
                   'rule', 'the discount code belongs to a campaign or flow', 'code', f.code, 'flow_id', f.code_flow_id,
                   'flow_run_id', NULL, 'campaign', f.code_campaign, 'touched_at', NULL)
               WHEN f.touch_id IS NOT NULL THEN jsonb_build_object(
                   'model', 'last_touch', 'rule', format('last touch within %s days before the order', f.days),
                   'window_days', f.days, 'touch_id', f.touch_id, 'touch_kind', f.kind, 'flow_id', f.flow_id,
                   'flow_run_id', f.flow_run_id, 'campaign', f.campaign, 'touched_at', app.rfc3339(f.occurred_at)) END,
           attributed_flow_id = CASE WHEN f.code IS NOT NULL AND (p_coupons = 'all' OR f.touch_id IS NULL)
                                     THEN f.code_flow_id ELSE f.flow_id END,
           attributed_flow_run_id = CASE WHEN f.code IS NOT NULL AND (p_coupons = 'all' OR f.touch_id IS NULL)
                                         THEN NULL ELSE f.flow_run_id END,
           attributed_campaign = CASE WHEN f.code IS NOT NULL AND (p_coupons = 'all' OR f.touch_id IS NULL)
                                      THEN f.code_campaign ELSE f.campaign END,
           touched_at = CASE WHEN f.code IS NOT NULL AND (p_coupons = 'all' OR f.touch_id IS NULL)
                             THEN NULL ELSE f.occurred_at END
      FROM f
     WHERE o.tenant_id = p_tenant AND o.id = f.id
$$;

-- What a contact's orders add up to, per currency; cancelled orders do not count, refunds stand apart.
CREATE FUNCTION app.total_orders(p_tenant uuid, p_contacts uuid[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM app.contact_order_totals t
     WHERE t.tenant_id = p_tenant AND t.contact_id = ANY (p_contacts)
       AND NOT EXISTS (SELECT 1 FROM app.orders o
                        WHERE o.tenant_id = p_tenant AND o.contact_id = t.contact_id AND o.currency = t.currency
                          AND o.status <> 'cancelled');
    INSERT INTO app.contact_order_totals (tenant_id, contact_id, currency, order_count, total_gross, refunds_gross,
                                          first_order_at, last_order_at)
    SELECT p_tenant, o.contact_id, o.currency, count(*), sum(o.amount_total_gross), sum(o.refund_amount_total_gross),
           min(o.ordered_at), max(o.ordered_at)
      FROM app.orders o
     WHERE o.tenant_id = p_tenant AND o.contact_id = ANY (p_contacts) AND o.status <> 'cancelled'
     GROUP BY o.contact_id, o.currency
    ON CONFLICT (tenant_id, contact_id, currency) DO UPDATE
       SET order_count = EXCLUDED.order_count, total_gross = EXCLUDED.total_gross, refunds_gross = EXCLUDED.refunds_gross,
           first_order_at = EXCLUDED.first_order_at, last_order_at = EXCLUDED.last_order_at
$$;
