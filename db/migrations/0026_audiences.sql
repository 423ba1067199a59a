-- Audiences: rules become one statement over contacts, put together from the fragments below and from nothing else. Every name
-- and value of a rule stays a parameter: fragments reach it as $2 -> position.
SET LOCAL ROLE charles_owner;

CREATE INDEX events_name_contact ON app.events (tenant_id, event_name, contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX order_items_reference ON app.order_items (tenant_id, external_reference_id, contact_id) WHERE contact_id IS NOT NULL;

-- The operator of a comparison; only these.
CREATE FUNCTION app.audience_operator(p_op text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE p_op WHEN 'eq' THEN '=' WHEN 'ne' THEN '<>' WHEN 'lt' THEN '<' WHEN 'lte' THEN '<=' WHEN 'gt' THEN '>'
                     WHEN 'gte' THEN '>=' WHEN 'before' THEN '<' WHEN 'after' THEN '>' END;
END $$;

-- One rule as a condition on app.contacts c of tenant $1. Rules come checked and in one form: {"and": […]}, {"or": […]},
-- {"not": …}, or a leaf {"field", "op", "values": […], "currency"?, "name"?, "zero"?}; "zero" says whether a contact without any
-- order fulfils it.
CREATE FUNCTION app.audience_condition(p_rule jsonb, INOUT p_values jsonb, OUT sql text) LANGUAGE plpgsql AS $$
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
        sql := format('(c.id %s (SELECT t.contact_id FROM app.contact_order_totals t WHERE t.tenant_id = $1 GROUP BY t.contact_id '
                      'HAVING %s (sum(t.order_count) %s %s::numeric)))',
                      CASE WHEN (p_rule ->> 'zero')::boolean THEN 'NOT IN' ELSE 'IN' END,
                      CASE WHEN (p_rule ->> 'zero')::boolean THEN 'NOT' ELSE '' END, v_op, v_one);
    WHEN 'order_total' THEN
        sql := format('(c.id %s (SELECT t.contact_id FROM app.contact_order_totals t WHERE t.tenant_id = $1 %s '
                      'AND %s (t.total_gross %s %s::numeric)))',
                      CASE WHEN (p_rule ->> 'zero')::boolean THEN 'NOT IN' ELSE 'IN' END,
                      CASE WHEN p_rule ? 'currency' THEN 'AND t.currency = ' || v_name ELSE '' END,
                      CASE WHEN (p_rule ->> 'zero')::boolean THEN 'NOT' ELSE '' END, v_op, v_one);
    WHEN 'last_order_at' THEN
        sql := format('(c.id IN (SELECT t.contact_id FROM app.contact_order_totals t WHERE t.tenant_id = $1 GROUP BY t.contact_id '
                      'HAVING max(t.last_order_at) %s %s::timestamptz))', v_op, v_one);
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

-- How many contacts fulfil the rules.
CREATE FUNCTION app.count_audience(p_tenant uuid, p_rules jsonb) RETURNS bigint LANGUAGE plpgsql
SET jit = off SET work_mem = '64MB' AS $$
DECLARE
    v_sql text;
    v_values jsonb;
    v_count bigint;
BEGIN
    SELECT a.p_values, a.sql INTO v_values, v_sql FROM app.audience_condition(p_rules, '[]') AS a;
    EXECUTE 'SELECT count(*) FROM app.contacts c WHERE c.tenant_id = $1 AND c.merged_into IS NULL AND c.erased_at IS NULL AND ' || v_sql
       INTO v_count USING p_tenant, v_values;
    RETURN v_count;
END $$;

-- Their ids, newest first, after a place in that order.
CREATE FUNCTION app.audience_page(p_tenant uuid, p_rules jsonb, p_time timestamptz, p_id uuid, p_limit int)
RETURNS TABLE (id uuid, created_at timestamptz) LANGUAGE plpgsql SET jit = off SET work_mem = '64MB' AS $$
DECLARE
    v_sql text;
    v_values jsonb;
BEGIN
    SELECT a.p_values, a.sql INTO v_values, v_sql FROM app.audience_condition(p_rules, '[]') AS a;
    RETURN QUERY EXECUTE
        'SELECT c.id, c.created_at FROM app.contacts c WHERE c.tenant_id = $1 AND c.merged_into IS NULL AND c.erased_at IS NULL '
        'AND (c.created_at, c.id) < ($3, $4) AND ' || v_sql || ' ORDER BY c.created_at DESC, c.id DESC LIMIT $5'
        USING p_tenant, v_values, p_time, p_id, p_limit;
END $$;
