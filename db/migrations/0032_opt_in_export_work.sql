-- The steps of an export to Emarsys that must be one transaction each: take a batch, take back what a crash left, re-drive.
SET LOCAL ROLE charles_owner;

CREATE INDEX opt_in_exports_sent ON app.opt_in_exports (tenant_id, contact_id) WHERE state = 'sent';
CREATE INDEX opt_in_exports_state ON app.opt_in_exports (tenant_id, state, created_at DESC, id);

-- Takes up to p_limit due rows, withdrawals first, and marks them sent. The Emarsys id is looked up anew: a contact may
-- have been linked since. One contact is never in two batches at once: it has one queued row at most, and a row of it that
-- is still under way keeps the next one back.
CREATE FUNCTION app.take_opt_in_exports(p_tenant uuid, p_limit int, p_now timestamptz)
RETURNS TABLE (id uuid, contact_id uuid, status text, consent_at timestamptz, emarsys_contact_id text, attempts int,
               created_at timestamptz, email text, phone text, known_value text, known_at timestamptz)
LANGUAGE sql AS $$
    WITH due AS MATERIALIZED (
        SELECT x.id, x.contact_id FROM app.opt_in_exports x
         WHERE x.tenant_id = p_tenant AND x.state = 'queued' AND x.next_attempt_at <= p_now
           AND NOT EXISTS (SELECT 1 FROM app.opt_in_exports s
                            WHERE s.tenant_id = p_tenant AND s.contact_id = x.contact_id AND s.state = 'sent')
         ORDER BY (x.status = 'granted'), x.next_attempt_at, x.created_at LIMIT p_limit FOR UPDATE SKIP LOCKED),
    about AS MATERIALIZED (
        SELECT d.id, i.value AS emarsys_id, t.email, t.phone, k.value AS known_value, k.consent_at AS known_at
          FROM due d
          JOIN app.contacts t ON t.tenant_id = p_tenant AND t.id = d.contact_id
          LEFT JOIN app.contact_identifiers i ON i.tenant_id = p_tenant AND i.contact_id = d.contact_id
                AND i.kind = 'emarsys_contact_id' AND i.status = 'active'
          LEFT JOIN app.opt_in_fields f ON f.tenant_id = p_tenant
          LEFT JOIN app.opt_in_confirmed k ON k.tenant_id = p_tenant AND k.contact_id = d.contact_id
                AND k.emarsys_contact_id = i.value AND k.field_id = f.field_id
                AND k.timestamp_field_id IS NOT DISTINCT FROM f.timestamp_field_id)
    UPDATE app.opt_in_exports x
       SET state = 'sent', sent_at = p_now, attempts = x.attempts + 1, emarsys_contact_id = a.emarsys_id
      FROM about a
     WHERE x.tenant_id = p_tenant AND x.id = a.id
    RETURNING x.id, x.contact_id, x.status, x.consent_at, x.emarsys_contact_id, x.attempts, x.created_at, a.email, a.phone,
              a.known_value, a.known_at
$$;

-- Gives rows back that were sent and never heard of again: all of them where p_ids is NULL. Sending them again is
-- harmless. Where a newer change of the contact waits, that one tells the latest state and the older row goes.
CREATE FUNCTION app.release_opt_in_exports(p_tenant uuid, p_ids uuid[], p_errors jsonb[], p_next timestamptz[], p_now timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM app.opt_in_exports x
     WHERE x.tenant_id = p_tenant AND x.state = 'sent' AND (p_ids IS NULL OR x.id = ANY (p_ids))
       AND EXISTS (SELECT 1 FROM app.opt_in_exports q
                    WHERE q.tenant_id = p_tenant AND q.contact_id = x.contact_id AND q.state = 'queued');
    IF p_ids IS NULL THEN
        UPDATE app.opt_in_exports x SET state = 'queued', next_attempt_at = p_now
         WHERE x.tenant_id = p_tenant AND x.id IN (
               SELECT DISTINCT ON (s.contact_id) s.id FROM app.opt_in_exports s
                WHERE s.tenant_id = p_tenant AND s.state = 'sent' ORDER BY s.contact_id, s.consent_at DESC, s.id);
        DELETE FROM app.opt_in_exports x WHERE x.tenant_id = p_tenant AND x.state = 'sent';
    ELSE
        -- A merge during the call can leave one contact with two rows under way.
        DELETE FROM app.opt_in_exports x
         WHERE x.tenant_id = p_tenant AND x.state = 'sent' AND x.id = ANY (p_ids)
           AND EXISTS (SELECT 1 FROM app.opt_in_exports s
                        WHERE s.tenant_id = p_tenant AND s.contact_id = x.contact_id AND s.state = 'sent'
                          AND (s.consent_at, s.id) > (x.consent_at, x.id));
        UPDATE app.opt_in_exports x
           SET state = 'queued', next_attempt_at = v.next, last_error = v.error
          FROM (SELECT unnest(p_ids) AS id, unnest(p_errors) AS error, unnest(p_next) AS next) v
         WHERE x.tenant_id = p_tenant AND x.id = v.id AND x.state = 'sent';
    END IF;
END $$;

-- Rows that Emarsys took: the row is confirmed, and what Emarsys holds now is remembered.
CREATE FUNCTION app.confirm_opt_in_exports(p_tenant uuid, p_ids uuid[], p_emarsys_ids text[], p_values text[],
                                           p_field text, p_timestamp_field text, p_now timestamptz) RETURNS void
LANGUAGE sql AS $$
    WITH done AS (
        UPDATE app.opt_in_exports x
           SET state = 'confirmed', confirmed_at = p_now, last_error = NULL, emarsys_contact_id = v.emarsys_id
          FROM (SELECT unnest(p_ids) AS id, unnest(p_emarsys_ids) AS emarsys_id, unnest(p_values) AS value) v
         WHERE x.tenant_id = p_tenant AND x.id = v.id AND x.state = 'sent'
        RETURNING x.contact_id, x.consent_at, v.emarsys_id, v.value)
    INSERT INTO app.opt_in_confirmed AS k
           (tenant_id, contact_id, emarsys_contact_id, field_id, value, consent_at, confirmed_at, timestamp_field_id)
    SELECT DISTINCT ON (d.contact_id) p_tenant, d.contact_id, d.emarsys_id, p_field, d.value,
           CASE WHEN p_timestamp_field IS NOT NULL THEN d.consent_at END, p_now, p_timestamp_field
      FROM done d ORDER BY d.contact_id, d.consent_at DESC
    ON CONFLICT (tenant_id, contact_id)
    DO UPDATE SET emarsys_contact_id = EXCLUDED.emarsys_contact_id, field_id = EXCLUDED.field_id, value = EXCLUDED.value,
                  consent_at = EXCLUDED.consent_at, confirmed_at = EXCLUDED.confirmed_at,
                  timestamp_field_id = EXCLUDED.timestamp_field_id
$$;

-- Re-drives a row that failed or was not in Emarsys, with the state as it is now. Answers what became of it: queued,
-- superseded (a newer row tells it), settled (nothing to tell any more), not_failed, or NULL: no such row.
CREATE FUNCTION app.retry_opt_in_export(p_tenant uuid, p_id uuid, p_now timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    r app.opt_in_exports;
    v_status text;
    v_at timestamptz;
BEGIN
    SELECT * INTO r FROM app.opt_in_exports x WHERE x.tenant_id = p_tenant AND x.id = p_id;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    PERFORM app.lock_contacts(p_tenant, ARRAY[r.contact_id]);
    SELECT * INTO r FROM app.opt_in_exports x WHERE x.tenant_id = p_tenant AND x.id = p_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF r.state NOT IN ('failed', 'not_in_emarsys') THEN
        RETURN 'not_failed';
    ELSIF EXISTS (SELECT 1 FROM app.opt_in_exports x
                   WHERE x.tenant_id = p_tenant AND x.contact_id = r.contact_id AND x.id <> r.id
                     AND (x.state IN ('queued', 'sent') OR x.created_at > r.created_at)) THEN
        RETURN 'superseded';
    END IF;
    SELECT CASE s.status WHEN 'granted' THEN 'granted' WHEN 'pending' THEN NULL ELSE 'withdrawn' END, s.occurred_at
      INTO v_status, v_at FROM app.opt_in_states(p_tenant, ARRAY[r.contact_id]) s;
    IF v_status IS NULL THEN
        RETURN 'settled';
    END IF;
    UPDATE app.opt_in_exports x
       SET state = 'queued', status = v_status, consent_at = coalesce(nullif(v_at, '-infinity'), p_now), reason = 'retry',
           attempts = 0, next_attempt_at = p_now, created_at = p_now, sent_at = NULL, last_error = NULL
     WHERE x.tenant_id = p_tenant AND x.id = p_id;
    PERFORM app.enqueue(p_tenant, 'exports', 'export_opt_ins', '{}', 'drain', p_now, p_now, 0::smallint);
    RETURN 'queued';
END $$;

-- Links a contact to the Emarsys contact that an export created or found for it. False: the id belongs to another contact.
CREATE FUNCTION app.link_exported_contact(p_tenant uuid, p_contact uuid, p_emarsys_id text, p_now timestamptz) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_owner uuid;
BEGIN
    INSERT INTO app.contact_identifiers (tenant_id, kind, value, contact_id, raw, source, first_seen, last_seen)
    VALUES (p_tenant, 'emarsys_contact_id', p_emarsys_id, p_contact, p_emarsys_id, 'export', p_now, p_now)
    ON CONFLICT DO NOTHING;
    SELECT i.contact_id INTO v_owner FROM app.contact_identifiers i
     WHERE i.tenant_id = p_tenant AND i.kind = 'emarsys_contact_id' AND i.value = p_emarsys_id AND i.status = 'active';
    IF v_owner IS DISTINCT FROM p_contact THEN
        RETURN false;
    END IF;
    UPDATE app.contacts t SET external_reference_id = p_emarsys_id, updated_at = p_now
     WHERE t.tenant_id = p_tenant AND t.id = p_contact AND t.external_reference_id IS NULL;
    RETURN true;
END $$;

-- As before, and now answers what the contact's state is and which export waits, so that a request needs one round trip.
DROP FUNCTION app.record_consent(uuid, uuid, text, text, text, timestamptz, text, boolean, jsonb, text, text, timestamptz);
CREATE FUNCTION app.record_consent(p_tenant uuid, p_contact uuid, p_phone text, p_type text, p_status text,
                                   p_occurred_at timestamptz, p_source text, p_by_user boolean, p_evidence jsonb,
                                   p_actor text, p_request_id text, p_now timestamptz)
RETURNS TABLE (entry_id uuid, contact_id uuid, phone text, is_current boolean, opt_in text, export_id uuid, export_state text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_id uuid := p_contact;
    v_next uuid;
    v_phone text;
    v_erased timestamptz;
    v_entry uuid;
BEGIN
    FOR i IN 1..16 LOOP
        SELECT t.merged_into, t.phone, t.erased_at INTO v_next, v_phone, v_erased
          FROM app.contacts t WHERE t.tenant_id = p_tenant AND t.id = v_id FOR NO KEY UPDATE;
        IF NOT FOUND OR v_erased IS NOT NULL THEN
            RETURN;
        END IF;
        EXIT WHEN v_next IS NULL;
        v_id := v_next;
    END LOOP;
    v_phone := coalesce(p_phone, v_phone);
    INSERT INTO app.consent_entries (tenant_id, contact_id, phone, subscription_type, status, occurred_at, received_at,
                                     source, by_user, evidence, actor, request_id)
    VALUES (p_tenant, v_id, v_phone, p_type, p_status, p_occurred_at, p_now, p_source, p_by_user, p_evidence, p_actor,
            p_request_id)
    RETURNING id INTO v_entry;
    PERFORM app.recompute_consents(p_tenant, ARRAY[v_id]);
    PERFORM app.queue_opt_in_exports(p_tenant, ARRAY[v_id], 'change', p_now);
    RETURN QUERY
    SELECT v_entry, v_id, v_phone,
           EXISTS (SELECT 1 FROM app.consents c
                    WHERE c.tenant_id = p_tenant AND c.contact_id = v_id AND c.entry_id = v_entry),
           t.opt_in, x.id, x.state
      FROM app.contacts t
      LEFT JOIN app.opt_in_exports x ON x.tenant_id = p_tenant AND x.contact_id = v_id AND x.state = 'queued'
     WHERE t.tenant_id = p_tenant AND t.id = v_id;
END $$;
