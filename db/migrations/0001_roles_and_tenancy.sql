-- Roles, the tenant of a transaction, the generator of row-level security policies, and the directory of tenants.
--
-- Runs as the role of CHARLES_OWNER_DATABASE_URL (superuser, or CREATEROLE with CREATE on the database).
-- Roles belong to the whole cluster, so each is created only where it is missing.
DO $$
DECLARE
    r text;
BEGIN
    FOREACH r IN ARRAY ARRAY[
        'charles_owner',      -- owns every object; nobody logs in as it
        'charles_app',        -- one tenant per transaction
        'charles_inbox',      -- appends webhooks of several tenants in one transaction
        'charles_dispatch',   -- queue tables of all tenants, nothing else
        'charles_operator',   -- the directory of tenants, no customer data
        'charles_resolver',   -- definer of the Host look-up
        'charles_report',     -- group of the tenants' reporting logins
        'reporting_all'       -- internal reporting over pseudonymised views
    ] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', r);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END LOOP;
    EXECUTE format('GRANT charles_owner, charles_resolver TO %I', current_user);
    EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO charles_owner', current_database());
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO charles_app', current_database());
END $$;
GRANT charles_resolver TO charles_owner;

SET LOCAL ROLE charles_owner;

CREATE SCHEMA app;
CREATE SCHEMA reporting;
COMMENT ON SCHEMA app IS 'The service''s own tables. Every table of a tenant carries tenant_id and is kept apart by row-level security.';
COMMENT ON SCHEMA reporting IS 'Views for reporting in SQL. Column names are stable: a change is a new view.';
GRANT USAGE ON SCHEMA app TO charles_app, charles_inbox, charles_dispatch, charles_operator, charles_resolver;
GRANT USAGE ON SCHEMA reporting TO charles_report, reporting_all;

-- The tenant of this transaction. Raises when there is none: after SET LOCAL has been used once on a connection the
-- setting reads '' instead of NULL, so both count as "no tenant".
CREATE FUNCTION app.tenant() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    v text := current_setting('app.tenant', true);
BEGIN
    IF v IS NULL OR v = '' THEN
        RAISE EXCEPTION 'no tenant in this transaction' USING ERRCODE = 'invalid_authorization_specification';
    END IF;
    RETURN v::uuid;
END $$;

-- Enters a tenant for the rest of the transaction. SET LOCAL by EXECUTE is the one form that also reaches Citus workers.
-- A transaction never switches from one tenant to another.
CREATE FUNCTION app.enter(p_tenant uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v text := current_setting('app.tenant', true);
BEGIN
    IF p_tenant IS NULL THEN
        RAISE EXCEPTION 'no tenant given' USING ERRCODE = 'invalid_authorization_specification';
    END IF;
    IF v <> '' AND v <> p_tenant::text THEN
        RAISE EXCEPTION 'the transaction belongs to another tenant' USING ERRCODE = 'invalid_authorization_specification';
    END IF;
    EXECUTE format('SET LOCAL app.tenant = %L', p_tenant);
END $$;

-- Enters the inbox: append webhooks of the named tenants, nothing else.
CREATE FUNCTION app.enter_inbox(p_tenants uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET LOCAL app.tenant_ids = %L', p_tenants);
    SET LOCAL ROLE charles_inbox;
END $$;

-- Enters the dispatcher: queue tables of all tenants.
CREATE FUNCTION app.enter_dispatch() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL ROLE charles_dispatch;
END $$;

-- Enters the operators' view: the directory of tenants.
CREATE FUNCTION app.enter_operator() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL ROLE charles_operator;
END $$;

-- Puts row-level security on one table. The text of every tenant policy is written here and nowhere else, because a
-- distributed database takes another form of it.
CREATE FUNCTION app.isolate(p_table regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', p_table);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', p_table);
    EXECUTE format('CREATE POLICY tenant ON %s TO charles_app '
        'USING (tenant_id = (SELECT app.tenant())) WITH CHECK (tenant_id = (SELECT app.tenant()))', p_table);
END $$;

-- Isolates every table of the schema that has a tenant and no tenant policy yet. Each migration ends with this call.
CREATE FUNCTION app.isolate_all() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    t regclass;
BEGIN
    FOR t IN
        SELECT c.oid::regclass
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
         WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p')
           AND NOT EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant')
    LOOP
        PERFORM app.isolate(t);
    END LOOP;
END $$;

-- Lets the dispatcher see all rows of a queue table.
CREATE FUNCTION app.open_to_dispatch(p_table regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE POLICY dispatch ON %s TO charles_dispatch USING (true) WITH CHECK (true)', p_table);
END $$;

-- Lets operators see all rows of a directory table.
CREATE FUNCTION app.open_to_operator(p_table regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE POLICY operator ON %s TO charles_operator USING (true) WITH CHECK (true)', p_table);
END $$;

-- Lets the inbox append rows of the tenants named by app.enter_inbox.
CREATE FUNCTION app.open_to_inbox(p_table regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE POLICY inbox_read ON %s FOR SELECT TO charles_inbox '
        'USING (tenant_id = ANY ((SELECT current_setting(''app.tenant_ids'')::uuid[])::uuid[]))', p_table);
    EXECUTE format('CREATE POLICY inbox_append ON %s FOR INSERT TO charles_inbox '
        'WITH CHECK (tenant_id = ANY ((SELECT current_setting(''app.tenant_ids'')::uuid[])::uuid[]))', p_table);
END $$;

-- The directory of tenants -------------------------------------------------------------------------------------------

CREATE TABLE app.tenants (
    tenant_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    instance_name text NOT NULL UNIQUE,
    display_name text NOT NULL,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    time_zone text NOT NULL DEFAULT 'Europe/Berlin',
    default_currency text,
    default_country text,
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN app.tenants.settings IS 'Rarely changed switches of the tenant, e.g. attribution window, auto_merge, only_valid_phone.';

-- One row per tenant whose directory entry (status, features, keys, webhook secrets) changed; replicas poll it twice a
-- second. The transaction id, not a time or a sequence, orders changes: a poll reads from the oldest transaction that was
-- still open at the poll before it.
CREATE TABLE app.directory_changes (
    tenant_id uuid PRIMARY KEY,
    changed_xid xid8 NOT NULL
);
CREATE INDEX directory_changes_xid ON app.directory_changes (changed_xid);

CREATE TABLE app.features (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    feature text NOT NULL CHECK (feature IN ('emarsys', 'order_events')),
    enabled boolean NOT NULL,
    note text,
    updated_by text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, feature)
);

CREATE TABLE app.api_keys (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    key_hash bytea NOT NULL,
    key_hint text NOT NULL,
    permissions text[] NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, key_hash)
);

CREATE TABLE app.sessions (
    tenant_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    api_key_id uuid NOT NULL,
    csrf_token text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, token_hash),
    FOREIGN KEY (tenant_id, api_key_id) REFERENCES app.api_keys (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE app.operators (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL UNIQUE,
    token_hash bytea NOT NULL UNIQUE,
    role text NOT NULL CHECK (role IN ('viewer', 'manager')),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

CREATE TABLE app.audit_log (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    feature text,
    before jsonb,
    after jsonb,
    note text,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_log_at ON app.audit_log (tenant_id, at DESC, id);

-- One data key per tenant, wrapped by a master key. Deleting the row destroys every secret of the tenant.
CREATE TABLE app.tenant_keys (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    version int NOT NULL,
    master_key_id text NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz,
    PRIMARY KEY (tenant_id, version)
);

CREATE TABLE app.reporting_logins (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    role_name text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, role_name)
);

CREATE TABLE app.idempotency_keys (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_hash bytea NOT NULL,
    status int,
    content_type text,
    response bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, key)
);

-- Operators work on no tenant's host, so their idempotency keys stand apart.
CREATE TABLE app.operator_idempotency_keys (
    key text PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 255),
    request_hash bytea NOT NULL,
    status int,
    content_type text,
    response bytea,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Marks the tenant's directory entry as changed. Called in the transaction that changes it.
CREATE FUNCTION app.touch_directory(p_tenant uuid) RETURNS void LANGUAGE sql AS $$
    INSERT INTO app.directory_changes (tenant_id, changed_xid) VALUES (p_tenant, pg_current_xact_id())
    ON CONFLICT (tenant_id) DO UPDATE SET changed_xid = EXCLUDED.changed_xid
$$;

SELECT app.isolate_all();
SELECT app.open_to_operator(t::regclass) FROM unnest(ARRAY[
    'app.tenants', 'app.directory_changes', 'app.features', 'app.api_keys', 'app.sessions', 'app.audit_log',
    'app.tenant_keys', 'app.reporting_logins']) AS t;

GRANT SELECT ON app.tenants TO charles_app;
GRANT UPDATE (time_zone, default_currency, default_country, settings, display_name, updated_at) ON app.tenants TO charles_app;
GRANT SELECT, INSERT, UPDATE ON app.directory_changes TO charles_app, charles_operator;
GRANT SELECT ON app.features TO charles_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.api_keys, app.sessions, app.tenant_keys, app.idempotency_keys TO charles_app;
GRANT SELECT, INSERT ON app.audit_log TO charles_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.tenants, app.features, app.api_keys, app.sessions, app.tenant_keys,
    app.reporting_logins, app.operators, app.operator_idempotency_keys TO charles_operator;
GRANT SELECT, INSERT ON app.audit_log TO charles_operator;
GRANT DELETE ON app.directory_changes TO charles_operator;

-- What is known before the tenant is: the Host look-up. Owned by charles_resolver, which may read these tables only.
CREATE POLICY resolve ON app.tenants FOR SELECT TO charles_resolver USING (true);
CREATE POLICY resolve ON app.features FOR SELECT TO charles_resolver USING (true);
CREATE POLICY resolve ON app.api_keys FOR SELECT TO charles_resolver USING (true);
CREATE POLICY resolve ON app.directory_changes FOR SELECT TO charles_resolver USING (true);
GRANT SELECT ON app.tenants, app.features, app.api_keys, app.directory_changes TO charles_resolver;

-- The directory entry of one instance name: everything a request needs before it is let in. No row: no such instance.
CREATE FUNCTION app.resolve_instance(p_instance text)
RETURNS TABLE (tenant_id uuid, instance_name text, status text, features text[], time_zone text, default_currency text,
               default_country text, settings jsonb, key_ids uuid[], key_hashes bytea[], key_permissions text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.tenant_id, t.instance_name, t.status,
           ARRAY(SELECT f.feature FROM app.features f WHERE f.tenant_id = t.tenant_id AND f.enabled ORDER BY 1),
           t.time_zone, t.default_currency, t.default_country, t.settings,
           k.ids, k.hashes, k.permissions
      FROM app.tenants t
      CROSS JOIN LATERAL (
          SELECT coalesce(array_agg(a.id ORDER BY a.id), '{}') AS ids,
                 coalesce(array_agg(a.key_hash ORDER BY a.id), '{}') AS hashes,
                 coalesce(array_agg(array_to_string(a.permissions, ' ') ORDER BY a.id), '{}') AS permissions
            FROM app.api_keys a WHERE a.tenant_id = t.tenant_id AND a.revoked_at IS NULL) k
     WHERE t.instance_name = p_instance
$$;

-- Tenants changed at or after a transaction id, and the transaction id from which the next poll has to read.
CREATE FUNCTION app.changed_instances(p_since xid8)
RETURNS TABLE (next_since xid8, tenant_ids uuid[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_snapshot_xmin(pg_current_snapshot()),
           ARRAY(SELECT c.tenant_id FROM app.directory_changes c WHERE c.changed_xid >= p_since)
$$;

GRANT CREATE ON SCHEMA app TO charles_resolver;
ALTER FUNCTION app.resolve_instance(text) OWNER TO charles_resolver;
ALTER FUNCTION app.changed_instances(xid8) OWNER TO charles_resolver;
REVOKE CREATE ON SCHEMA app FROM charles_resolver;
SET LOCAL ROLE charles_resolver;
REVOKE ALL ON FUNCTION app.resolve_instance(text), app.changed_instances(xid8) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.resolve_instance(text), app.changed_instances(xid8) TO charles_app;
SET LOCAL ROLE charles_owner;
