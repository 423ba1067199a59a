-- What happened to contacts, told to the charles instance; and the look-ups that processing and delivering stand on.
SET LOCAL ROLE charles_owner;

-- Replays that wait for their turn.
CREATE INDEX event_attempts_pending ON app.event_attempts (tenant_id, event_id) WHERE outcome IS NULL;
-- Poison events wait apart: what is due is found without stepping over them.
CREATE INDEX events_status ON app.events (tenant_id, status, received_at DESC, id);
-- Runs that count against a frequency cap.
CREATE INDEX flow_runs_cap ON app.flow_runs (tenant_id, flow_id, contact_id, created_at) WHERE state IN ('queued', 'delivered');
CREATE INDEX deliveries_flow_run ON app.deliveries (tenant_id, flow_run_id) WHERE flow_run_id IS NOT NULL;

-- RFC 3339 in UTC with microseconds.
CREATE FUNCTION app.rfc3339(p_at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- Contacts as deliveries carry them: identifiers and consent, so that the instance needs no second look-up.
-- opt_in is the decision for the primary phone, else one that was given without a phone.
CREATE FUNCTION app.contact_summaries(p_tenant uuid, p_contacts uuid[])
RETURNS TABLE (contact_id uuid, phone text, opt_in text, summary jsonb) LANGUAGE sql STABLE AS $$
    SELECT c.id, c.phone, o.status,
           jsonb_build_object(
               'id', c.id, 'first_name', c.first_name, 'last_name', c.last_name, 'phone', c.phone, 'email', c.email,
               'external_reference_id', c.external_reference_id, 'custom_properties', c.custom_properties,
               'opt_in', o.status, 'created_at', app.rfc3339(c.created_at), 'updated_at', app.rfc3339(c.updated_at))
      FROM app.contacts c
      LEFT JOIN LATERAL (
          SELECT s.status FROM app.consents s
           WHERE s.tenant_id = p_tenant AND s.contact_id = c.id AND s.subscription_type = 'whatsapp'
             AND s.phone IN (coalesce(c.phone, ''), '')
           ORDER BY s.phone = coalesce(c.phone, '') DESC LIMIT 1) o ON true
     WHERE c.tenant_id = p_tenant AND c.id = ANY (p_contacts)
$$;

-- give_up_at is the default of 72 hours here; the deliverer applies CHARLES_DELIVERY_RETRY_FOR at the first failure.
-- Queues deliveries, if there is an enabled endpoint, and wakes the deliverer. Arrays of equal length, in order.
-- Answers how many were queued.
CREATE FUNCTION app.queue_deliveries(p_tenant uuid, p_types text[], p_contacts uuid[], p_flow_runs uuid[], p_data jsonb[],
                                     p_now timestamptz) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    v_count int;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM app.delivery_endpoints WHERE tenant_id = p_tenant AND enabled) THEN
        RETURN 0;
    END IF;
    INSERT INTO app.deliveries (tenant_id, type, contact_id, flow_run_id, body, next_attempt_at, give_up_at, created_at)
    SELECT p_tenant, u.type, u.contact_id, u.flow_run_id,
           jsonb_build_object('type', u.type, 'timestamp', app.rfc3339(p_now), 'data', u.data),
           p_now, p_now + interval '72 hours', p_now
      FROM unnest(p_types, p_contacts, p_flow_runs, p_data) WITH ORDINALITY AS u (type, contact_id, flow_run_id, data, n)
     ORDER BY u.n
    ON CONFLICT (tenant_id, id) DO NOTHING;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count > 0 THEN
        PERFORM app.enqueue(p_tenant, 'deliveries', 'deliver', '{}', 'drain', p_now, p_now);
    END IF;
    RETURN v_count;
END $$;

-- The set-based form for imports and merges: one delivery of a type per contact, with the contact as its data.
CREATE FUNCTION app.queue_contact_deliveries(p_tenant uuid, p_contacts uuid[], p_type text, p_now timestamptz)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    v_count int;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM app.delivery_endpoints WHERE tenant_id = p_tenant AND enabled) THEN
        RETURN 0;
    END IF;
    INSERT INTO app.deliveries (tenant_id, type, contact_id, body, next_attempt_at, give_up_at, created_at)
    SELECT p_tenant, p_type, s.contact_id,
           jsonb_build_object('type', p_type, 'timestamp', app.rfc3339(p_now), 'data', jsonb_build_object('contact', s.summary)),
           p_now, p_now + interval '72 hours', p_now
      FROM app.contact_summaries(p_tenant, p_contacts) s
     ORDER BY s.contact_id
    ON CONFLICT (tenant_id, id) DO NOTHING;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count > 0 THEN
        PERFORM app.enqueue(p_tenant, 'deliveries', 'deliver', '{}', 'drain', p_now, p_now);
    END IF;
    RETURN v_count;
END $$;
