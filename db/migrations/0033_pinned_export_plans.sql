-- The same work with plans that do not hang on statistics. Right after a bulk import a table has none, everything is estimated
-- as one row, and of two indexes that fit the planner takes the wrong one as easily as the right one: a batch that takes 50 ms
-- then takes a minute. So each condition here fits one index only: coalesce(i.status, '') keeps the index of owners out (its
-- part of a tenant is every contact), and the index of due rows is left to those who ask for next_attempt_at.
SET LOCAL ROLE charles_owner;

DROP INDEX app.opt_in_exports_due;
CREATE INDEX opt_in_exports_due ON app.opt_in_exports (tenant_id, (status = 'granted'), next_attempt_at, created_at)
    WHERE state = 'queued' AND next_attempt_at IS NOT NULL;

CREATE OR REPLACE FUNCTION app.queue_changed_opt_ins(p_tenant uuid, p_contacts uuid[], p_reason text, p_now timestamptz) RETURNS int
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

    -- Facts are gathered by contact and grouped: a join of these sets, each guessed to be one row, would compare every
    -- contact with every other.
    WITH facts (contact_id, optin, optin_at, alive, emarsys_id, known_id, known_field, known_value, known_timestamp_field,
                known_at, waiting, last_state, last_status, last_at, last_id) AS MATERIALIZED (
        SELECT t.id, t.opt_in, t.opt_in_at, t.merged_into IS NULL AND t.erased_at IS NULL, NULL::text, NULL::text, NULL::text,
               NULL::text, NULL::text, NULL::timestamptz, false, NULL::text, NULL::text, NULL::timestamptz, NULL::text
          FROM app.contacts t WHERE t.tenant_id = p_tenant AND t.id = ANY (v_contacts)
        UNION ALL
        SELECT i.contact_id, NULL, NULL, false, i.value, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, NULL
          FROM app.contact_identifiers i
         WHERE i.tenant_id = p_tenant AND i.contact_id = ANY (v_contacts) AND i.kind = 'emarsys_contact_id'
           AND coalesce(i.status, '') = 'active'
        UNION ALL
        SELECT k.contact_id, NULL, NULL, false, NULL, k.emarsys_contact_id, k.field_id, k.value, k.timestamp_field_id,
               k.consent_at, false, NULL, NULL, NULL, NULL
          FROM app.opt_in_confirmed k WHERE k.tenant_id = p_tenant AND k.contact_id = ANY (v_contacts)
        UNION ALL
        SELECT x.contact_id, NULL, NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, true, NULL, NULL, NULL, NULL
          FROM app.opt_in_exports x
         WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_contacts) AND x.state = 'queued'
        UNION ALL
        (SELECT DISTINCT ON (x.contact_id) x.contact_id, NULL, NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, false,
                x.state, x.status, x.consent_at, x.emarsys_contact_id
           FROM app.opt_in_exports x
          WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_contacts) AND x.state <> 'queued'
          ORDER BY x.contact_id, (x.state = 'sent') DESC, x.created_at DESC, x.id)),
    people AS MATERIALIZED (
        SELECT f2.contact_id, max(f2.optin) AS optin, max(f2.optin_at) AS optin_at, bool_or(f2.alive) AS alive,
               max(f2.emarsys_id) AS emarsys_id, max(f2.known_id) AS known_id, max(f2.known_field) AS known_field,
               max(f2.known_value) AS known_value, max(f2.known_timestamp_field) AS known_timestamp_field,
               max(f2.known_at) AS known_at, bool_or(f2.waiting) AS waiting, max(f2.last_state) AS last_state,
               max(f2.last_status) AS last_status, max(f2.last_at) AS last_at, max(f2.last_id) AS last_id
          FROM facts f2 GROUP BY f2.contact_id),
    desired AS MATERIALIZED (
        SELECT p.*,
               CASE WHEN p.optin = 'granted' THEN 'granted' WHEN p.optin IN ('withdrawn', 'denied') THEN 'withdrawn'
                    WHEN p.optin IS NULL AND p.known_value <> f.withdrawn_value AND v_after_phone_change = 'withdrawn'
                         THEN 'withdrawn' END AS status,
               coalesce(nullif(p.optin_at, '-infinity'), p_now) AS consent_at
          FROM people p WHERE p.alive),
    gone AS (
        DELETE FROM app.opt_in_exports x
         WHERE x.tenant_id = p_tenant AND x.state = 'queued'
           AND x.contact_id = ANY (ARRAY(SELECT unnest(v_contacts)
                                         EXCEPT SELECT d.contact_id FROM desired d WHERE d.status IS NOT NULL)))
    INSERT INTO app.opt_in_exports AS x
           (tenant_id, contact_id, status, consent_at, emarsys_contact_id, reason, next_attempt_at, created_at)
    SELECT p_tenant, d.contact_id, d.status, d.consent_at, d.emarsys_id, p_reason, p_now, p_now
      FROM desired d
     WHERE d.status IS NOT NULL
       AND (d.waiting
            OR CASE
               WHEN d.last_state = 'sent' THEN
                    d.last_status <> d.status OR (f.timestamp_field_id IS NOT NULL AND d.last_at <> d.consent_at)
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

CREATE OR REPLACE FUNCTION app.take_opt_in_exports(p_tenant uuid, p_limit int, p_now timestamptz)
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
                AND i.kind = 'emarsys_contact_id' AND coalesce(i.status, '') = 'active'
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

-- Nearly all people of an import have never decided anything: they are sorted out first, by three walks over indexes.
CREATE OR REPLACE FUNCTION app.queue_opt_in_exports(p_tenant uuid, p_contacts uuid[], p_reason text, p_now timestamptz)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    v_known uuid[];
BEGIN
    IF NOT EXISTS (SELECT 1 FROM app.consents c WHERE c.tenant_id = p_tenant)
       AND NOT EXISTS (SELECT 1 FROM app.opt_in_confirmed k WHERE k.tenant_id = p_tenant) THEN
        RETURN 0;
    END IF;
    v_known := ARRAY(
        SELECT c.contact_id FROM app.consents c WHERE c.tenant_id = p_tenant AND c.contact_id = ANY (p_contacts)
        UNION SELECT k.contact_id FROM app.opt_in_confirmed k
               WHERE k.tenant_id = p_tenant AND k.contact_id = ANY (p_contacts)
        UNION SELECT x.contact_id FROM app.opt_in_exports x
               WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (p_contacts) AND x.state = 'queued');
    IF cardinality(v_known) = 0 THEN
        RETURN 0;
    END IF;
    PERFORM app.refresh_opt_ins(p_tenant, v_known);
    RETURN app.queue_changed_opt_ins(p_tenant, v_known, p_reason, p_now);
END $$;
