-- A decision stays in the outbox until Emarsys is known to hold it, whatever happens on the way: a call whose answer is
-- lost, a lease that is lost while it runs, a merge, another connection, another phone.
--
-- What Emarsys holds (app.opt_in_confirmed) is forgotten before a call and remembered after its answer, because in between
-- nobody knows. An answer that comes when the rows are no longer the sender's counts as no answer: the person is told again
-- (reason 'unsure'). A contact with several Emarsys contacts is told to all of them: emarsys_contact_id is then the list of
-- their ids, sorted and joined by commas.
SET LOCAL ROLE charles_owner;

ALTER TABLE app.opt_in_exports ADD COLUMN batch uuid, ADD COLUMN waiting_since timestamptz NOT NULL DEFAULT now();
COMMENT ON COLUMN app.opt_in_exports.batch IS 'While sent: which taking it belongs to. Only who took it may settle it.';
COMMENT ON COLUMN app.opt_in_exports.waiting_since IS
    'Since when Emarsys has not been told this status; created_at is later where it was given up and driven again.';
-- The rows of all tenants are brought up to date by their owner, whom the policies bind otherwise.
ALTER TABLE app.opt_in_exports NO FORCE ROW LEVEL SECURITY;
UPDATE app.opt_in_exports SET waiting_since = created_at;
ALTER TABLE app.opt_in_exports FORCE ROW LEVEL SECURITY;
GRANT SELECT (waiting_since) ON app.opt_in_exports TO charles_operator;

-- People who withdrew, for the look at whether Emarsys knows all of them.
CREATE INDEX contacts_refused ON app.contacts (tenant_id, id) WHERE opt_in IN ('withdrawn', 'denied');

-- Reasons: change | stitched | merge | merge_undone | check | unsure | backfill | reconcile | retry. The last three also
-- queue again what failed; 'unsure' also what is believed to be told.
--
-- What is told: the state of the primary phone. Where it has none, and the person refused on another phone and granted on
-- none, whoever Emarsys was told anything about is told the refusal: a withdrawal does not get lost with a phone.
CREATE OR REPLACE FUNCTION app.queue_changed_opt_ins(p_tenant uuid, p_contacts uuid[], p_reason text, p_now timestamptz) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    f app.opt_in_fields;
    v_contacts uuid[];
    v_types text[];
    v_queued int;
    v_after_phone_change text;
BEGIN
    SELECT * INTO f FROM app.opt_in_fields WHERE tenant_id = p_tenant;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    -- Only those of whom something is known or told; the next statement's snapshot is taken under their locks. An erased
    -- person's last withdrawal is left to go.
    SELECT array_agg(q.id) INTO v_contacts FROM (
        SELECT t.id FROM app.contacts t
         WHERE t.tenant_id = p_tenant AND t.id = ANY (p_contacts) AND t.erased_at IS NULL
           AND (EXISTS (SELECT 1 FROM app.consents c WHERE c.tenant_id = p_tenant AND c.contact_id = t.id)
             OR EXISTS (SELECT 1 FROM app.opt_in_exports x
                         WHERE x.tenant_id = p_tenant AND x.contact_id = t.id AND x.state = 'queued')
             OR EXISTS (SELECT 1 FROM app.opt_in_confirmed k WHERE k.tenant_id = p_tenant AND k.contact_id = t.id))
         ORDER BY t.id FOR NO KEY UPDATE) q;
    IF v_contacts IS NULL THEN
        RETURN 0;
    END IF;
    SELECT coalesce(settings ->> 'consent_after_phone_change', 'untouched'),
           CASE WHEN jsonb_typeof(settings -> 'consent_types') = 'array'
                THEN ARRAY(SELECT jsonb_array_elements_text(settings -> 'consent_types')) END
      INTO v_after_phone_change, v_types FROM app.tenants WHERE tenant_id = p_tenant;

    -- Facts are gathered by contact and grouped: a join of these sets, each guessed to be one row, would compare every
    -- contact with every other.
    WITH facts (contact_id, optin, optin_at, alive, emarsys_id, known_id, known_field, known_value, known_timestamp_field,
                known_at, waiting, way, last_state, last_status, last_at, last_id, last_since, granted, refused_at) AS MATERIALIZED (
        SELECT t.id, t.opt_in, t.opt_in_at, t.merged_into IS NULL, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text,
               NULL::timestamptz, false, NULL::text, NULL::text, NULL::text, NULL::timestamptz, NULL::text,
               NULL::timestamptz, false, NULL::timestamptz
          FROM app.contacts t WHERE t.tenant_id = p_tenant AND t.id = ANY (v_contacts)
        UNION ALL
        SELECT i.contact_id, NULL, NULL, false, i.value, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, NULL, NULL,
               NULL, false, NULL
          FROM app.contact_identifiers i
         WHERE i.tenant_id = p_tenant AND i.contact_id = ANY (v_contacts) AND i.kind = 'emarsys_contact_id'
           AND coalesce(i.status, '') = 'active'
        UNION ALL
        SELECT k.contact_id, NULL, NULL, false, NULL, k.emarsys_contact_id, k.field_id, k.value, k.timestamp_field_id,
               k.consent_at, false, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL
          FROM app.opt_in_confirmed k WHERE k.tenant_id = p_tenant AND k.contact_id = ANY (v_contacts)
        UNION ALL
        SELECT x.contact_id, NULL, NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, x.state = 'queued',
               CASE WHEN x.state = 'sent' THEN app.opt_in_mark(x.status, x.emarsys_contact_id, f.timestamp_field_id, x.consent_at) END,
               NULL, NULL, NULL, NULL, NULL, false, NULL
          FROM app.opt_in_exports x
         WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_contacts) AND x.state IN ('queued', 'sent')
        UNION ALL
        SELECT c.contact_id, NULL, NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, NULL, NULL,
               NULL, c.status = 'granted', CASE WHEN c.status IN ('withdrawn', 'denied') THEN c.occurred_at END
          FROM app.consents c
         WHERE c.tenant_id = p_tenant AND c.contact_id = ANY (v_contacts)
           AND (v_types IS NULL OR c.subscription_type = ANY (v_types))
        UNION ALL
        (SELECT DISTINCT ON (x.contact_id) x.contact_id, NULL, NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL,
                x.state, x.status, x.consent_at, x.emarsys_contact_id, x.waiting_since, false, NULL
           FROM app.opt_in_exports x
          WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_contacts) AND x.state NOT IN ('queued', 'sent')
          ORDER BY x.contact_id, x.created_at DESC, x.id)),
    people AS MATERIALIZED (
        SELECT f2.contact_id, max(f2.optin) AS optin, max(f2.optin_at) AS optin_at, bool_or(f2.alive) AS alive,
               string_agg(f2.emarsys_id, ',' ORDER BY f2.emarsys_id) AS emarsys_id, max(f2.known_id) AS known_id,
               max(f2.known_field) AS known_field, max(f2.known_value) AS known_value,
               max(f2.known_timestamp_field) AS known_timestamp_field, max(f2.known_at) AS known_at,
               bool_or(f2.waiting) AS waiting, array_agg(f2.way) FILTER (WHERE f2.way IS NOT NULL) AS under_way,
               max(f2.last_state) AS last_state, max(f2.last_status) AS last_status, max(f2.last_at) AS last_at,
               max(f2.last_id) AS last_id, max(f2.last_since) AS last_since, bool_or(f2.granted) AS granted,
               max(f2.refused_at) AS refused_at
          FROM facts f2 GROUP BY f2.contact_id),
    desired AS MATERIALIZED (
        SELECT p.*,
               CASE WHEN p.optin = 'granted' THEN 'granted' WHEN p.optin IN ('withdrawn', 'denied') THEN 'withdrawn'
                    WHEN p.optin IS NULL AND v_after_phone_change = 'withdrawn'
                         AND p.known_value NOT IN ('', f.withdrawn_value) THEN 'withdrawn'
                    WHEN p.refused_at IS NOT NULL AND NOT p.granted
                         AND (p.waiting OR p.under_way IS NOT NULL OR p.last_status IS NOT NULL
                              OR p.known_value NOT IN ('', f.withdrawn_value)) THEN 'withdrawn' END AS status,
               coalesce(nullif(CASE WHEN p.optin IN ('granted', 'withdrawn', 'denied') THEN p.optin_at
                                    ELSE coalesce(p.refused_at, p.optin_at) END, '-infinity'), p_now) AS consent_at
          FROM people p WHERE p.alive),
    gone AS (
        DELETE FROM app.opt_in_exports x
         WHERE x.tenant_id = p_tenant AND x.state = 'queued'
           AND x.contact_id = ANY (ARRAY(SELECT unnest(v_contacts)
                                         EXCEPT SELECT d.contact_id FROM desired d WHERE d.status IS NOT NULL)))
    INSERT INTO app.opt_in_exports AS x
           (tenant_id, contact_id, status, consent_at, emarsys_contact_id, reason, next_attempt_at, created_at, waiting_since)
    SELECT p_tenant, d.contact_id, d.status, d.consent_at, d.emarsys_id, p_reason, p_now, p_now,
           CASE WHEN d.last_state = 'failed' AND d.last_status = d.status THEN least(d.last_since, p_now) ELSE p_now END
      FROM desired d
     WHERE d.status IS NOT NULL
       AND (d.waiting OR p_reason = 'unsure'
            OR CASE
               WHEN d.under_way IS NOT NULL THEN
                    NOT app.opt_in_mark(d.status, d.emarsys_id, f.timestamp_field_id, d.consent_at) = ANY (d.under_way)
               WHEN d.known_id = d.emarsys_id AND d.known_field = f.field_id
                    AND d.known_value = CASE d.status WHEN 'granted' THEN f.granted_value ELSE f.withdrawn_value END
                    AND (f.timestamp_field_id IS NULL
                         OR (d.known_timestamp_field = f.timestamp_field_id AND d.known_at = d.consent_at)) THEN false
               WHEN d.last_state IN ('failed', 'not_in_emarsys') AND p_reason NOT IN ('backfill', 'reconcile', 'retry') THEN
                    (d.last_status, d.last_at, d.last_id)
                        IS DISTINCT FROM (d.status, d.consent_at, d.emarsys_id)
               ELSE true END)
     ORDER BY d.contact_id
    ON CONFLICT (tenant_id, contact_id) WHERE state = 'queued'
    DO UPDATE SET status = EXCLUDED.status, consent_at = EXCLUDED.consent_at,
                  emarsys_contact_id = EXCLUDED.emarsys_contact_id,
                  reason = CASE WHEN x.reason = 'unsure' THEN x.reason ELSE EXCLUDED.reason END, attempts = 0,
                  next_attempt_at = EXCLUDED.next_attempt_at, created_at = EXCLUDED.created_at, last_error = NULL,
                  waiting_since = CASE WHEN x.status = EXCLUDED.status THEN x.waiting_since ELSE EXCLUDED.waiting_since END
        WHERE (x.status, x.consent_at, x.emarsys_contact_id)
              IS DISTINCT FROM (EXCLUDED.status, EXCLUDED.consent_at, EXCLUDED.emarsys_contact_id)
           OR EXCLUDED.reason = 'unsure' AND x.reason <> 'unsure';
    GET DIAGNOSTICS v_queued = ROW_COUNT;
    IF v_queued > 0 THEN
        PERFORM app.enqueue(p_tenant, 'exports', 'export_opt_ins', '{}', 'drain', p_now, p_now, 0::smallint);
    END IF;
    RETURN v_queued;
END $$;

-- What an export tells whom, as one text: two of the same mark need not both be sent.
CREATE FUNCTION app.opt_in_mark(p_status text, p_emarsys_id text, p_timestamp_field text, p_at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT p_status || '|' || coalesce(p_emarsys_id, '')
           || CASE WHEN p_timestamp_field IS NULL THEN '' ELSE '|' || extract(epoch FROM p_at)::text END
$$;

-- Takes up to p_limit due rows, withdrawals first, and marks them sent. The Emarsys ids are looked up anew: a contact may
-- have been linked since. What Emarsys holds is forgotten where it is about to be written; where a row never left and
-- Emarsys has the value, known_value says so and nothing needs to be written.
DROP FUNCTION app.take_opt_in_exports(uuid, int, timestamptz);
CREATE FUNCTION app.take_opt_in_exports(p_tenant uuid, p_limit int, p_now timestamptz, p_batch uuid)
RETURNS TABLE (id uuid, contact_id uuid, status text, consent_at timestamptz, emarsys_contact_id text, attempts int,
               created_at timestamptz, email text, phone text, is_known boolean)
LANGUAGE sql AS $$
    WITH due AS MATERIALIZED (
        SELECT x.id, x.contact_id, x.status, x.consent_at, x.attempts, x.reason, x.emarsys_contact_id
          FROM app.opt_in_exports x
         WHERE x.tenant_id = p_tenant AND x.state = 'queued' AND x.next_attempt_at <= p_now
           AND NOT EXISTS (SELECT 1 FROM app.opt_in_exports s
                            WHERE s.tenant_id = p_tenant AND s.contact_id = x.contact_id AND s.state = 'sent')
         ORDER BY (x.status = 'granted'), x.next_attempt_at, x.created_at LIMIT p_limit FOR UPDATE SKIP LOCKED),
    about AS MATERIALIZED (
        SELECT d.id, coalesce(i.ids, CASE WHEN t.erased_at IS NOT NULL THEN d.emarsys_contact_id END) AS emarsys_id, t.email, t.phone,
               coalesce(d.attempts = 0 AND d.reason <> 'unsure' AND k.emarsys_contact_id = i.ids AND k.field_id = f.field_id
                   AND k.timestamp_field_id IS NOT DISTINCT FROM f.timestamp_field_id
                   AND k.value = CASE d.status WHEN 'granted' THEN f.granted_value ELSE f.withdrawn_value END
                   AND (f.timestamp_field_id IS NULL OR k.consent_at = d.consent_at), false) AS is_known
          FROM due d
          JOIN app.contacts t ON t.tenant_id = p_tenant AND t.id = d.contact_id
          LEFT JOIN LATERAL (
              SELECT string_agg(n.value, ',' ORDER BY n.value) AS ids FROM app.contact_identifiers n
               WHERE n.tenant_id = p_tenant AND n.contact_id = d.contact_id AND n.kind = 'emarsys_contact_id'
                 AND coalesce(n.status, '') = 'active') i ON true
          LEFT JOIN app.opt_in_fields f ON f.tenant_id = p_tenant
          LEFT JOIN app.opt_in_confirmed k ON k.tenant_id = p_tenant AND k.contact_id = d.contact_id),
    forgotten AS (
        DELETE FROM app.opt_in_confirmed k
         WHERE k.tenant_id = p_tenant
           AND k.contact_id = ANY (ARRAY(SELECT d.contact_id FROM due d JOIN about a ON a.id = d.id WHERE NOT a.is_known)))
    UPDATE app.opt_in_exports x
       SET state = 'sent', sent_at = p_now, attempts = x.attempts + 1, emarsys_contact_id = a.emarsys_id, batch = p_batch
      FROM about a
     WHERE x.tenant_id = p_tenant AND x.id = a.id
    RETURNING x.id, x.contact_id, x.status, x.consent_at, x.emarsys_contact_id, x.attempts, x.created_at, a.email, a.phone,
              a.is_known
$$;

-- Gives rows back that were sent and never heard of again: all of them where p_ids is NULL, else those of the batch. Where
-- a newer change of the contact waits, that one tells the latest state and the older row goes.
DROP FUNCTION app.release_opt_in_exports(uuid, uuid[], jsonb[], timestamptz[], timestamptz);
CREATE FUNCTION app.release_opt_in_exports(p_tenant uuid, p_batch uuid, p_ids uuid[], p_errors jsonb[], p_next timestamptz[],
                                           p_now timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM app.opt_in_exports x
     WHERE x.tenant_id = p_tenant AND x.state = 'sent' AND (p_ids IS NULL OR x.batch = p_batch AND x.id = ANY (p_ids))
       AND EXISTS (SELECT 1 FROM app.opt_in_exports q
                    WHERE q.tenant_id = p_tenant AND q.contact_id = x.contact_id AND q.state = 'queued');
    IF p_ids IS NULL THEN
        UPDATE app.opt_in_exports x SET state = 'queued', next_attempt_at = p_now, batch = NULL
         WHERE x.tenant_id = p_tenant AND x.id IN (
               SELECT DISTINCT ON (s.contact_id) s.id FROM app.opt_in_exports s
                WHERE s.tenant_id = p_tenant AND s.state = 'sent' ORDER BY s.contact_id, s.consent_at DESC, s.id);
        DELETE FROM app.opt_in_exports x WHERE x.tenant_id = p_tenant AND x.state = 'sent';
    ELSE
        -- A merge during the call can leave one contact with two rows under way.
        DELETE FROM app.opt_in_exports x
         WHERE x.tenant_id = p_tenant AND x.state = 'sent' AND x.batch = p_batch AND x.id = ANY (p_ids)
           AND EXISTS (SELECT 1 FROM app.opt_in_exports s
                        WHERE s.tenant_id = p_tenant AND s.contact_id = x.contact_id AND s.state = 'sent'
                          AND s.batch = p_batch AND s.id = ANY (p_ids) AND (s.consent_at, s.id) > (x.consent_at, x.id));
        UPDATE app.opt_in_exports x
           SET state = 'queued', next_attempt_at = v.next, last_error = v.error, batch = NULL
          FROM (SELECT unnest(p_ids) AS id, unnest(p_errors) AS error, unnest(p_next) AS next) v
         WHERE x.tenant_id = p_tenant AND x.id = v.id AND x.state = 'sent' AND x.batch = p_batch;
    END IF;
END $$;

-- Rows that Emarsys took: the row is confirmed, and what Emarsys holds now is remembered, unless the call went to a
-- connection that has been replaced since: then it is told again. Ids of rows that are no longer the batch's are answered.
DROP FUNCTION app.confirm_opt_in_exports(uuid, uuid[], text[], text[], text, text, timestamptz);
CREATE FUNCTION app.confirm_opt_in_exports(p_tenant uuid, p_batch uuid, p_connection uuid, p_ids uuid[], p_emarsys_ids text[],
                                           p_values text[], p_field text, p_timestamp_field text, p_now timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_doubtful uuid[];
BEGIN
    IF EXISTS (SELECT 1 FROM app.connections c WHERE c.tenant_id = p_tenant AND c.id <> p_connection) THEN
        SELECT array_agg(DISTINCT x.contact_id) INTO v_doubtful FROM app.opt_in_exports x
         WHERE x.tenant_id = p_tenant AND x.id = ANY (p_ids) AND x.state = 'sent' AND x.batch = p_batch;
        PERFORM app.release_opt_in_exports(p_tenant, p_batch, p_ids, array_fill(NULL::jsonb, ARRAY[cardinality(p_ids)]),
                                           array_fill(p_now, ARRAY[cardinality(p_ids)]), p_now);
        PERFORM app.tell_again(p_tenant, v_doubtful, p_now);
        RETURN;
    END IF;
    WITH done AS (
        UPDATE app.opt_in_exports x
           SET state = 'confirmed', confirmed_at = p_now, last_error = NULL, emarsys_contact_id = v.emarsys_id, batch = NULL
          FROM (SELECT unnest(p_ids) AS id, unnest(p_emarsys_ids) AS emarsys_id, unnest(p_values) AS value) v
         WHERE x.tenant_id = p_tenant AND x.id = v.id AND x.state = 'sent' AND x.batch = p_batch
        RETURNING x.contact_id, x.consent_at, v.emarsys_id, v.value)
    INSERT INTO app.opt_in_confirmed AS k
           (tenant_id, contact_id, emarsys_contact_id, field_id, value, consent_at, confirmed_at, timestamp_field_id)
    SELECT DISTINCT ON (d.contact_id) p_tenant, d.contact_id, d.emarsys_id, p_field, d.value,
           CASE WHEN p_timestamp_field IS NOT NULL THEN d.consent_at END, p_now, p_timestamp_field
      FROM done d ORDER BY d.contact_id, d.consent_at DESC
    ON CONFLICT (tenant_id, contact_id)
    DO UPDATE SET emarsys_contact_id = EXCLUDED.emarsys_contact_id, field_id = EXCLUDED.field_id, value = EXCLUDED.value,
                  consent_at = EXCLUDED.consent_at, confirmed_at = EXCLUDED.confirmed_at,
                  timestamp_field_id = EXCLUDED.timestamp_field_id;
END $$;

-- The person is told again, whatever is believed to be known: an answer came for rows that were no longer the sender's, so
-- its call may have been carried out after a later one.
CREATE FUNCTION app.tell_again(p_tenant uuid, p_contacts uuid[], p_now timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_contacts uuid[] := ARRAY(SELECT DISTINCT coalesce(t.merged_into, t.id) FROM app.contacts t
                                WHERE t.tenant_id = p_tenant AND t.id = ANY (p_contacts));
BEGIN
    DELETE FROM app.opt_in_confirmed k WHERE k.tenant_id = p_tenant AND k.contact_id = ANY (v_contacts);
    PERFORM app.queue_opt_in_exports(p_tenant, v_contacts, 'unsure', p_now);
END $$;

-- Tells again the people of rows that somebody else has taken from the batch meanwhile.
CREATE FUNCTION app.doubt_lost_opt_in_exports(p_tenant uuid, p_batch uuid, p_ids uuid[], p_contacts uuid[], p_now timestamptz)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    v_lost uuid[];
BEGIN
    SELECT array_agg(u.contact_id) INTO v_lost
      FROM (SELECT unnest(p_ids) AS id, unnest(p_contacts) AS contact_id) u
      LEFT JOIN app.opt_in_exports x
        ON x.tenant_id = p_tenant AND x.id = u.id AND x.state = 'sent' AND x.batch = p_batch
     WHERE x.id IS NULL;
    IF v_lost IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM app.tell_again(p_tenant, v_lost, p_now);
    RETURN cardinality(v_lost);
END $$;

-- Drives again in place what was given up because nothing went through at the time: credentials, permissions, network.
-- Where the contact's state has changed since, the latest is told. Answers how many.
CREATE FUNCTION app.redrive_opt_ins(p_tenant uuid, p_now timestamptz) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    v_contacts uuid[];
BEGIN
    WITH failed AS MATERIALIZED (
        SELECT x.id, x.contact_id FROM app.opt_in_exports x
         WHERE x.tenant_id = p_tenant AND x.state = 'failed' AND app.is_call_fault(x.last_error ->> 'code')),
    again AS (
        UPDATE app.opt_in_exports x
           SET state = 'queued', reason = 'retry', attempts = 0, next_attempt_at = p_now, created_at = p_now, sent_at = NULL
          FROM failed d
         WHERE x.tenant_id = p_tenant AND x.id = d.id
           AND NOT EXISTS (SELECT 1 FROM app.opt_in_exports l
                            WHERE l.tenant_id = p_tenant AND l.contact_id = d.contact_id AND l.id <> d.id
                              AND (l.state IN ('queued', 'sent') OR (l.created_at, l.id) > (x.created_at, x.id)))
        RETURNING x.contact_id)
    SELECT array_agg(a.contact_id) INTO v_contacts FROM again a;
    IF v_contacts IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM app.queue_opt_in_exports(p_tenant, v_contacts, 'retry', p_now);
    PERFORM app.enqueue(p_tenant, 'exports', 'export_opt_ins', '{}', 'drain', p_now, p_now, 0::smallint);
    RETURN cardinality(v_contacts);
END $$;

-- Whether a row failed with its whole call, not by itself.
CREATE FUNCTION app.is_call_fault(p_code text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT p_code LIKE 'emarsys\_%' AND p_code NOT IN ('emarsys_refused', 'emarsys_contact_of_another')
$$;

-- As before, but what waits for the loser goes on waiting for the survivor, who may have nothing of their own to tell.
CREATE OR REPLACE FUNCTION app.merge_consents(p_tenant uuid, p_survivor uuid, p_loser uuid, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM app.lock_contacts(p_tenant, ARRAY[p_survivor, p_loser]);
    UPDATE app.consent_entries e SET recorded_for = coalesce(e.recorded_for, e.contact_id), contact_id = p_survivor
     WHERE e.tenant_id = p_tenant AND e.contact_id = p_loser;
    DELETE FROM app.opt_in_exports x
     WHERE x.tenant_id = p_tenant AND x.contact_id = p_loser AND x.state = 'queued'
       AND EXISTS (SELECT 1 FROM app.opt_in_exports q
                    WHERE q.tenant_id = p_tenant AND q.contact_id = p_survivor AND q.state = 'queued');
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

-- As before; how long it has been waiting is kept.
CREATE OR REPLACE FUNCTION app.retry_opt_in_export(p_tenant uuid, p_id uuid, p_now timestamptz) RETURNS text LANGUAGE plpgsql AS $$
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
    -- What failed may be a refusal on a phone that is no longer the primary one.
    IF v_status IS NULL AND r.status = 'withdrawn' THEN
        v_status := r.status;
        v_at := r.consent_at;
    END IF;
    IF v_status IS NULL THEN
        RETURN 'settled';
    END IF;
    UPDATE app.opt_in_exports x
       SET state = 'queued', status = v_status, consent_at = coalesce(nullif(v_at, '-infinity'), p_now), reason = 'retry',
           attempts = 0, next_attempt_at = p_now, created_at = p_now, sent_at = NULL, last_error = NULL,
           waiting_since = CASE WHEN x.status = v_status THEN x.waiting_since ELSE p_now END
     WHERE x.tenant_id = p_tenant AND x.id = p_id;
    PERFORM app.enqueue(p_tenant, 'exports', 'export_opt_ins', '{}', 'drain', p_now, p_now, 0::smallint);
    RETURN 'queued';
END $$;
