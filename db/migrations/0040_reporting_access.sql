-- Reporting in SQL: who a login is, how a login comes to be, and who may see all tenants.
--
-- A tenant's login is known by session_user, never by a setting: whoever writes SQL can change a setting.
-- The views, their comments, grants and policies are in db/reporting and are applied anew at every migrate.
DO $$
DECLARE
    r text;
BEGIN
    FOREACH r IN ARRAY ARRAY[
        'charles_provisioner',    -- definer of the functions that create and drop reporting logins; reads no customer data
        'charles_pseudonymiser'   -- owner of the views in reporting_all: reads all tenants, shows pseudonyms
    ] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', r);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END LOOP;
    ALTER ROLE charles_provisioner CREATEROLE;
    EXECUTE format('GRANT charles_provisioner, charles_pseudonymiser TO %I', current_user);
    GRANT charles_report TO charles_provisioner WITH ADMIN OPTION;
    -- Limits that only a superuser may set, and ending a login's sessions. Without a superuser they are left out, and
    -- the operator sets them at the server (docs/reporting.md).
    BEGIN
        GRANT SET ON PARAMETER temp_file_limit TO charles_provisioner;
        GRANT pg_signal_backend, pg_read_all_stats TO charles_provisioner;
    EXCEPTION WHEN insufficient_privilege THEN
        RAISE NOTICE 'temp_file_limit of reporting logins and the end of their sessions need a superuser';
    END;
END $$;

SET LOCAL ROLE charles_owner;

CREATE SCHEMA reporting_all;
COMMENT ON SCHEMA reporting_all IS
    'The views of reporting over all tenants: each with instance_name; names, e-mails and phones are pseudonyms.';
GRANT USAGE ON SCHEMA app TO charles_report, charles_provisioner, charles_pseudonymiser;
GRANT USAGE ON SCHEMA reporting_all TO reporting_all, charles_pseudonymiser;

-- The secret of the pseudonyms. One row; only the pseudonymiser reads it.
CREATE TABLE app.pseudonym_salt (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    salt bytea NOT NULL
);
INSERT INTO app.pseudonym_salt (salt) VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
GRANT SELECT ON app.pseudonym_salt TO charles_pseudonymiser;

-- The same value gives the same pseudonym within a tenant, and another one in another tenant.
CREATE FUNCTION reporting_all.pseudonym(p_tenant uuid, p_kind text, p_value text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN p_value IS NOT NULL THEN
        p_kind || '_' || left(encode(sha256(s.salt || sha256(s.salt || uuid_send(p_tenant) || convert_to(p_kind || ':' || p_value, 'UTF8'))), 'hex'), 20)
    END FROM app.pseudonym_salt s
$$;

-- The tenant of the login that runs this session; NULL for anybody else, which no row matches.
CREATE POLICY resolve ON app.reporting_logins FOR SELECT TO charles_resolver USING (true);
GRANT SELECT ON app.reporting_logins TO charles_resolver;
CREATE FUNCTION reporting.tenant_of_login() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN count(*) = 1 THEN (array_agg(l.tenant_id))[1] END
      FROM app.reporting_logins l WHERE l.role_name = session_user
$$;
COMMENT ON FUNCTION reporting.tenant_of_login() IS 'The tenant whose rows this login sees.';

-- Opens columns of one table to reporting: each tenant's logins to their own rows, the pseudonymiser to all. Columns, not
-- the table: what no view shows stays closed.
CREATE FUNCTION app.open_to_reporting(p_table regclass, p_columns text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_columns text := (SELECT string_agg(quote_ident(c), ', ') FROM unnest(p_columns) c);
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_policy WHERE polrelid = p_table AND polname = 'report') THEN
        EXECUTE format('CREATE POLICY report ON %s FOR SELECT TO charles_report '
            'USING (tenant_id = (SELECT reporting.tenant_of_login()))', p_table);
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_policy WHERE polrelid = p_table AND polname = 'report_all') THEN
        EXECUTE format('CREATE POLICY report_all ON %s FOR SELECT TO charles_pseudonymiser USING (true)', p_table);
    END IF;
    EXECUTE format('REVOKE ALL ON %s FROM charles_report, charles_pseudonymiser', p_table);
    EXECUTE format('GRANT SELECT (%s) ON %s TO charles_report, charles_pseudonymiser', v_columns, p_table);
END $$;

-- Logins --------------------------------------------------------------------------------------------------------------

CREATE POLICY provision ON app.reporting_logins TO charles_provisioner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE ON app.reporting_logins TO charles_provisioner;
CREATE POLICY provision ON app.tenants FOR SELECT TO charles_provisioner USING (true);
GRANT SELECT (tenant_id) ON app.tenants TO charles_provisioner;

-- Creates a login of a tenant and answers its name, which tells nothing about the tenant. p_password may be a
-- SCRAM-SHA-256 verifier, so that the password itself reaches no log. The serving role needs no CREATEROLE for it.
CREATE FUNCTION app.create_reporting_login(p_tenant uuid, p_password text, p_actor text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_role text := 'charles_rep_' || left(replace(gen_random_uuid()::text, '-', ''), 16);
BEGIN
    IF coalesce(length(p_password), 0) < 16 THEN
        RAISE EXCEPTION 'the password is too short' USING ERRCODE = 'invalid_password';
    END IF;
    PERFORM 1 FROM app.tenants t WHERE t.tenant_id = p_tenant;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such tenant' USING ERRCODE = 'no_data_found';
    END IF;
    EXECUTE format('CREATE ROLE %I LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS '
                   'CONNECTION LIMIT 5 PASSWORD %L', v_role, p_password);
    EXECUTE format('GRANT charles_report TO %I', v_role);
    EXECUTE format('ALTER ROLE %I SET default_transaction_read_only = on', v_role);
    EXECUTE format('ALTER ROLE %I SET statement_timeout = %L', v_role, '30s');
    EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = %L', v_role, '60s');
    EXECUTE format('ALTER ROLE %I SET search_path = reporting', v_role);
    BEGIN
        EXECUTE format('ALTER ROLE %I SET temp_file_limit = %L', v_role, '256MB');
    EXCEPTION WHEN insufficient_privilege THEN
        NULL;
    END;
    INSERT INTO app.reporting_logins (tenant_id, role_name, created_by) VALUES (p_tenant, v_role, p_actor);
    RETURN v_role;
END $$;

-- Drops a tenant's login, or all of them where p_role is NULL, and ends their sessions. Answers how many.
CREATE FUNCTION app.drop_reporting_logins(p_tenant uuid, p_role text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_role text;
    v_count int := 0;
BEGIN
    FOR v_role IN DELETE FROM app.reporting_logins l
                   WHERE l.tenant_id = p_tenant AND (p_role IS NULL OR l.role_name = p_role) RETURNING l.role_name
    LOOP
        CONTINUE WHEN v_role !~ '^charles_rep_[0-9a-f]{16}$';
        IF EXISTS (SELECT 1 FROM pg_roles r WHERE r.rolname = v_role) THEN
            BEGIN
                PERFORM pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.usename = v_role;
            EXCEPTION WHEN insufficient_privilege THEN
                NULL;
            END;
            EXECUTE format('DROP ROLE %I', v_role);
        END IF;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;

-- Ends reports that run longer than any report should: a login can lift its own statement_timeout. Answers how many.
CREATE FUNCTION app.end_long_reports(p_longer_than interval) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_count int;
BEGIN
    SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid)) INTO v_count
      FROM pg_stat_activity a
     WHERE a.usename ~ '^charles_rep_[0-9a-f]{16}$' AND a.state <> 'idle' AND a.datname = current_database()
       AND a.xact_start < clock_timestamp() - p_longer_than;
    RETURN v_count;
EXCEPTION WHEN insufficient_privilege THEN
    RETURN 0;
END $$;

REVOKE ALL ON FUNCTION app.create_reporting_login(uuid, text, text), app.drop_reporting_logins(uuid, text),
    app.end_long_reports(interval), reporting.tenant_of_login(), reporting_all.pseudonym(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.create_reporting_login(uuid, text, text), app.drop_reporting_logins(uuid, text)
    TO charles_operator;
GRANT EXECUTE ON FUNCTION app.end_long_reports(interval) TO charles_operator, charles_dispatch;
GRANT EXECUTE ON FUNCTION reporting.tenant_of_login() TO charles_report;
GRANT EXECUTE ON FUNCTION reporting_all.pseudonym(uuid, text, text) TO charles_pseudonymiser;

-- Ownership moves last, by the role that migrates: the owner of the tables is no member of these two.
GRANT CREATE ON SCHEMA app TO charles_provisioner;
GRANT CREATE ON SCHEMA reporting TO charles_resolver;
GRANT CREATE ON SCHEMA reporting_all TO charles_pseudonymiser;
SET LOCAL ROLE NONE;
ALTER FUNCTION app.create_reporting_login(uuid, text, text) OWNER TO charles_provisioner;
ALTER FUNCTION app.drop_reporting_logins(uuid, text) OWNER TO charles_provisioner;
ALTER FUNCTION app.end_long_reports(interval) OWNER TO charles_provisioner;
ALTER FUNCTION reporting.tenant_of_login() OWNER TO charles_resolver;
ALTER FUNCTION reporting_all.pseudonym(uuid, text, text) OWNER TO charles_pseudonymiser;
SET LOCAL ROLE charles_owner;
REVOKE CREATE ON SCHEMA app FROM charles_provisioner;
REVOKE CREATE ON SCHEMA reporting FROM charles_resolver;
