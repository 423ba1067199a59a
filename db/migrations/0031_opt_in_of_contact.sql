-- The person-level opt-in state, kept with the contact, so that reading a contact, an audience or a report over half a
-- million people needs no look at the ledger. It follows the consents and the primary phone: app.recompute_consents and
-- app.queue_opt_in_exports refresh it, and whoever changes a primary phone calls the latter anyway.
SET LOCAL ROLE charles_owner;

ALTER TABLE app.contacts ADD COLUMN opt_in text CHECK (opt_in IN ('pending', 'granted', 'denied', 'withdrawn')),
    ADD COLUMN opt_in_at timestamptz;
COMMENT ON COLUMN app.contacts.opt_in IS 'Derived: app.opt_in_states of this contact.';

-- Brings opt_in of these contacts up to date; touches only rows that differ.
CREATE FUNCTION app.refresh_opt_ins(p_tenant uuid, p_contacts uuid[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    v_count int;
BEGIN
    WITH now_is AS MATERIALIZED (
        SELECT s.contact_id, s.status, s.occurred_at FROM app.opt_in_states(p_tenant, p_contacts) s),
    differs AS MATERIALIZED (
        SELECT t.id, s.status, s.occurred_at
          FROM app.contacts t LEFT JOIN now_is s ON s.contact_id = t.id
         WHERE t.tenant_id = p_tenant AND t.id = ANY (p_contacts)
           AND (t.opt_in, t.opt_in_at) IS DISTINCT FROM (s.status, s.occurred_at))
    UPDATE app.contacts t SET opt_in = d.status, opt_in_at = d.occurred_at
      FROM differs d WHERE t.tenant_id = p_tenant AND t.id = d.id;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;

ALTER FUNCTION app.recompute_consents(uuid, uuid[]) RENAME TO recompute_consents_of_ledger;
CREATE FUNCTION app.recompute_consents(p_tenant uuid, p_contacts uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM app.recompute_consents_of_ledger(p_tenant, p_contacts);
    PERFORM app.refresh_opt_ins(p_tenant, p_contacts);
END $$;

ALTER FUNCTION app.queue_opt_in_exports(uuid, uuid[], text, timestamptz) RENAME TO queue_changed_opt_ins;
CREATE FUNCTION app.queue_opt_in_exports(p_tenant uuid, p_contacts uuid[], p_reason text, p_now timestamptz) RETURNS int
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM app.refresh_opt_ins(p_tenant, p_contacts);
    RETURN app.queue_changed_opt_ins(p_tenant, p_contacts, p_reason, p_now);
END $$;
