-- Which trace (W3C traceparent) work belongs to: a transaction says it, and jobs and deliveries that come into being in it
-- remember it. Events carry the one of the request that brought them.
SET LOCAL ROLE charles_owner;

-- Like app.enter, for a transaction that belongs to a trace.
CREATE FUNCTION app.enter_traced(p_tenant uuid, p_trace text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM app.enter(p_tenant);
    EXECUTE format('SET LOCAL app.trace = %L', p_trace);
END $$;

ALTER TABLE app.jobs ADD COLUMN trace text;
ALTER TABLE app.jobs ALTER COLUMN trace SET DEFAULT nullif(current_setting('app.trace', true), '');
ALTER TABLE app.deliveries ADD COLUMN trace text;
ALTER TABLE app.deliveries ALTER COLUMN trace SET DEFAULT nullif(current_setting('app.trace', true), '');
ALTER TABLE app.events ADD COLUMN traceparent text;

-- What has expired and no other promise covers: previous webhook secrets a day out of their overlap, drafts nobody went on
-- with. Runs with the daily clearing away.
CREATE FUNCTION app.purge_expired(p_tenant uuid, p_now timestamptz) RETURNS void LANGUAGE sql AS $$
    DELETE FROM app.webhook_secrets WHERE tenant_id = p_tenant AND valid_until <= p_now - interval '1 day';
    DELETE FROM app.connect_drafts WHERE tenant_id = p_tenant AND updated_at <= p_now - interval '90 days'
$$;
