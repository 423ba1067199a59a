-- Entering a tenant, and asking which one was entered, as expressions that PostgreSQL folds into the statement around them. They
-- are part of every transaction, and a call into PL/pgSQL with a statement of its own took longer than the look-up behind it.
--
-- app.enter and app.enter_inbox stay for programs of the version before, and for distributed databases: what set_config sets does
-- not reach their workers (db/distributed).
SET LOCAL ROLE charles_owner;

CREATE FUNCTION app.no_tenant() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RAISE EXCEPTION 'no tenant in this transaction' USING ERRCODE = 'invalid_authorization_specification';
END $$;

CREATE OR REPLACE FUNCTION app.tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN current_setting('app.tenant', true) <> '' THEN current_setting('app.tenant', true)::uuid ELSE app.no_tenant() END
$$;

CREATE FUNCTION app.refuse_entry(p_tenant uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF p_tenant IS NULL THEN
        RAISE EXCEPTION 'no tenant given' USING ERRCODE = 'invalid_authorization_specification';
    END IF;
    RAISE EXCEPTION 'the transaction belongs to another tenant' USING ERRCODE = 'invalid_authorization_specification';
END $$;

-- Enters a tenant for the rest of the transaction, which never switches to another one.
CREATE FUNCTION app.enter_tenant(p_tenant uuid) RETURNS text LANGUAGE sql AS $$
    SELECT set_config('app.tenant',
                      CASE WHEN p_tenant IS NOT NULL AND coalesce(current_setting('app.tenant', true), '') IN ('', p_tenant::text)
                           THEN p_tenant::text ELSE app.refuse_entry(p_tenant) END, true)
$$;

-- Enters the inbox: append webhooks of the named tenants, nothing else.
CREATE FUNCTION app.enter_tenants(p_tenants uuid[]) RETURNS text LANGUAGE sql AS $$
    SELECT set_config('role', CASE WHEN set_config('app.tenant_ids', p_tenants::text, true) <> '' THEN 'charles_inbox' END, true)
$$;
