-- What PostgreSQL gives to everybody and a reporting login must not have: changing settings from inside a query, large
-- objects, advisory locks, exported snapshots, messages in the log of changes. Rights on built-in functions belong to the
-- database and are lost when it is restored into a new cluster, so this is applied anew at every migrate. Only a superuser
-- can take them away; a login stays confined without it, because its policy looks at session_user.
DO $$
DECLARE
    f regprocedure;
    r text;
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RAISE NOTICE 'rights on built-in functions are left as they are: that needs a superuser';
        RETURN;
    END IF;
    FOR f IN
        SELECT p.oid::regprocedure FROM pg_proc p
         WHERE p.pronamespace = 'pg_catalog'::regnamespace
           AND (p.proname IN ('set_config', 'lo_create', 'lo_creat', 'lo_from_bytea', 'lo_put', 'lowrite', 'lo_open',
                              'lo_truncate', 'lo_truncate64', 'lo_unlink', 'lo_import', 'pg_export_snapshot',
                              'pg_logical_emit_message', 'pg_notify')
             OR p.proname LIKE 'pg\_advisory%' OR p.proname LIKE 'pg\_try\_advisory%')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        -- The service itself sets its tenant, locks identifiers and sends hints.
        FOREACH r IN ARRAY ARRAY['charles_owner', 'charles_app', 'charles_inbox', 'charles_dispatch', 'charles_operator'] LOOP
            IF f::text !~ '^(lo|pg_export|pg_logical)' THEN
                EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', f, r);
            END IF;
        END LOOP;
    END LOOP;
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
END $$;
