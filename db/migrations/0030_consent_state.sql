-- What the consent ledger adds up to, and what of it Emarsys has to be told. Set-based, so that an import of 10,000
-- people and one posted opt-in take the same path.
--
-- The rules (one place): the later dated decision of a person wins, per phone and subscription type; at the same time the
-- restrictive one. A decision of unknown time ('-infinity'): a restrictive one counts from the moment it became known, a
-- grant loses to anything dated. pending is no decision: it shows only where nothing was ever decided, and tells Emarsys
-- nothing. What a person's value is, is the state of the primary phone; an entry without a phone speaks for the person.
SET LOCAL ROLE charles_owner;

ALTER TABLE app.consent_entries ADD COLUMN recorded_for uuid;
COMMENT ON COLUMN app.consent_entries.recorded_for IS
    'The contact it was recorded for, once a merge has moved it to another; NULL before. An undone merge reads it.';
GRANT UPDATE (recorded_for) ON app.consent_entries TO charles_app;

ALTER TABLE app.opt_in_confirmed ADD COLUMN timestamp_field_id text;
COMMENT ON COLUMN app.opt_in_confirmed.consent_at IS 'The time written into the timestamp field; NULL where none was chosen.';

-- Restrictive first.
CREATE FUNCTION app.consent_rank(p_status text) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE p_status WHEN 'withdrawn' THEN 0 WHEN 'denied' THEN 1 WHEN 'granted' THEN 2 ELSE 3 END
$$;

-- Writes app.consents of these contacts anew from the ledger. The caller holds the contacts' row locks
-- (app.lock_contacts), else two decisions at once could leave the earlier one standing.
CREATE FUNCTION app.recompute_consents(p_tenant uuid, p_contacts uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH best AS MATERIALIZED (
        SELECT DISTINCT ON (e.contact_id, e.subscription_type, coalesce(e.phone, ''))
               e.contact_id, e.subscription_type, coalesce(e.phone, '') AS phone, e.status, e.effective_at, e.id
          FROM (SELECT l.*, CASE WHEN l.occurred_at = '-infinity' AND l.status IN ('withdrawn', 'denied')
                                 THEN l.received_at ELSE l.occurred_at END AS effective_at
                  FROM app.consent_entries l
                 WHERE l.tenant_id = p_tenant AND l.contact_id = ANY (p_contacts)) e
         ORDER BY e.contact_id, e.subscription_type, coalesce(e.phone, ''), (e.status = 'pending'), e.effective_at DESC,
                  app.consent_rank(e.status), e.id)
    INSERT INTO app.consents AS c (tenant_id, contact_id, subscription_type, phone, status, occurred_at, entry_id)
    SELECT p_tenant, b.contact_id, b.subscription_type, b.phone, b.status, b.effective_at, b.id FROM best b
    ON CONFLICT (tenant_id, contact_id, subscription_type, phone)
    DO UPDATE SET status = EXCLUDED.status, occurred_at = EXCLUDED.occurred_at, entry_id = EXCLUDED.entry_id
        WHERE (c.status, c.occurred_at, c.entry_id) IS DISTINCT FROM (EXCLUDED.status, EXCLUDED.occurred_at, EXCLUDED.entry_id);
    DELETE FROM app.consents c
     WHERE c.tenant_id = p_tenant AND c.contact_id = ANY (p_contacts)
       AND NOT EXISTS (SELECT 1 FROM app.consent_entries e
                        WHERE e.tenant_id = p_tenant AND e.contact_id = c.contact_id
                          AND e.subscription_type = c.subscription_type AND coalesce(e.phone, '') = c.phone);
END $$;

-- Locks contacts in the order of their ids, so that consent decisions about one person queue up.
CREATE FUNCTION app.lock_contacts(p_tenant uuid, p_contacts uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM app.contacts t WHERE t.tenant_id = p_tenant AND t.id = ANY (p_contacts)
      ORDER BY t.id FOR NO KEY UPDATE;
END $$;

-- The person-level state: that of the primary phone over the selected subscription types. Settings of the tenant:
-- consent_types (list, default all), consent_rule ('any' grants with one granted type, 'all' needs every selected one).
-- No row: nothing is known of the contact.
CREATE FUNCTION app.opt_in_states(p_tenant uuid, p_contacts uuid[])
RETURNS TABLE (contact_id uuid, status text, occurred_at timestamptz) LANGUAGE sql STABLE AS $$
    WITH rule AS MATERIALIZED (
        SELECT CASE WHEN jsonb_typeof(n.settings -> 'consent_types') = 'array'
                    THEN ARRAY(SELECT jsonb_array_elements_text(n.settings -> 'consent_types')) END AS types,
               coalesce(n.settings ->> 'consent_rule', 'any') = 'all' AS every
          FROM app.tenants n WHERE n.tenant_id = p_tenant),
    per_type AS (
        SELECT DISTINCT ON (c.contact_id, c.subscription_type) c.contact_id, c.subscription_type, c.status, c.occurred_at
          FROM app.contacts t
          JOIN app.consents c ON c.tenant_id = p_tenant AND c.contact_id = t.id AND c.phone IN ('', coalesce(t.phone, ''))
         WHERE t.tenant_id = p_tenant AND t.id = ANY (p_contacts)
         ORDER BY c.contact_id, c.subscription_type, (c.status = 'pending'), c.occurred_at DESC, app.consent_rank(c.status))
    SELECT p.contact_id,
           CASE WHEN bool_or(p.status = 'granted') AND (NOT r.every OR (bool_and(p.status = 'granted')
                     AND (r.types IS NULL OR count(*) = cardinality(r.types)))) THEN 'granted'
                WHEN bool_or(p.status IN ('withdrawn', 'denied')) THEN
                     (array_agg(p.status ORDER BY p.occurred_at DESC, app.consent_rank(p.status))
                         FILTER (WHERE p.status IN ('withdrawn', 'denied')))[1]
                ELSE 'pending' END,
           coalesce(CASE WHEN bool_or(p.status = 'granted') AND (NOT r.every OR (bool_and(p.status = 'granted')
                              AND (r.types IS NULL OR count(*) = cardinality(r.types))))
                         THEN max(p.occurred_at) FILTER (WHERE p.status = 'granted') END,
                    max(p.occurred_at) FILTER (WHERE p.status IN ('withdrawn', 'denied')),
                    max(p.occurred_at))
      FROM per_type p CROSS JOIN rule r
     WHERE r.types IS NULL OR p.subscription_type = ANY (r.types)
     GROUP BY p.contact_id, r.types, r.every
$$;

-- Queues one export per contact whose value to tell differs from what Emarsys confirmed, is being told, or waits to be
-- told; nothing where no decision is known, and nothing while no field is chosen. Answers how many rows were queued or
-- changed. A change that waits already is replaced by the latest state, so Emarsys is told once.
-- p_reason: change | stitched | merge | undo | backfill | reconcile | retry. The last three also queue again what failed.
CREATE FUNCTION app.queue_opt_in_exports(p_tenant uuid, p_contacts uuid[], p_reason text, p_now timestamptz) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    f app.opt_in_fields;
    v_contacts uuid[];
    v_queued int;
    v_after_phone_change text;
BEGIN
    SELECT * INTO f FROM app.opt_in_fields WHERE tenant_id = p_tenant;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    -- Only those of whom something is known or told; the next statement's snapshot is taken under their locks.
    SELECT array_agg(q.id) INTO v_contacts FROM (
        SELECT t.id FROM app.contacts t
         WHERE t.tenant_id = p_tenant AND t.id = ANY (p_contacts)
           AND (EXISTS (SELECT 1 FROM app.consents c WHERE c.tenant_id = p_tenant AND c.contact_id = t.id)
             OR EXISTS (SELECT 1 FROM app.opt_in_exports x
                         WHERE x.tenant_id = p_tenant AND x.contact_id = t.id AND x.state = 'queued')
             OR EXISTS (SELECT 1 FROM app.opt_in_confirmed k WHERE k.tenant_id = p_tenant AND k.contact_id = t.id))
         ORDER BY t.id FOR NO KEY UPDATE) q;
    IF v_contacts IS NULL THEN
        RETURN 0;
    END IF;
    SELECT coalesce(settings ->> 'consent_after_phone_change', 'untouched') INTO v_after_phone_change
      FROM app.tenants WHERE tenant_id = p_tenant;

    WITH desired AS MATERIALIZED (
        SELECT t.id AS contact_id,
               CASE WHEN s.status = 'granted' THEN 'granted' WHEN s.status IN ('withdrawn', 'denied') THEN 'withdrawn'
                    WHEN s.status IS NULL AND k.value <> f.withdrawn_value AND v_after_phone_change = 'withdrawn'
                         THEN 'withdrawn' END AS status,
               coalesce(nullif(s.occurred_at, '-infinity'), p_now) AS consent_at,
               i.value AS emarsys_id, k.emarsys_contact_id AS known_id, k.field_id AS known_field, k.value AS known_value,
               k.timestamp_field_id AS known_timestamp_field, k.consent_at AS known_at
          FROM app.contacts t
          LEFT JOIN app.opt_in_states(p_tenant, v_contacts) s ON s.contact_id = t.id
          LEFT JOIN app.contact_identifiers i ON i.tenant_id = p_tenant AND i.contact_id = t.id
                AND i.kind = 'emarsys_contact_id' AND i.status = 'active'
          LEFT JOIN app.opt_in_confirmed k ON k.tenant_id = p_tenant AND k.contact_id = t.id
         WHERE t.tenant_id = p_tenant AND t.id = ANY (v_contacts) AND t.merged_into IS NULL AND t.erased_at IS NULL),
    waiting AS MATERIALIZED (
        SELECT x.contact_id FROM app.opt_in_exports x
         WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_contacts) AND x.state = 'queued'),
    last AS MATERIALIZED (
        SELECT DISTINCT ON (x.contact_id) x.contact_id, x.state, x.status, x.consent_at, x.emarsys_contact_id
          FROM app.opt_in_exports x
         WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_contacts) AND x.state <> 'queued'
         ORDER BY x.contact_id, (x.state = 'sent') DESC, x.created_at DESC, x.id),
    gone AS (
        DELETE FROM app.opt_in_exports x
         USING (SELECT unnest(v_contacts) AS id EXCEPT SELECT contact_id FROM desired WHERE status IS NOT NULL) n
         WHERE x.tenant_id = p_tenant AND x.contact_id = n.id AND x.state = 'queued')
    INSERT INTO app.opt_in_exports AS x
           (tenant_id, contact_id, status, consent_at, emarsys_contact_id, reason, next_attempt_at, created_at)
    SELECT p_tenant, d.contact_id, d.status, d.consent_at, d.emarsys_id, p_reason, p_now, p_now
      FROM desired d
      LEFT JOIN waiting w ON w.contact_id = d.contact_id
      LEFT JOIN last l ON l.contact_id = d.contact_id
     WHERE d.status IS NOT NULL
       AND (w.contact_id IS NOT NULL
            OR CASE
               WHEN l.state = 'sent' THEN
                    l.status <> d.status OR (f.timestamp_field_id IS NOT NULL AND l.consent_at <> d.consent_at)
               WHEN d.known_id = d.emarsys_id AND d.known_field = f.field_id
                    AND d.known_value = CASE d.status WHEN 'granted' THEN f.granted_value ELSE f.withdrawn_value END
                    AND (f.timestamp_field_id IS NULL
                         OR (d.known_timestamp_field = f.timestamp_field_id AND d.known_at = d.consent_at)) THEN false
               WHEN l.state IN ('failed', 'not_in_emarsys') AND p_reason NOT IN ('backfill', 'reconcile', 'retry') THEN
                    (l.status, l.consent_at, l.emarsys_contact_id)
                        IS DISTINCT FROM (d.status, d.consent_at, d.emarsys_id)
               ELSE true END)
     ORDER BY d.contact_id
    ON CONFLICT (tenant_id, contact_id) WHERE state = 'queued'
    DO UPDATE SET status = EXCLUDED.status, consent_at = EXCLUDED.consent_at,
                  emarsys_contact_id = EXCLUDED.emarsys_contact_id, reason = EXCLUDED.reason, attempts = 0,
                  next_attempt_at = EXCLUDED.next_attempt_at, created_at = EXCLUDED.created_at, last_error = NULL
        WHERE (x.status, x.consent_at, x.emarsys_contact_id)
              IS DISTINCT FROM (EXCLUDED.status, EXCLUDED.consent_at, EXCLUDED.emarsys_contact_id);
    GET DIAGNOSTICS v_queued = ROW_COUNT;
    IF v_queued > 0 THEN
        PERFORM app.enqueue(p_tenant, 'exports', 'export_opt_ins', '{}', 'drain', p_now, p_now, 0::smallint);
    END IF;
    RETURN v_queued;
END $$;

-- Records one decision: the ledger entry, the state it adds up to, and the export, in one transaction. A contact merged
-- meanwhile is followed to its survivor. p_phone NULL: the contact's primary phone. No row: no such contact, or erased.
CREATE FUNCTION app.record_consent(p_tenant uuid, p_contact uuid, p_phone text, p_type text, p_status text,
                                   p_occurred_at timestamptz, p_source text, p_by_user boolean, p_evidence jsonb,
                                   p_actor text, p_request_id text, p_now timestamptz)
RETURNS TABLE (contact_id uuid, entry_id uuid, phone text, queued int) LANGUAGE plpgsql AS $$
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
    RETURN QUERY SELECT v_id, v_entry, v_phone, app.queue_opt_in_exports(p_tenant, ARRAY[v_id], 'change', p_now);
END $$;

-- Moves the loser's consents to the survivor (CP 3c): same type on the same phone, the later dated decision wins; the
-- merge creates and revives nothing, and a consent for one phone does not cover another. The caller has moved the
-- identifiers and the primary phone, and calls app.queue_opt_in_exports for the survivor afterwards.
CREATE FUNCTION app.merge_consents(p_tenant uuid, p_survivor uuid, p_loser uuid, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM app.lock_contacts(p_tenant, ARRAY[p_survivor, p_loser]);
    UPDATE app.consent_entries e SET recorded_for = coalesce(e.recorded_for, e.contact_id), contact_id = p_survivor
     WHERE e.tenant_id = p_tenant AND e.contact_id = p_loser;
    -- What waits for the loser is told, if at all, for the survivor; what was told stays as history.
    DELETE FROM app.opt_in_exports x WHERE x.tenant_id = p_tenant AND x.contact_id = p_loser AND x.state = 'queued';
    UPDATE app.opt_in_exports x SET contact_id = p_survivor WHERE x.tenant_id = p_tenant AND x.contact_id = p_loser;
    INSERT INTO app.opt_in_confirmed (tenant_id, contact_id, emarsys_contact_id, field_id, value, consent_at,
                                      confirmed_at, timestamp_field_id)
    SELECT k.tenant_id, p_survivor, k.emarsys_contact_id, k.field_id, k.value, k.consent_at, k.confirmed_at,
           k.timestamp_field_id
      FROM app.opt_in_confirmed k
     WHERE k.tenant_id = p_tenant AND k.contact_id = p_loser
    ON CONFLICT (tenant_id, contact_id) DO NOTHING;
    DELETE FROM app.opt_in_confirmed k WHERE k.tenant_id = p_tenant AND k.contact_id = p_loser;
    PERFORM app.recompute_consents(p_tenant, ARRAY[p_survivor, p_loser]);
END $$;

-- Gives a restored contact its consents back after an undone merge: those of its phones, and those without a phone that
-- were recorded for it. The caller has restored the identifiers, and queues exports for both afterwards.
CREATE FUNCTION app.split_consents(p_tenant uuid, p_survivor uuid, p_restored uuid, p_phones text[], p_now timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM app.lock_contacts(p_tenant, ARRAY[p_survivor, p_restored]);
    UPDATE app.consent_entries e SET contact_id = p_restored
     WHERE e.tenant_id = p_tenant AND e.contact_id = p_survivor
       AND (e.phone = ANY (p_phones) OR (e.phone IS NULL AND e.recorded_for = p_restored));
    PERFORM app.recompute_consents(p_tenant, ARRAY[p_survivor, p_restored]);
END $$;
