-- The views of schema reporting_all: those of reporting over all tenants, with instance_name in front. Names, e-mails and
-- phones are pseudonyms, free values are left out. Not security_invoker on purpose: they are read with the rights of
-- charles_pseudonymiser, so that the role reporting_all can reach nothing but these views. Each repeats the definition of its
-- twin, because a security_invoker view inside another view is still read with the rights of whoever asks.
GRANT CREATE ON SCHEMA reporting_all TO charles_pseudonymiser;
SET LOCAL ROLE charles_pseudonymiser;
SET LOCAL search_path = pg_catalog;
-- A function in a view runs with the rights of whoever asks. Guessing phones with it needs a tenant's id, which no view shows.
GRANT EXECUTE ON FUNCTION reporting_all.pseudonym(uuid, text, text) TO reporting_all;

DO $$
DECLARE
    v record;
BEGIN
    FOR v IN
        SELECT c.relname, obj_description(c.oid) AS about, rtrim(pg_get_viewdef(c.oid), ';') AS definition,
               string_agg(
                   CASE
                   WHEN a.attname IN ('first_name', 'last_name') AND c.relname = 'contacts'
                       THEN format('reporting_all.pseudonym(q.tenant_id, %L, q.%I) AS %I', 'name', a.attname, a.attname)
                   WHEN a.attname IN ('phone', 'email')
                       THEN format('reporting_all.pseudonym(q.tenant_id, %L, q.%I) AS %I', a.attname, a.attname, a.attname)
                   WHEN c.relname = 'contacts' AND a.attname = 'custom_properties'
                     OR c.relname = 'import_rejections' AND a.attname = 'values'
                       THEN format('NULL::jsonb AS %I', a.attname)
                   ELSE format('q.%I', a.attname) END, ', ' ORDER BY a.attnum) AS columns
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'tenant_id'
         WHERE c.relnamespace = 'reporting'::regnamespace AND c.relkind = 'v'
         GROUP BY c.oid, c.relname
    LOOP
        EXECUTE format('CREATE OR REPLACE VIEW reporting_all.%I WITH (security_barrier = true) AS '
            'SELECT n.instance_name, %s FROM (%s) q JOIN app.tenants n ON n.tenant_id = q.tenant_id',
            v.relname, v.columns, v.definition);
        EXECUTE format('COMMENT ON VIEW reporting_all.%I IS %L', v.relname, v.about || ' Over all instances, with pseudonyms.');
        EXECUTE format('REVOKE ALL ON reporting_all.%I FROM PUBLIC', v.relname);
        EXECUTE format('GRANT SELECT ON reporting_all.%I TO reporting_all', v.relname);
    END LOOP;
    FOR v IN
        SELECT c.relname, a.attname, coalesce(col_description(o.oid, b.attnum), 'Name of the instance.') AS about
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          JOIN pg_class o ON o.relnamespace = 'reporting'::regnamespace AND o.relname = c.relname
          LEFT JOIN pg_attribute b ON b.attrelid = o.oid AND b.attname = a.attname
         WHERE c.relnamespace = 'reporting_all'::regnamespace AND c.relkind = 'v'
    LOOP
        EXECUTE format('COMMENT ON COLUMN reporting_all.%I.%I IS %L', v.relname, v.attname, v.about);
    END LOOP;
END $$;
SET LOCAL ROLE NONE;
RESET search_path;
