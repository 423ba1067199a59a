-- Dashboards over a tenant with half a million contacts and a million orders answer within a second.
SET LOCAL ROLE charles_owner;

-- The segments of a contact, from the index alone and in order. Takes the place of the index on (tenant_id, contact_id).
CREATE INDEX segment_members_of_contact ON app.segment_members (tenant_id, contact_id, segment_id) INCLUDE (left_at);
DROP INDEX app.segment_members_contact;

-- Reports are few and large: memory for their hash tables, and workers beside them. No compilation: it takes longer than
-- the report. A login that exists already gets the same.
GRANT CREATE ON SCHEMA app TO charles_provisioner;
SET LOCAL ROLE charles_provisioner;
CREATE OR REPLACE FUNCTION app.create_reporting_login(p_tenant uuid, p_password text, p_actor text) RETURNS text
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
    EXECUTE format('ALTER ROLE %I SET work_mem = %L', v_role, '64MB');
    EXECUTE format('ALTER ROLE %I SET jit = off', v_role);
    BEGIN
        EXECUTE format('ALTER ROLE %I SET temp_file_limit = %L', v_role, '256MB');
    EXCEPTION WHEN insufficient_privilege THEN
        NULL;
    END;
    INSERT INTO app.reporting_logins (tenant_id, role_name, created_by) VALUES (p_tenant, v_role, p_actor);
    RETURN v_role;
END $$;
DO $$
DECLARE
    v_role text;
BEGIN
    FOR v_role IN SELECT l.role_name FROM app.reporting_logins l JOIN pg_roles r ON r.rolname = l.role_name LOOP
        EXECUTE format('ALTER ROLE %I SET work_mem = %L', v_role, '64MB');
        EXECUTE format('ALTER ROLE %I SET jit = off', v_role);
    END LOOP;
END $$;
SET LOCAL ROLE charles_owner;
REVOKE CREATE ON SCHEMA app FROM charles_provisioner;

-- Called once a query, ahead of its workers: without this mark no report has any.
GRANT USAGE ON SCHEMA reporting TO charles_resolver;
SET LOCAL ROLE charles_resolver;
ALTER FUNCTION reporting.tenant_of_login() PARALLEL SAFE;
SET LOCAL ROLE charles_owner;
REVOKE USAGE ON SCHEMA reporting FROM charles_resolver;
