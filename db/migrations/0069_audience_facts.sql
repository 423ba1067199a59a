-- What audiences ask for is kept where it is asked: order figures with the contact, products by number. A count or a page over
-- half a million contacts and a million orders then needs no sum over orders and no join with them.
SET LOCAL ROLE charles_owner;

-- Orders in all currencies that count (cancelled ones do not). Kept by app.total_orders.
ALTER TABLE app.contacts ADD COLUMN order_count int NOT NULL DEFAULT 0, ADD COLUMN last_order_at timestamptz,
    ADD COLUMN order_currency text, ADD COLUMN order_total numeric(18, 4);
COMMENT ON COLUMN app.contacts.order_count IS 'Derived, like the next three: app.total_orders.';
COMMENT ON COLUMN app.contacts.order_currency IS 'The currency of all orders that count; * where there are several.';
COMMENT ON COLUMN app.contacts.order_total IS 'Their total; NULL where there are several currencies.';
-- The rows of all tenants are brought up to date by their owner, whom the policies bind otherwise.
ALTER TABLE app.contacts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.contact_order_totals NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.orders NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.order_items NO FORCE ROW LEVEL SECURITY;
UPDATE app.contacts c SET order_count = s.n, last_order_at = s.last_at, order_currency = s.currency, order_total = s.total
  FROM (SELECT t.tenant_id, t.contact_id, sum(t.order_count)::int AS n, max(t.last_order_at) AS last_at,
               CASE WHEN count(*) > 1 THEN '*' ELSE min(t.currency) END AS currency,
               CASE WHEN count(*) = 1 THEN min(t.total_gross) END AS total
          FROM app.contact_order_totals t GROUP BY 1, 2) s
 WHERE c.tenant_id = s.tenant_id AND c.id = s.contact_id;
-- Answers the rules over orders and opt-ins by itself.
CREATE INDEX contacts_live ON app.contacts (tenant_id, created_at DESC, id DESC) INCLUDE (opt_in, order_count, last_order_at, order_currency, order_total)
    WHERE merged_into IS NULL AND erased_at IS NULL;
DROP INDEX app.contacts_created;
-- Totals of one currency by amount; who has none in it has no row.
CREATE INDEX contact_order_totals_amount ON app.contact_order_totals (tenant_id, currency, total_gross, contact_id);
DROP INDEX app.contact_order_totals_total, app.contact_order_totals_count, app.contact_order_totals_last,
           app.contact_order_totals_all_count, app.contact_order_totals_all_last;

-- Products that were ever ordered, each once; items name them by number.
CREATE TABLE app.products (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id bigint NOT NULL,
    sku text,
    external_reference_id text,
    name text,
    PRIMARY KEY (tenant_id, id)
);
COMMENT ON COLUMN app.products.id IS 'Derived: app.product_id of the other columns.';
CREATE INDEX products_sku ON app.products (tenant_id, sku);
CREATE INDEX products_reference ON app.products (tenant_id, external_reference_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON app.products TO charles_app;

CREATE FUNCTION app.product_id(p_sku text, p_reference text, p_name text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT hashtextextended(jsonb_build_array(p_sku, p_reference, p_name)::text, 0)
$$;

ALTER TABLE app.order_items ADD COLUMN product_id bigint, ADD COLUMN counts boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN app.order_items.counts IS 'Whether the order was not cancelled.';
UPDATE app.order_items i SET product_id = app.product_id(i.sku, i.external_reference_id, i.name),
       counts = (SELECT o.status <> 'cancelled' FROM app.orders o WHERE o.tenant_id = i.tenant_id AND o.id = i.order_id);
INSERT INTO app.products (tenant_id, id, sku, external_reference_id, name)
SELECT DISTINCT ON (i.tenant_id, i.product_id) i.tenant_id, i.product_id, i.sku, i.external_reference_id, i.name
  FROM app.order_items i ORDER BY i.tenant_id, i.product_id
ON CONFLICT (tenant_id, id) DO NOTHING;
ALTER TABLE app.contacts FORCE ROW LEVEL SECURITY;
ALTER TABLE app.contact_order_totals FORCE ROW LEVEL SECURITY;
ALTER TABLE app.orders FORCE ROW LEVEL SECURITY;
ALTER TABLE app.order_items FORCE ROW LEVEL SECURITY;
SELECT app.isolate_all();
CREATE INDEX order_items_product ON app.order_items (tenant_id, product_id, contact_id) WHERE contact_id IS NOT NULL AND counts;
CREATE INDEX order_items_contact ON app.order_items (tenant_id, contact_id) WHERE contact_id IS NOT NULL;
DROP INDEX app.order_items_sku, app.order_items_reference;

-- Brings the items of orders into line with their orders: whose they are, which product, whether they count.
CREATE FUNCTION app.align_order_items(p_tenant uuid, p_orders uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO app.products (tenant_id, id, sku, external_reference_id, name)
    SELECT DISTINCT ON (x.product) p_tenant, x.product, x.sku, x.external_reference_id, x.name
      FROM (SELECT app.product_id(i.sku, i.external_reference_id, i.name) AS product, i.sku, i.external_reference_id, i.name
              FROM app.order_items i WHERE i.tenant_id = p_tenant AND i.order_id = ANY (p_orders) AND i.product_id IS NULL) x
     ORDER BY x.product
    ON CONFLICT (tenant_id, id) DO NOTHING;
    UPDATE app.order_items i
       SET contact_id = o.contact_id, counts = o.status <> 'cancelled',
           product_id = app.product_id(i.sku, i.external_reference_id, i.name)
      FROM app.orders o
     WHERE o.tenant_id = p_tenant AND o.id = ANY (p_orders) AND i.tenant_id = p_tenant AND i.order_id = o.id
       AND (i.product_id IS NULL OR i.contact_id IS DISTINCT FROM o.contact_id OR i.counts <> (o.status <> 'cancelled'));
END $$;

-- What contacts' orders add up to, per currency and with the contact; cancelled orders do not count, refunds stand apart.
CREATE OR REPLACE FUNCTION app.total_orders(p_tenant uuid, p_contacts uuid[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM app.contact_order_totals t
     WHERE t.tenant_id = p_tenant AND t.contact_id = ANY (p_contacts)
       AND NOT EXISTS (SELECT 1 FROM app.orders o
                        WHERE o.tenant_id = p_tenant AND o.contact_id = t.contact_id AND o.currency = t.currency
                          AND o.status <> 'cancelled');
    INSERT INTO app.contact_order_totals AS t (tenant_id, contact_id, currency, order_count, total_gross, refunds_gross,
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
           all_last_order_at = EXCLUDED.all_last_order_at;
    UPDATE app.contacts c SET order_count = s.n, last_order_at = s.last_at, order_currency = s.currency, order_total = s.total
      FROM (SELECT x.id, coalesce(sum(t.order_count), 0)::int AS n, max(t.last_order_at) AS last_at,
                   CASE WHEN count(t.currency) > 1 THEN '*' ELSE min(t.currency) END AS currency,
                   CASE WHEN count(t.currency) = 1 THEN min(t.total_gross) END AS total
              FROM unnest(p_contacts) AS x (id)
              LEFT JOIN app.contact_order_totals t ON t.tenant_id = p_tenant AND t.contact_id = x.id
             GROUP BY x.id) s
     WHERE c.tenant_id = p_tenant AND c.id = s.id AND (c.order_count, c.last_order_at, c.order_currency, c.order_total) IS DISTINCT FROM (s.n, s.last_at, s.currency, s.total)
$$;

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
        v_sql := format('%s (SELECT 1 FROM app.contact_order_totals t WHERE t.tenant_id = $1 AND t.contact_id = c.id %s '
                        'AND %s (t.total_gross %s (SELECT %s::numeric)))',
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

-- How many contacts fulfil the rules. The contacts are read behind a fence (OFFSET 0): the costs of look-ups inside OR are
-- estimated so high that any way of reading the contacts seems as good as another. Nested loops are ruled out: where estimates
-- err they cost a hundred times a hash.
CREATE OR REPLACE FUNCTION app.count_audience(p_tenant uuid, p_rules jsonb) RETURNS bigint LANGUAGE plpgsql
SET jit = off SET work_mem = '64MB' SET enable_nestloop = off AS $$
DECLARE
    v_sql text;
    v_values jsonb;
    v_count bigint;
BEGIN
    SELECT a.p_values, a.sql INTO v_values, v_sql FROM app.audience_condition(p_rules, '[]') AS a;
    EXECUTE 'SELECT count(*) FROM (SELECT c.* FROM app.contacts c WHERE c.tenant_id = $1 AND c.merged_into IS NULL '
            'AND c.erased_at IS NULL OFFSET 0) c WHERE ' || v_sql
       INTO v_count USING p_tenant, v_values;
    RETURN v_count;
END $$;

-- The first of the next p_window contacts in the page's order that fulfil a condition: a walk with a look-up at each step.
CREATE FUNCTION app.audience_walk(p_tenant uuid, p_condition text, p_values jsonb, p_time timestamptz, p_id uuid, p_limit int,
                                  p_window int)
RETURNS TABLE (id uuid, created_at timestamptz) LANGUAGE plpgsql
SET jit = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off AS $$
BEGIN
    RETURN QUERY EXECUTE
        'SELECT c.id, c.created_at FROM ('
        'SELECT c.* FROM app.contacts c WHERE c.tenant_id = $1 AND c.merged_into IS NULL AND c.erased_at IS NULL '
        'AND (c.created_at, c.id) < ($3, $4) ORDER BY c.created_at DESC, c.id DESC LIMIT $6) c '
        'WHERE ' || p_condition || ' ORDER BY c.created_at DESC, c.id DESC LIMIT $5'
        USING p_tenant, p_values, p_time, p_id, p_limit, p_window;
END $$;

-- All contacts that fulfil a condition, and the first of them.
CREATE FUNCTION app.audience_gather(p_tenant uuid, p_condition text, p_values jsonb, p_time timestamptz, p_id uuid, p_limit int)
RETURNS TABLE (id uuid, created_at timestamptz) LANGUAGE plpgsql
SET jit = off SET work_mem = '64MB' SET enable_nestloop = off AS $$
BEGIN
    RETURN QUERY EXECUTE
        'WITH s AS MATERIALIZED (SELECT c.id, c.created_at FROM (SELECT c.* FROM app.contacts c '
        'WHERE c.tenant_id = $1 AND c.merged_into IS NULL AND c.erased_at IS NULL AND (c.created_at, c.id) < ($3, $4) OFFSET 0) c '
        'WHERE ' || p_condition || ') SELECT s.id, s.created_at FROM s ORDER BY s.created_at DESC, s.id DESC LIMIT $5'
        USING p_tenant, p_values, p_time, p_id, p_limit;
END $$;

-- Their ids, newest first, after a place in that order. Where many fulfil the rules, a short walk finds a page; where few do, or
-- the newest do not, all of them are gathered.
CREATE OR REPLACE FUNCTION app.audience_page(p_tenant uuid, p_rules jsonb, p_time timestamptz, p_id uuid, p_limit int)
RETURNS TABLE (id uuid, created_at timestamptz) LANGUAGE plpgsql SET jit = off AS $$
#variable_conflict use_column
DECLARE
    v_window CONSTANT int := 5000;
    v_sql text;
    v_values jsonb;
    v_ids uuid[];
    v_times timestamptz[];
BEGIN
    SELECT a.p_values, a.sql INTO v_values, v_sql FROM app.audience_condition(p_rules, '[]') AS a;
    SELECT array_agg(w.id), array_agg(w.created_at) INTO v_ids, v_times
      FROM app.audience_walk(p_tenant, v_sql, v_values, p_time, p_id, p_limit, v_window) w;
    IF coalesce(cardinality(v_ids), 0) < p_limit AND EXISTS (
        SELECT 1 FROM app.contacts c WHERE c.tenant_id = p_tenant AND c.merged_into IS NULL AND c.erased_at IS NULL
           AND (c.created_at, c.id) < (p_time, p_id) ORDER BY c.created_at DESC, c.id DESC OFFSET v_window LIMIT 1) THEN
        RETURN QUERY SELECT g.id, g.created_at FROM app.audience_gather(p_tenant, v_sql, v_values, p_time, p_id, p_limit) g;
    ELSE
        RETURN QUERY SELECT u.id, u.created_at FROM unnest(v_ids, v_times) AS u (id, created_at);
    END IF;
END $$;
