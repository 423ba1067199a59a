-- Orders of a contact over all currencies, beside each currency's row: audiences ask for them without adding up.
SET LOCAL ROLE charles_owner;

ALTER TABLE app.contact_order_totals ADD COLUMN all_count int NOT NULL DEFAULT 0, ADD COLUMN all_last_order_at timestamptz;
COMMENT ON COLUMN app.contact_order_totals.all_count IS 'Orders of the contact in all currencies, the same in each of its rows.';
CREATE INDEX contact_order_totals_all_count ON app.contact_order_totals (tenant_id, all_count, contact_id);
CREATE INDEX contact_order_totals_all_last ON app.contact_order_totals (tenant_id, all_last_order_at, contact_id);

-- What a contact's orders add up to, per currency; cancelled orders do not count, refunds stand apart.
CREATE OR REPLACE FUNCTION app.total_orders(p_tenant uuid, p_contacts uuid[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM app.contact_order_totals t
     WHERE t.tenant_id = p_tenant AND t.contact_id = ANY (p_contacts)
       AND NOT EXISTS (SELECT 1 FROM app.orders o
                        WHERE o.tenant_id = p_tenant AND o.contact_id = t.contact_id AND o.currency = t.currency
                          AND o.status <> 'cancelled');
    INSERT INTO app.contact_order_totals (tenant_id, contact_id, currency, order_count, total_gross, refunds_gross,
                                          first_order_at, last_order_at, all_count, all_last_order_at)
    SELECT p_tenant, s.contact_id, s.currency, s.n, s.gross, s.refunds, s.first_at, s.last_at,
           sum(s.n) OVER w, max(s.last_at) OVER w
      FROM (SELECT o.contact_id, o.currency, count(*) AS n, sum(o.amount_total_gross) AS gross,
                   sum(o.refund_amount_total_gross) AS refunds, min(o.ordered_at) AS first_at, max(o.ordered_at) AS last_at
              FROM app.orders o
             WHERE o.tenant_id = p_tenant AND o.contact_id = ANY (p_contacts) AND o.status <> 'cancelled'
             GROUP BY o.contact_id, o.currency) s
    WINDOW w AS (PARTITION BY s.contact_id)
    ON CONFLICT (tenant_id, contact_id, currency) DO UPDATE
       SET order_count = EXCLUDED.order_count, total_gross = EXCLUDED.total_gross, refunds_gross = EXCLUDED.refunds_gross,
           first_order_at = EXCLUDED.first_order_at, last_order_at = EXCLUDED.last_order_at, all_count = EXCLUDED.all_count,
           all_last_order_at = EXCLUDED.all_last_order_at
$$;

-- One rule as a condition on app.contacts c of tenant $1. Rules come checked and in one form: {"and": […]}, {"or": […]},
-- {"not": …}, or a leaf {"field", "op", "values": […], "currency"?, "name"?, "zero"?}; "zero" says whether a contact without any
-- order fulfils it.
CREATE OR REPLACE FUNCTION app.audience_condition(p_rule jsonb, INOUT p_values jsonb, OUT sql text) LANGUAGE plpgsql AS $$
DECLARE
    v_part jsonb;
    v_sql text;
    v_parts text[] := '{}';
    v_n text := '($2 -> ' || jsonb_array_length(p_values) || ')';      -- where this leaf's values will stand
    v_one text := '($2 -> ' || jsonb_array_length(p_values) || ' ->> 0)';
    v_any text := 'ARRAY(SELECT v FROM jsonb_array_elements_text($2 -> ' || jsonb_array_length(p_values) || ') AS v)';
    v_name text := '($2 ->> ' || jsonb_array_length(p_values) + 1 || ')';  -- and its name or currency
    v_op text := app.audience_operator(p_rule ->> 'op');
BEGIN
    IF p_rule ? 'and' OR p_rule ? 'or' THEN
        FOR v_part IN SELECT e FROM jsonb_array_elements(coalesce(p_rule -> 'and', p_rule -> 'or')) WITH ORDINALITY AS u (e, n) ORDER BY n LOOP
            SELECT a.p_values, a.sql INTO p_values, v_sql FROM app.audience_condition(v_part, p_values) AS a;
            v_parts := v_parts || v_sql;
        END LOOP;
        sql := CASE WHEN cardinality(v_parts) = 0 THEN CASE WHEN p_rule ? 'and' THEN 'true' ELSE 'false' END
                    ELSE '(' || array_to_string(v_parts, CASE WHEN p_rule ? 'and' THEN ' AND ' ELSE ' OR ' END) || ')' END;
        RETURN;
    END IF;
    IF p_rule ? 'not' THEN
        SELECT a.p_values, a.sql INTO p_values, v_sql FROM app.audience_condition(p_rule -> 'not', p_values) AS a;
        sql := '(NOT coalesce(' || v_sql || ', false))';
        RETURN;
    END IF;
    p_values := p_values || jsonb_build_array(p_rule -> 'values', coalesce(p_rule -> 'name', p_rule -> 'currency', 'null'));
    CASE p_rule ->> 'field'
    WHEN 'order_count' THEN
        -- A contact without orders has none in contact_order_totals: asked for the ones that fulfil the rule, or for the others.
        sql := format('(c.id %s (SELECT t.contact_id FROM app.contact_order_totals t WHERE t.tenant_id = $1 '
                      'AND %s (t.all_count %s %s::int)))',
                      CASE WHEN (p_rule ->> 'zero')::boolean THEN 'NOT IN' ELSE 'IN' END,
                      CASE WHEN (p_rule ->> 'zero')::boolean THEN 'NOT' ELSE '' END, v_op, v_one);
    WHEN 'order_total' THEN
        sql := format('(c.id %s (SELECT t.contact_id FROM app.contact_order_totals t WHERE t.tenant_id = $1 %s '
                      'AND %s (t.total_gross %s %s::numeric)))',
                      CASE WHEN (p_rule ->> 'zero')::boolean THEN 'NOT IN' ELSE 'IN' END,
                      CASE WHEN p_rule ? 'currency' THEN 'AND t.currency = ' || v_name ELSE '' END,
                      CASE WHEN (p_rule ->> 'zero')::boolean THEN 'NOT' ELSE '' END, v_op, v_one);
    WHEN 'last_order_at' THEN
        sql := format('(c.id IN (SELECT t.contact_id FROM app.contact_order_totals t WHERE t.tenant_id = $1 '
                      'AND t.all_last_order_at %s %s::timestamptz))', v_op, v_one);
    WHEN 'product' THEN
        sql := CASE WHEN p_rule ->> 'op' = 'contains' THEN
            format('(c.id IN (SELECT i.contact_id FROM app.order_items i JOIN app.orders o ON o.tenant_id = $1 AND o.id = i.order_id '
                   'WHERE i.tenant_id = $1 AND i.contact_id IS NOT NULL AND o.status <> ''cancelled'' '
                   'AND position(lower(%s) in lower(concat_ws('' '', i.name, i.sku, i.external_reference_id))) > 0))', v_one)
        ELSE
            format('(c.id %1$s (SELECT i.contact_id FROM app.order_items i JOIN app.orders o ON o.tenant_id = $1 AND o.id = i.order_id '
                   'WHERE i.tenant_id = $1 AND i.contact_id IS NOT NULL AND o.status <> ''cancelled'' AND i.sku = ANY (%2$s) '
                   'UNION ALL SELECT i.contact_id FROM app.order_items i JOIN app.orders o ON o.tenant_id = $1 AND o.id = i.order_id '
                   'WHERE i.tenant_id = $1 AND i.contact_id IS NOT NULL AND o.status <> ''cancelled'' '
                   'AND i.external_reference_id = ANY (%2$s)))',
                   CASE WHEN p_rule ->> 'op' = 'ne' THEN 'NOT IN' ELSE 'IN' END, v_any)
        END;
    WHEN 'opt_in' THEN
        sql := format('(%s coalesce(c.opt_in, ''none'') = ANY (%s))', CASE WHEN p_rule ->> 'op' = 'ne' THEN 'NOT' ELSE '' END, v_any);
    WHEN 'segment' THEN
        sql := format('(c.id %s (SELECT m.contact_id FROM app.segment_members m WHERE m.tenant_id = $1 AND m.left_at IS NULL '
                      'AND m.segment_id = ANY (%s)))', CASE WHEN p_rule ->> 'op' = 'ne' THEN 'NOT IN' ELSE 'IN' END, v_any);
    WHEN 'event' THEN
        sql := format('(c.id %s (SELECT e.contact_id FROM app.events e WHERE e.tenant_id = $1 AND e.contact_id IS NOT NULL '
                      'AND e.event_name = ANY (%s)))', CASE WHEN p_rule ->> 'op' = 'ne' THEN 'NOT IN' ELSE 'IN' END, v_any);
    WHEN 'custom_properties' THEN
        sql := CASE p_rule ->> 'op'
            WHEN 'contains' THEN format('(position(lower(%s) in lower(c.custom_properties ->> %s)) > 0)', v_one, v_name)
            WHEN 'in' THEN format('(c.custom_properties ->> %s = ANY (%s))', v_name, v_any)
            WHEN 'eq' THEN format('(c.custom_properties -> %2$s = %1$s -> 0 OR c.custom_properties ->> %2$s = %3$s)', v_n, v_name, v_one)
            WHEN 'ne' THEN format('(NOT coalesce(c.custom_properties -> %2$s = %1$s -> 0 OR c.custom_properties ->> %2$s = %3$s, false))',
                                  v_n, v_name, v_one)
            ELSE format('(CASE WHEN jsonb_typeof(%1$s -> 0) <> ''number'' THEN c.custom_properties ->> %2$s %4$s %3$s '
                        'WHEN jsonb_typeof(c.custom_properties -> %2$s) = ''number'' '
                        'THEN (c.custom_properties ->> %2$s)::numeric %4$s %3$s::numeric END)', v_n, v_name, v_one, v_op) END;
    END CASE;
    IF sql IS NULL THEN
        RAISE EXCEPTION 'no such rule' USING ERRCODE = 'invalid_parameter_value';
    END IF;
END $$;

-- Merging sums up by the same rule.
CREATE OR REPLACE FUNCTION app.recount_orders(p_tenant uuid, p_contact uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM app.total_orders(p_tenant, ARRAY[p_contact]);
END $$;
