-- Writes db/distributed/switch.sql from a migrated database: run by tools/distribute, compared by DistributionTests. The tables,
-- their foreign keys and their policies are read from the catalogue, so there is one source of them: db/migrations.
--
-- What does not follow from the catalogue:
-- LOCAL TABLES: lanes, jobs, directory_changes, operators, operator_idempotency_keys, pseudonym_salt
--   stay on the coordinator. A claim locks lanes of many tenants in one statement, which is refused over distributed tables; the
--   others have no tenant.
-- REFERENCE TABLES: tenants, features, api_keys, sessions, tenant_keys, reporting_logins
--   are copied to every node: the directory, small and read by every request before the tenant is known.
-- Every other table with tenant_id is distributed by it.
WITH RECURSIVE
lists AS (
    SELECT ARRAY['lanes', 'jobs', 'directory_changes', 'operators', 'operator_idempotency_keys', 'pseudonym_salt'] AS local,
           ARRAY['tenants', 'features', 'api_keys', 'sessions', 'tenant_keys', 'reporting_logins'] AS reference),
tables AS (
    SELECT c.oid, c.relname,
           CASE WHEN c.relname = ANY (l.local) THEN 'local' WHEN c.relname = ANY (l.reference) THEN 'reference' ELSE 'distributed' END AS kind
      FROM pg_class c CROSS JOIN lists l
     WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition),
-- How many foreign keys stand between a table and the ones that point nowhere: parents come first.
depths AS (
    SELECT t.oid, 0 AS depth FROM tables t
    UNION
    SELECT k.conrelid, d.depth + 1
      FROM depths d JOIN pg_constraint k ON k.confrelid = d.oid AND k.contype = 'f' AND k.conrelid <> k.confrelid
     WHERE d.depth < 20),
ordered AS (
    SELECT t.oid, t.relname, t.kind, max(d.depth) AS depth FROM tables t JOIN depths d ON d.oid = t.oid GROUP BY 1, 2, 3),
policies AS (
    SELECT p.polrelid, p.polname, o.relname, o.kind, p.polcmd,
           (SELECT string_agg(quote_ident(r.rolname), ', ' ORDER BY r.rolname) FROM pg_roles r WHERE r.oid = ANY (p.polroles)) AS roles,
           pg_get_expr(p.polqual, p.polrelid) AS qual, pg_get_expr(p.polwithcheck, p.polrelid) AS checked
      FROM pg_policy p JOIN ordered o ON o.oid = p.polrelid
     WHERE o.kind <> 'local'),
-- A sub-select is refused in a policy of a distributed table; a stable function that reads settings is not.
plain AS (
    SELECT polname, relname, kind, polcmd, roles,
           replace(replace(qual, '( SELECT app.tenant() AS tenant)', 'app.tenant()'),
                   'ANY (( SELECT (current_setting(''app.tenant_ids''::text))::uuid[] AS current_setting)::uuid[])',
                   'ANY ((current_setting(''app.tenant_ids''::text))::uuid[])') AS qual,
           replace(replace(checked, '( SELECT app.tenant() AS tenant)', 'app.tenant()'),
                   'ANY (( SELECT (current_setting(''app.tenant_ids''::text))::uuid[] AS current_setting)::uuid[])',
                   'ANY ((current_setting(''app.tenant_ids''::text))::uuid[])') AS checked
      FROM policies WHERE qual LIKE '%SELECT%' OR checked LIKE '%SELECT%'),
lines (part, place, name, line) AS (
    SELECT 1, n::int, '', line FROM unnest(ARRAY[
        '-- Written by tools/distribute from db/migrations; do not edit.',
        '--',
        '-- Turns a migrated, empty database on a coordinator into a distributed one. Run once, as a superuser, after `migrate`:',
        '--     psql -v ON_ERROR_STOP=1 -1 -f db/distributed/switch.sql',
        '-- What it stands on, and what is refused on such a database: db/distributed/README.md. Never move a shard of a table that',
        '-- forces row-level security online: acknowledged rows are lost. That is why FORCE goes first.',
        'DO $$ BEGIN EXECUTE format(''ALTER DATABASE %I SET citus.propagate_set_commands = %L'', current_database(), ''local''); END $$;',
        'SET citus.enable_local_reference_table_foreign_keys = off;',
        '-- Workers are reached as the role at work, so those that own or define need to log in; pg_hba lets only the nodes do so.',
        'ALTER ROLE charles_owner LOGIN;',
        'ALTER ROLE charles_resolver LOGIN;',
        'GRANT USAGE ON ALL SEQUENCES IN SCHEMA app TO charles_app, charles_inbox, charles_dispatch;',
        'SET ROLE charles_owner;',
        '-- What set_config sets stays on the coordinator: SET LOCAL by EXECUTE is the one form that reaches the workers.',
        'CREATE OR REPLACE FUNCTION app.enter_tenant(p_tenant uuid) RETURNS text LANGUAGE plpgsql AS $$',
        'BEGIN',
        '    PERFORM app.enter(p_tenant);',
        '    RETURN p_tenant;',
        'END $$;',
        'CREATE OR REPLACE FUNCTION app.enter_tenants(p_tenants uuid[]) RETURNS text LANGUAGE plpgsql AS $$',
        'BEGIN',
        '    PERFORM app.enter_inbox(p_tenants);',
        '    RETURN ''charles_inbox'';',
        'END $$;',
        '',
        '-- 1. Without FORCE: the owner serves nobody, and an online move of a forced table loses rows.']) WITH ORDINALITY AS x (line, n)
    UNION ALL
    SELECT 2, 0, o.relname, format('ALTER TABLE app.%I NO FORCE ROW LEVEL SECURITY;', o.relname)
      FROM ordered o JOIN pg_class c USING (oid) WHERE o.kind <> 'local' AND c.relforcerowsecurity
    UNION ALL
    SELECT 3, n::int, '', line FROM unnest(ARRAY['', '-- 2. Policies without sub-selects. Those of reporting follow at the end.']) WITH ORDINALITY AS x (line, n)
    UNION ALL
    SELECT 4, 0, relname || polname,
           CASE WHEN polname = 'report' THEN format('DROP POLICY %I ON app.%I;', polname, relname)
                ELSE format('ALTER POLICY %I ON app.%I', polname, relname) || coalesce(' USING ' || qual, '')
                     || coalesce(' WITH CHECK ' || checked, '') || ';' END
      FROM plain
    UNION ALL
    SELECT 5, n::int, '', line FROM unnest(ARRAY['', '-- 3. The directory on every node, then the tenants'' tables, parents first.']) WITH ORDINALITY AS x (line, n)
    UNION ALL
    SELECT 6, depth, relname, format('SELECT create_reference_table(''app.%I'');', relname) FROM ordered WHERE kind = 'reference'
    UNION ALL
    SELECT 7, CASE WHEN relname = 'contacts' THEN 0 ELSE depth + 1 END, relname,
           CASE WHEN relname = 'contacts' THEN 'SELECT create_distributed_table(''app.contacts'', ''tenant_id'', shard_count := 64);'
                ELSE format('SELECT create_distributed_table(''app.%I'', ''tenant_id'', colocate_with := ''app.contacts'');', relname) END
      FROM ordered WHERE kind = 'distributed'
    UNION ALL
    SELECT 8, n::int, '', line FROM unnest(ARRAY['RESET ROLE;', '',
        '-- 4. Reporting. A policy there cannot look up whose login it is, so each login gets policies of its own with its tenant in',
        '-- them; nothing a customer sends can change that text. app.report_as is called for each login, now and at each grant.',
        'CREATE FUNCTION app.report_as(p_role text, p_tenant uuid, p_is_on boolean) RETURNS void',
        'LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$',
        'DECLARE',
        '    t text;',
        'BEGIN',
        '    FOREACH t IN ARRAY ARRAY[']) WITH ORDINALITY AS x (line, n)
    UNION ALL
    SELECT 9, 0, relname, '        ' || quote_literal(relname)
           || CASE WHEN relname = max(relname) OVER () THEN '' ELSE ',' END
      FROM plain WHERE polname = 'report'
    UNION ALL
    SELECT 10, n::int, '', line FROM unnest(ARRAY['    ] LOOP',
        '        EXECUTE format(''DROP POLICY IF EXISTS %I ON app.%I'', p_role, t);',
        '        CONTINUE WHEN NOT p_is_on;',
        '        EXECUTE format(''CREATE POLICY %I ON app.%I FOR SELECT TO %I USING (tenant_id = %L::uuid)'', p_role, t, p_role, p_tenant);',
        '    END LOOP;',
        'END $$;',
        'ALTER FUNCTION app.report_as(text, uuid, boolean) OWNER TO charles_owner;',
        'REVOKE ALL ON FUNCTION app.report_as(text, uuid, boolean) FROM PUBLIC;',
        'GRANT EXECUTE ON FUNCTION app.report_as(text, uuid, boolean) TO charles_provisioner;',
        'SELECT app.report_as(l.role_name, l.tenant_id, true) FROM app.reporting_logins l;',
        '',
        '-- The two functions of the operators'' route, with that around them.',
        'GRANT CREATE ON SCHEMA app TO charles_provisioner;',
        'SET ROLE charles_provisioner;',
        'ALTER FUNCTION app.create_reporting_login(uuid, text, text) RENAME TO create_plain_reporting_login;',
        'ALTER FUNCTION app.drop_reporting_logins(uuid, text) RENAME TO drop_plain_reporting_logins;',
        'CREATE FUNCTION app.create_reporting_login(p_tenant uuid, p_password text, p_actor text) RETURNS text',
        'LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$',
        'DECLARE',
        '    v_role text := app.create_plain_reporting_login(p_tenant, p_password, p_actor);',
        'BEGIN',
        '    PERFORM app.report_as(v_role, p_tenant, true);',
        '    RETURN v_role;',
        'END $$;',
        'CREATE FUNCTION app.drop_reporting_logins(p_tenant uuid, p_role text) RETURNS int',
        'LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$',
        'BEGIN',
        '    PERFORM app.report_as(l.role_name, p_tenant, false) FROM app.reporting_logins l',
        '      WHERE l.tenant_id = p_tenant AND (p_role IS NULL OR l.role_name = p_role);',
        '    RETURN app.drop_plain_reporting_logins(p_tenant, p_role);',
        'END $$;',
        'REVOKE ALL ON FUNCTION app.create_reporting_login(uuid, text, text), app.drop_reporting_logins(uuid, text) FROM PUBLIC;',
        'GRANT EXECUTE ON FUNCTION app.create_reporting_login(uuid, text, text), app.drop_reporting_logins(uuid, text)',
        '    TO charles_operator;',
        'RESET ROLE;',
        'REVOKE CREATE ON SCHEMA app FROM charles_provisioner;']) WITH ORDINALITY AS x (line, n))
SELECT line FROM lines ORDER BY part, place, name COLLATE "C";
