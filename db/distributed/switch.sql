-- Written by tools/distribute from db/migrations; do not edit.
--
-- Turns a migrated, empty database on a coordinator into a distributed one. Run once, as a superuser, after `migrate`:
--     psql -v ON_ERROR_STOP=1 -1 -f db/distributed/switch.sql
-- What it stands on, and what is refused on such a database: db/distributed/README.md. Never move a shard of a table that
-- forces row-level security online: acknowledged rows are lost. That is why FORCE goes first.
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET citus.propagate_set_commands = %L', current_database(), 'local'); END $$;
SET citus.enable_local_reference_table_foreign_keys = off;
-- Workers are reached as the role at work, so those that own or define need to log in; pg_hba lets only the nodes do so.
ALTER ROLE charles_owner LOGIN;
ALTER ROLE charles_resolver LOGIN;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA app TO charles_app, charles_inbox, charles_dispatch;
SET ROLE charles_owner;
-- What set_config sets stays on the coordinator: SET LOCAL by EXECUTE is the one form that reaches the workers.
CREATE OR REPLACE FUNCTION app.enter_tenant(p_tenant uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM app.enter(p_tenant);
    RETURN p_tenant;
END $$;
CREATE OR REPLACE FUNCTION app.enter_tenants(p_tenants uuid[]) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM app.enter_inbox(p_tenants);
    RETURN 'charles_inbox';
END $$;

-- 1. Without FORCE: the owner serves nobody, and an online move of a forced table loses rows.
ALTER TABLE app.alerts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.api_keys NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.api_usage_daily NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.attribution_windows NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.audiences NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.audit_log NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.connect_drafts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.connections NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.consent_entries NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.consents NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.contact_identifiers NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.contact_order_totals NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.contacts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.coupon_codes NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.custom_properties NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.deliveries NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.delivery_attempts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.delivery_endpoints NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.erasures NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.event_attempts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.events NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.features NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.flow_runs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.flows NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.idempotency_keys NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.identifier_claims NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.identifier_flags NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.identity_conflicts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.import_batches NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.import_rejections NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.import_segment_ids NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.imports NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.mappings NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.merges NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.not_same NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.opt_in_confirmed NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.opt_in_exports NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.opt_in_fields NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.order_history NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.order_items NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.orders NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.privacy_keys NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.products NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.reporting_logins NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.revenue_daily NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.revenue_stale NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.revenue_zones NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.segment_members NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.selected_segments NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.sessions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.suppressions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.tenant_keys NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.tenant_moves NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.tenants NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.touches NO FORCE ROW LEVEL SECURITY;
ALTER TABLE app.webhook_secrets NO FORCE ROW LEVEL SECURITY;

-- 2. Policies without sub-selects. Those of reporting follow at the end.
ALTER POLICY tenant ON app.alerts USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.api_keys USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
DROP POLICY report ON app.api_usage_daily;
ALTER POLICY tenant ON app.api_usage_daily USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.attribution_windows USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.audiences USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.audit_log USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.connect_drafts USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.connections USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
DROP POLICY report ON app.consent_entries;
ALTER POLICY tenant ON app.consent_entries USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
DROP POLICY report ON app.consents;
ALTER POLICY tenant ON app.consents USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.contact_identifiers USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
DROP POLICY report ON app.contact_order_totals;
ALTER POLICY tenant ON app.contact_order_totals USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
DROP POLICY report ON app.contacts;
ALTER POLICY tenant ON app.contacts USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.coupon_codes USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.custom_properties USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
DROP POLICY report ON app.deliveries;
ALTER POLICY tenant ON app.deliveries USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.delivery_attempts USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.delivery_endpoints USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.erasures USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.event_attempts USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY inbox_append ON app.events WITH CHECK (tenant_id = ANY ((current_setting('app.tenant_ids'::text))::uuid[]));
ALTER POLICY inbox_read ON app.events USING (tenant_id = ANY ((current_setting('app.tenant_ids'::text))::uuid[]));
DROP POLICY report ON app.events;
ALTER POLICY tenant ON app.events USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
DROP POLICY report ON app.features;
ALTER POLICY tenant ON app.features USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
DROP POLICY report ON app.flow_runs;
ALTER POLICY tenant ON app.flow_runs USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
DROP POLICY report ON app.flows;
ALTER POLICY tenant ON app.flows USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.idempotency_keys USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.identifier_claims USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.identifier_flags USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.identity_conflicts USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.import_batches USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
DROP POLICY report ON app.import_rejections;
ALTER POLICY tenant ON app.import_rejections USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.import_segment_ids USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
DROP POLICY report ON app.imports;
ALTER POLICY tenant ON app.imports USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.mappings USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.merges USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.not_same USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.opt_in_confirmed USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
DROP POLICY report ON app.opt_in_exports;
ALTER POLICY tenant ON app.opt_in_exports USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.opt_in_fields USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.order_history USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
DROP POLICY report ON app.order_items;
ALTER POLICY tenant ON app.order_items USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
DROP POLICY report ON app.orders;
ALTER POLICY tenant ON app.orders USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.privacy_keys USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.products USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.reporting_logins USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
DROP POLICY report ON app.revenue_daily;
ALTER POLICY tenant ON app.revenue_daily USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.revenue_stale USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.revenue_zones USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
DROP POLICY report ON app.segment_members;
ALTER POLICY tenant ON app.segment_members USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
DROP POLICY report ON app.selected_segments;
ALTER POLICY tenant ON app.selected_segments USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.sessions USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.suppressions USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.tenant_keys USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.tenant_moves USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
DROP POLICY report ON app.tenants;
ALTER POLICY tenant ON app.tenants USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.touches USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());
ALTER POLICY tenant ON app.webhook_secrets USING (tenant_id = app.tenant()) WITH CHECK (tenant_id = app.tenant());

-- 3. The directory on every node, then the tenants' tables, parents first.
SELECT create_reference_table('app.tenants');
SELECT create_reference_table('app.api_keys');
SELECT create_reference_table('app.features');
SELECT create_reference_table('app.reporting_logins');
SELECT create_reference_table('app.tenant_keys');
SELECT create_reference_table('app.sessions');
SELECT create_distributed_table('app.contacts', 'tenant_id', shard_count := 64);
SELECT create_distributed_table('app.events', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.key_rotation', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.alerts', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.api_usage_daily', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.attribution_windows', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.audiences', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.audit_log', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.connect_drafts', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.connections', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.consent_entries', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.coupon_codes', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.custom_properties', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.deliveries', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.delivery_endpoints', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.erasures', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.event_attempts', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.flows', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.idempotency_keys', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.identifier_claims', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.identifier_flags', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.identity_conflicts', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.imports', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.mappings', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.merges', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.not_same', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.opt_in_exports', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.opt_in_fields', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.orders', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.privacy_keys', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.products', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.revenue_daily', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.revenue_stale', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.revenue_zones', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.selected_segments', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.suppressions', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.tenant_moves', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.touches', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.webhook_secrets', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.consents', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.contact_identifiers', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.contact_order_totals', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.delivery_attempts', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.flow_runs', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.import_batches', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.import_rejections', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.import_segment_ids', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.opt_in_confirmed', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.order_history', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.order_items', 'tenant_id', colocate_with := 'app.contacts');
SELECT create_distributed_table('app.segment_members', 'tenant_id', colocate_with := 'app.contacts');
RESET ROLE;

-- 4. Reporting. A policy there cannot look up whose login it is, so each login gets policies of its own with its tenant in
-- them; nothing a customer sends can change that text. app.report_as is called for each login, now and at each grant.
CREATE FUNCTION app.report_as(p_role text, p_tenant uuid, p_is_on boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY[
        'api_usage_daily',
        'consent_entries',
        'consents',
        'contact_order_totals',
        'contacts',
        'deliveries',
        'events',
        'features',
        'flow_runs',
        'flows',
        'import_rejections',
        'imports',
        'opt_in_exports',
        'order_items',
        'orders',
        'revenue_daily',
        'segment_members',
        'selected_segments',
        'tenants'
    ] LOOP
        EXECUTE format('DROP POLICY IF EXISTS %I ON app.%I', p_role, t);
        CONTINUE WHEN NOT p_is_on;
        EXECUTE format('CREATE POLICY %I ON app.%I FOR SELECT TO %I USING (tenant_id = %L::uuid)', p_role, t, p_role, p_tenant);
    END LOOP;
END $$;
ALTER FUNCTION app.report_as(text, uuid, boolean) OWNER TO charles_owner;
REVOKE ALL ON FUNCTION app.report_as(text, uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.report_as(text, uuid, boolean) TO charles_provisioner;
SELECT app.report_as(l.role_name, l.tenant_id, true) FROM app.reporting_logins l;

-- The two functions of the operators' route, with that around them.
GRANT CREATE ON SCHEMA app TO charles_provisioner;
SET ROLE charles_provisioner;
ALTER FUNCTION app.create_reporting_login(uuid, text, text) RENAME TO create_plain_reporting_login;
ALTER FUNCTION app.drop_reporting_logins(uuid, text) RENAME TO drop_plain_reporting_logins;
CREATE FUNCTION app.create_reporting_login(p_tenant uuid, p_password text, p_actor text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_role text := app.create_plain_reporting_login(p_tenant, p_password, p_actor);
BEGIN
    PERFORM app.report_as(v_role, p_tenant, true);
    RETURN v_role;
END $$;
CREATE FUNCTION app.drop_reporting_logins(p_tenant uuid, p_role text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM app.report_as(l.role_name, p_tenant, false) FROM app.reporting_logins l
      WHERE l.tenant_id = p_tenant AND (p_role IS NULL OR l.role_name = p_role);
    RETURN app.drop_plain_reporting_logins(p_tenant, p_role);
END $$;
REVOKE ALL ON FUNCTION app.create_reporting_login(uuid, text, text), app.drop_reporting_logins(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.create_reporting_login(uuid, text, text), app.drop_reporting_logins(uuid, text)
    TO charles_operator;
RESET ROLE;
REVOKE CREATE ON SCHEMA app FROM charles_provisioner;
