-- What reports and the daily facts stand on.
SET LOCAL ROLE charles_owner;

CREATE INDEX orders_updated ON app.orders (tenant_id, updated_at);
CREATE INDEX imports_started ON app.imports (tenant_id, started_at);

-- A bound of a period: a day (the last one counts whole) in the tenant's time zone, or a time.
CREATE FUNCTION app.report_bound(p_text text, p_zone text, p_is_end boolean) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN length(p_text) = 10
                THEN ((p_text::date + CASE WHEN p_is_end THEN 1 ELSE 0 END)::timestamp AT TIME ZONE p_zone)
                ELSE p_text::timestamptz END
$$;

-- Recomputes the revenue of the days whose orders changed since a time. Cancelled orders do not count; refunds stand apart.
CREATE FUNCTION app.refresh_revenue_daily(p_tenant uuid, p_since timestamptz) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    v_zone text := (SELECT t.time_zone FROM app.tenants t WHERE t.tenant_id = p_tenant);
    v_days date[];
BEGIN
    SELECT array_agg(DISTINCT (o.ordered_at AT TIME ZONE v_zone)::date) INTO v_days
      FROM app.orders o WHERE o.tenant_id = p_tenant AND o.updated_at >= p_since;
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
