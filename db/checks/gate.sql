-- What must hold of the database before the service serves. Each row is a violation: (rule, object). No row: the gate is open.
-- Runs at start-up and in the tests, as any role that may read the catalogue.
SELECT 'row-level security is off or not forced' AS rule, c.oid::regclass::text AS object
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
 WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
UNION ALL
SELECT 'no tenant policy', c.oid::regclass::text
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
 WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p')
   AND NOT EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant' AND p.polcmd = '*'
                      AND p.polroles = ARRAY['charles_app'::regrole::oid]
                      AND pg_get_expr(p.polqual, p.polrelid) = pg_get_expr(p.polwithcheck, p.polrelid)
                      AND pg_get_expr(p.polqual, p.polrelid) = '(tenant_id = ( SELECT app.tenant() AS tenant))')
UNION ALL
SELECT 'a second policy widens what the application role sees', p.polrelid::regclass::text
  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
 WHERE c.relnamespace = 'app'::regnamespace AND p.polname <> 'tenant'
   AND (p.polroles = '{0}' OR 'charles_app'::regrole = ANY (p.polroles))
UNION ALL
SELECT 'a table without tenant is granted to the application role', c.oid::regclass::text
  FROM pg_class c
 WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p')
   AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
   AND has_table_privilege('charles_app', c.oid, 'SELECT, INSERT, UPDATE, DELETE')
UNION ALL
SELECT 'a unique index does not start with tenant_id', i.indexrelid::regclass::text
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indrelid
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
 WHERE c.relnamespace = 'app'::regnamespace AND i.indisunique AND i.indkey[0] <> a.attnum
   AND i.indexrelid::regclass::text <> 'app.tenants_instance_name_key'
UNION ALL
SELECT 'a foreign key does not carry tenant_id', k.conrelid::regclass::text || ' ' || k.conname
  FROM pg_constraint k
  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attname = 'tenant_id' AND NOT a.attisdropped
  JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attname = 'tenant_id' AND NOT b.attisdropped
 WHERE k.contype = 'f' AND k.connamespace = 'app'::regnamespace
   AND NOT (a.attnum = ANY (k.conkey) AND b.attnum = ANY (k.confkey))
UNION ALL
SELECT 'a view is not security_invoker', c.oid::regclass::text
  FROM pg_class c
 WHERE c.relkind = 'v' AND c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('app', 'reporting'))
   AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)
UNION ALL
SELECT 'a materialized view cannot be isolated', c.oid::regclass::text
  FROM pg_class c
 WHERE c.relkind = 'm' AND c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('app', 'reporting', 'reporting_all'))
UNION ALL
SELECT 'a serving role is superuser or bypasses row-level security', r.rolname::text
  FROM pg_roles r
 WHERE (r.rolbypassrls OR r.rolsuper)
   AND (r.rolname IN ('charles_app', 'charles_inbox', 'charles_dispatch', 'charles_operator', 'charles_resolver',
                      'charles_report', 'reporting_all')
        OR r.rolname IN (SELECT m.member::regrole::text FROM pg_auth_members m WHERE m.roleid = 'charles_report'::regrole))
UNION ALL
SELECT 'a serving role is a member of the owner', r.rolname::text
  FROM pg_roles r
 WHERE r.rolname IN ('charles_app', 'charles_inbox', 'charles_dispatch', 'charles_operator', 'charles_resolver',
                     'charles_report', 'reporting_all')
   AND pg_has_role(r.oid, 'charles_owner', 'MEMBER')
UNION ALL
SELECT 'a security definer function has no search_path', p.oid::regprocedure::text
  FROM pg_proc p
 WHERE p.pronamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('app', 'reporting')) AND p.prosecdef
   AND NOT EXISTS (SELECT 1 FROM unnest(p.proconfig) s WHERE s LIKE 'search_path=%')
UNION ALL
SELECT 'a function is marked leakproof', p.oid::regprocedure::text
  FROM pg_proc p
 WHERE p.pronamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('app', 'reporting')) AND p.proleakproof
UNION ALL
SELECT 'the server is older than 15.14 (CVE-2025-8713)', current_setting('server_version')
 WHERE current_setting('server_version_num')::int < 150014
