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
SELECT 'a login that serves inherits a role that sees several tenants', r.rolname || ' inherits ' || w.rolname
  FROM pg_roles r
  JOIN pg_roles w ON w.rolname IN ('charles_inbox', 'charles_dispatch', 'charles_operator', 'charles_resolver',
                                   'charles_report', 'charles_provisioner', 'charles_pseudonymiser')
 WHERE NOT r.rolsuper AND pg_has_role(r.oid, 'charles_app', 'MEMBER') AND pg_has_role(r.oid, w.oid, 'USAGE')
UNION ALL
SELECT 'a login that serves could become the owner, a superuser or a maker of roles', r.rolname || ' is a member of ' || w.rolname
  FROM pg_roles r
  JOIN pg_roles w ON w.rolname IN ('charles_owner', 'charles_provisioner', 'charles_pseudonymiser')
                  OR w.rolsuper OR w.rolbypassrls OR w.rolcreaterole
 WHERE NOT r.rolsuper AND NOT r.rolcreaterole AND r.oid <> w.oid AND pg_has_role(r.oid, w.oid, 'MEMBER')
   AND (pg_has_role(r.oid, 'charles_app', 'MEMBER') OR pg_has_role(r.oid, 'charles_report', 'MEMBER'))
   AND r.rolname NOT IN ('charles_owner', 'charles_provisioner')
UNION ALL
SELECT 'a right that row-level security does not cover', c.oid::regclass || ' ' || r.rolname
  FROM pg_class c
  CROSS JOIN pg_roles r
 WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p')
   AND r.rolname IN ('charles_app', 'charles_inbox', 'charles_dispatch', 'charles_operator', 'charles_resolver',
                     'charles_report', 'reporting_all', 'charles_provisioner', 'charles_pseudonymiser')
   AND has_table_privilege(r.oid, c.oid, 'TRUNCATE, REFERENCES, TRIGGER')
UNION ALL
SELECT 'granted to everybody', c.oid::regclass::text
  FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
 WHERE c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('app', 'reporting', 'reporting_all')) AND a.grantee = 0
UNION ALL
SELECT 'not owned by charles_owner', c.oid::regclass::text
  FROM pg_class c
 WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND c.relowner <> 'charles_owner'::regrole
UNION ALL
SELECT 'a partition is granted', c.oid::regclass::text
  FROM pg_class c
 WHERE c.relnamespace = 'app'::regnamespace AND c.relispartition AND c.relkind IN ('r', 'p')
   AND has_table_privilege('charles_app', c.oid, 'SELECT, INSERT, UPDATE, DELETE')
UNION ALL
SELECT 'people''s data is open to a role that sees several tenants', c.oid::regclass || '.' || a.attname || ' ' || r.rolname
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_roles r ON r.rolname IN ('charles_dispatch', 'charles_operator', 'charles_resolver', 'reporting_all')
 WHERE c.relnamespace = 'app'::regnamespace
   AND (c.relname IN ('contacts', 'contact_identifiers', 'consents', 'consent_entries', 'orders', 'order_items', 'touches',
                      'flow_runs', 'import_rejections', 'segment_members', 'webhook_secrets', 'pseudonym_salt', 'merges',
                      'suppressions')
        OR (c.relname, a.attname) IN (('events', 'body'), ('deliveries', 'body'), ('connections', 'secret')))
   AND has_column_privilege(r.oid, c.oid, a.attnum, 'SELECT')
UNION ALL
SELECT 'a reporting policy does not look at the login', p.polrelid::regclass::text
  FROM pg_policy p
 WHERE 'charles_report'::regrole = ANY (p.polroles)
   AND (p.polcmd <> 'r' OR pg_get_expr(p.polqual, p.polrelid)
                           IS DISTINCT FROM '(tenant_id = ( SELECT reporting.tenant_of_login() AS tenant_of_login))')
UNION ALL
SELECT 'a table is open to reporting as a whole', c.oid::regclass::text
  FROM pg_class c
 WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p')
   AND (has_table_privilege('charles_report', c.oid, 'SELECT, INSERT, UPDATE, DELETE')
        OR has_any_column_privilege('charles_report', c.oid, 'INSERT, UPDATE'))
UNION ALL
SELECT 'reporting reads a table that has no policy for it', c.oid::regclass::text
  FROM pg_class c
 WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p')
   AND has_any_column_privilege('charles_report', c.oid, 'SELECT')
   AND NOT EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polroles = ARRAY['charles_report'::regrole::oid])
UNION ALL
-- The views of schema reporting need none: the policies of their tables are.
SELECT 'a view over all tenants is not a security barrier', c.oid::regclass::text
  FROM pg_class c
 WHERE c.relkind = 'v' AND c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname = 'reporting_all')
   AND NOT coalesce('security_barrier=true' = ANY (c.reloptions), false)
UNION ALL
SELECT 'a view over all tenants does not belong to the pseudonymiser', c.oid::regclass::text
  FROM pg_class c
 WHERE c.relkind IN ('v', 'r') AND c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname = 'reporting_all')
   AND pg_get_userbyid(c.relowner) <> 'charles_pseudonymiser'
UNION ALL
SELECT 'a reporting login is more than that', r.rolname::text
  FROM pg_roles r
  JOIN pg_auth_members m ON m.member = r.oid
 WHERE r.rolname ~ '^charles_rep_'
   AND (m.roleid <> 'charles_report'::regrole OR m.admin_option OR NOT r.rolinherit OR r.rolcreaterole OR r.rolcreatedb
        OR r.rolreplication OR r.rolconnlimit NOT BETWEEN 0 AND 20)
UNION ALL
SELECT 'a security definer function is open to everybody', p.oid::regprocedure::text
  FROM pg_proc p
 WHERE p.pronamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('app', 'reporting', 'reporting_all')) AND p.prosecdef
   AND (p.proacl IS NULL OR EXISTS (SELECT 1 FROM aclexplode(p.proacl) a WHERE a.grantee = 0))
UNION ALL
SELECT 'the server is older than 15.14 (CVE-2025-8713)', current_setting('server_version')
 WHERE current_setting('server_version_num')::int < 150014
