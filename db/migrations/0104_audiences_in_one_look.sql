-- Rules over custom properties look each property up once, and counts that need no look-up elsewhere may use workers.
SET LOCAL ROLE charles_owner;

-- One rule as a condition on app.contacts c of tenant $1. Rules come checked and in one form: {"and": […]}, {"or": […]},
-- {"not": …}, or a leaf {"field", "op", "values": […], "currency"?, "name"?, "zero"?}; "zero" says whether a contact without any
-- order fulfils it. What is not with the contact is asked for by EXISTS: the planner turns it into a semi-join, walks the
-- contacts in the page's order, or hashes, whichever is cheapest.
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
    v_is_number boolean := jsonb_typeof(p_rule -> 'values' -> 0) = 'number';
    v_not text := CASE WHEN p_rule ->> 'op' = 'ne' THEN 'NOT ' ELSE '' END;
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
        -- EXISTS is never unknown, and an anti-join only without coalesce.
        sql := CASE WHEN v_sql LIKE 'NOT EXISTS (%' THEN substr(v_sql, 5) WHEN v_sql LIKE 'EXISTS (%' THEN 'NOT ' || v_sql
                    ELSE '(NOT coalesce(' || v_sql || ', false))' END;
        RETURN;
    END IF;
    p_values := p_values || jsonb_build_array(p_rule -> 'values', coalesce(p_rule -> 'name', p_rule -> 'currency', 'null'));
    CASE p_rule ->> 'field'
    WHEN 'order_count' THEN
        sql := format('(c.order_count %s (SELECT %s::int))', v_op, v_one);
    WHEN 'order_total' THEN
        -- Nearly everybody buys in one currency: only the others are looked up, where a currency without orders has no row: asked
        -- for the ones that fulfil the rule, or for the others.
        v_sql := format('%s (SELECT 1 FROM app.contact_order_totals t WHERE t.tenant_id = $1 AND t.contact_id = c.id '
                        'AND t.order_count < t.all_count %s AND %s (t.total_gross %s (SELECT %s::numeric)))',
                        CASE WHEN (p_rule ->> 'zero')::boolean THEN 'NOT EXISTS' ELSE 'EXISTS' END,
                        CASE WHEN p_rule ? 'currency' THEN 'AND t.currency = ' || v_name ELSE '' END,
                        CASE WHEN (p_rule ->> 'zero')::boolean THEN 'NOT' ELSE '' END, v_op, v_one);
        sql := format('(CASE WHEN c.order_currency = ''*'' THEN %s WHEN %s THEN c.order_total %s (SELECT %s::numeric) ELSE %s END)', v_sql,
                      CASE WHEN p_rule ? 'currency' THEN 'c.order_currency = ' || v_name ELSE 'c.order_currency IS NOT NULL' END,
                      v_op, v_one, CASE WHEN (p_rule ->> 'zero')::boolean THEN 'true' ELSE 'false' END);
    WHEN 'last_order_at' THEN
        sql := format('(c.last_order_at %s (SELECT %s::timestamptz))', v_op, v_one);
    WHEN 'product' THEN
        sql := format('%sEXISTS (SELECT 1 FROM app.order_items i WHERE i.tenant_id = $1 AND i.contact_id = c.id AND i.contact_id IS NOT NULL AND i.counts '
                      'AND i.product_id = ANY (ARRAY(SELECT p.id FROM app.products p WHERE p.tenant_id = $1 AND %s)))', v_not,
                      CASE WHEN p_rule ->> 'op' = 'contains'
                           THEN format('position(lower(%s) in lower(concat_ws('' '', p.name, p.sku, p.external_reference_id))) > 0', v_one)
                           ELSE format('(p.sku = ANY (%1$s) OR p.external_reference_id = ANY (%1$s))', v_any) END);
    WHEN 'opt_in' THEN
        sql := format('(%s coalesce(c.opt_in, ''none'') = ANY (%s))', v_not, v_any);
    WHEN 'segment' THEN
        sql := format('%sEXISTS (SELECT 1 FROM app.segment_members m WHERE m.tenant_id = $1 AND m.contact_id = c.id '
                      'AND m.left_at IS NULL AND m.segment_id = ANY (%s))', v_not, v_any);
    WHEN 'event' THEN
        sql := format('%sEXISTS (SELECT 1 FROM app.events e WHERE e.tenant_id = $1 AND e.contact_id = c.id AND e.contact_id IS NOT NULL '
                      'AND e.event_name = ANY (%s))', v_not, v_any);
    WHEN 'custom_properties' THEN
        sql := CASE p_rule ->> 'op'
            WHEN 'contains' THEN format('(position(lower(%s) in lower(c.custom_properties ->> %s)) > 0)', v_one, v_name)
            WHEN 'in' THEN format('(c.custom_properties ->> %s = ANY (%s))', v_name, v_any)
            -- As text, what is equal as JSON is equal as well, but for numbers: 5 and 5.0.
            WHEN 'eq' THEN format(CASE WHEN v_is_number THEN '(c.custom_properties -> %2$s = %1$s -> 0 OR c.custom_properties ->> %2$s = %3$s)'
                                       ELSE '(c.custom_properties ->> %2$s = %3$s)' END, v_n, v_name, v_one)
            WHEN 'ne' THEN format(CASE WHEN v_is_number
                                       THEN '(NOT coalesce(c.custom_properties -> %2$s = %1$s -> 0 OR c.custom_properties ->> %2$s = %3$s, false))'
                                       ELSE '(c.custom_properties ->> %2$s IS DISTINCT FROM %3$s)' END, v_n, v_name, v_one)
            -- A number compares with numbers alone, as it stands in the property; the comparison leaves few whose type is asked for.
            ELSE format(CASE WHEN v_is_number
                             THEN '(c.custom_properties -> %2$s %4$s %1$s -> 0 AND jsonb_typeof(c.custom_properties -> %2$s) = ''number'')'
                             ELSE '(c.custom_properties ->> %2$s %4$s %3$s)' END, v_n, v_name, v_one, v_op) END;
    END CASE;
    IF sql IS NULL THEN
        RAISE EXCEPTION 'no such rule' USING ERRCODE = 'invalid_parameter_value';
    END IF;
END $$;

-- How many contacts fulfil the rules. Where rules look elsewhere, the contacts are read behind a fence (OFFSET 0), which rules
-- workers out: the costs of look-ups inside OR are estimated so high that any way of reading the contacts seems as good as
-- another. Nested loops are ruled out: where estimates err they cost a hundred times a hash.
CREATE OR REPLACE FUNCTION app.count_audience(p_tenant uuid, p_rules jsonb) RETURNS bigint LANGUAGE plpgsql
SET jit = off SET work_mem = '64MB' SET enable_nestloop = off AS $$
DECLARE
    v_sql text;
    v_values jsonb;
    v_count bigint;
BEGIN
    SELECT a.p_values, a.sql INTO v_values, v_sql FROM app.audience_condition(p_rules, '[]') AS a;
    EXECUTE 'SELECT count(*) FROM (SELECT c.* FROM app.contacts c WHERE c.tenant_id = $1 AND c.merged_into IS NULL '
            'AND c.erased_at IS NULL ' || CASE WHEN v_sql LIKE '%EXISTS (%' THEN 'OFFSET 0' ELSE '' END || ') c WHERE ' || v_sql
       INTO v_count USING p_tenant, v_values;
    RETURN v_count;
END $$;
