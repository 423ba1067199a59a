-- Facts for decisions, conflicts, shared values, merges and their undoing.
SET LOCAL ROLE charles_owner;

ALTER TABLE app.merges ADD COLUMN moved jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN app.merges.moved IS 'Which rows changed their contact, by table, so that the merge can be undone.';

-- Whom the identifiers of rows lead to. role: e (Emarsys id), p (phone), m (e-mail). A phone that nobody holds is looked
-- up by its variants; exactly one holder counts, and matched is the spelling that is stored.
CREATE FUNCTION app.identity_facts(p_tenant uuid, p_n int[], p_ext text[], p_phone text[], p_variant text[], p_email text[])
RETURNS TABLE (n int, role text, matched text, contact_id uuid, external_id text, first_name text, last_name text, phones int,
               emails int, whatsapp boolean, protected boolean, created_at timestamptz)
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_material = off
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT l.n, l.role, l.value, c.id, c.external_reference_id, c.first_name, c.last_name,
           (SELECT count(*)::int FROM app.contact_identifiers i WHERE i.tenant_id = p_tenant AND i.contact_id = c.id
               AND i.kind = 'phone' AND i.status = 'active'),
           (SELECT count(*)::int FROM app.contact_identifiers i WHERE i.tenant_id = p_tenant AND i.contact_id = c.id
               AND i.kind = 'email' AND i.status = 'active'),
           EXISTS (SELECT 1 FROM app.consents k WHERE k.tenant_id = p_tenant AND k.contact_id = c.id)
               OR EXISTS (SELECT 1 FROM app.touches t WHERE t.tenant_id = p_tenant AND t.contact_id = c.id AND t.kind <> 'flow'),
           c.protected OR c.erased_at IS NOT NULL, c.created_at
      FROM (SELECT q.n, k.role, i.value, i.contact_id
              FROM unnest(p_n, p_ext, p_phone, p_variant, p_email) AS q(n, ext, phone, variant, email)
              CROSS JOIN LATERAL (VALUES ('e', 'emarsys_contact_id', q.ext), ('p', 'phone', q.phone), ('v', 'phone', q.variant),
                                         ('m', 'email', q.email)) AS k(role, kind, value)
              JOIN app.contact_identifiers i
                ON i.tenant_id = p_tenant AND i.kind = k.kind AND i.value = k.value AND i.status = 'active'
            OFFSET 0) l
      JOIN app.contacts c ON c.tenant_id = p_tenant AND c.id = l.contact_id;
END $$;

-- Values of a batch that identify nobody, with their status.
CREATE FUNCTION app.flagged_values(p_tenant uuid, p_phones text[], p_emails text[])
RETURNS TABLE (kind text, value text, status text)
LANGUAGE plpgsql STABLE SET jit = off AS $$
#variable_conflict use_column
BEGIN
    IF NOT EXISTS (SELECT 1 FROM app.identifier_flags f WHERE f.tenant_id = p_tenant) THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT f.kind, f.value, f.status FROM app.identifier_flags f
     WHERE f.tenant_id = p_tenant AND (f.kind = 'phone' AND f.value = ANY (p_phones) OR f.kind = 'email' AND f.value = ANY (p_emails));
END $$;

-- Notes which Emarsys ids claim a value. From the third distinct one on the value is shared, above twenty it is
-- quarantined; then nothing more is noted of it. Answers the values that changed their status.
CREATE FUNCTION app.claim_values(p_tenant uuid, p_kinds text[], p_values text[], p_ids text[], p_import uuid, p_now timestamptz)
RETURNS TABLE (kind text, value text, status text)
LANGUAGE plpgsql SET jit = off AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO app.identifier_claims (tenant_id, kind, value, external_id, import_id, claimed_at)
    SELECT p_tenant, q.kind, q.value, q.id, p_import, p_now
      FROM (SELECT DISTINCT u.kind, u.value, u.id FROM unnest(p_kinds, p_values, p_ids) AS u(kind, value, id)
             WHERE u.id IS NOT NULL) q
     WHERE NOT EXISTS (SELECT 1 FROM app.identifier_flags f WHERE f.tenant_id = p_tenant AND f.kind = q.kind
                          AND f.value = q.value AND f.distinct_ids > 20)
    ON CONFLICT (tenant_id, kind, value, external_id) DO NOTHING;
    RETURN QUERY
    INSERT INTO app.identifier_flags AS f (tenant_id, kind, value, status, distinct_ids, created_at)
    SELECT p_tenant, c.kind, c.value, CASE WHEN count(*) > 20 THEN 'quarantined' ELSE 'shared' END, count(*), p_now
      FROM app.identifier_claims c
     WHERE c.tenant_id = p_tenant AND (c.kind, c.value) IN (SELECT u.kind, u.value FROM unnest(p_kinds, p_values) AS u(kind, value))
     GROUP BY c.kind, c.value HAVING count(*) >= 3
    ON CONFLICT (tenant_id, kind, value) DO UPDATE
       SET distinct_ids = EXCLUDED.distinct_ids,
           status = CASE WHEN f.status = 'blocked' THEN f.status ELSE EXCLUDED.status END
    RETURNING f.kind, f.value, f.status;
END $$;

-- Parks conflicts, each once while it is open: the same people about the same values are one conflict.
-- p_conflicts: [{"n","code","contacts":[id],"values":{}}]. Answers the id and whether it is new, by n.
CREATE FUNCTION app.park_conflicts(p_tenant uuid, p_conflicts jsonb, p_source text, p_import uuid, p_now timestamptz)
RETURNS TABLE (n int, id uuid, is_new boolean)
LANGUAGE plpgsql SET jit = off AS $$
#variable_conflict use_column
DECLARE
    c record;
    v_id uuid;
BEGIN
    FOR c IN
        SELECT (j->>'n')::int AS n, j->>'code' AS code, j->'values' AS v,
               ARRAY(SELECT x::uuid FROM jsonb_array_elements_text(j->'contacts') AS x) AS contacts
          FROM jsonb_array_elements(p_conflicts) AS j
    LOOP
        INSERT INTO app.identity_conflicts (tenant_id, code, contact_ids, "values", source, import_id, fingerprint, created_at)
        VALUES (p_tenant, c.code, c.contacts, c.v, p_source, p_import,
                sha256(convert_to(array_to_string(ARRAY(SELECT x FROM unnest(c.contacts) AS x ORDER BY 1), ',')
                                  || coalesce(c.v->>'phone', '') || '|' || coalesce(c.v->>'email', ''), 'UTF8')), p_now)
        ON CONFLICT (tenant_id, fingerprint) WHERE status = 'open' DO NOTHING
        RETURNING identity_conflicts.id INTO v_id;
        n := c.n;
        id := v_id;
        is_new := v_id IS NOT NULL;
        v_id := NULL;
        RETURN NEXT;
    END LOOP;
END $$;

-- A contact and all that hangs on it, as it is: for the log of merges and for the undoing.
CREATE FUNCTION app.contact_snapshot(p_tenant uuid, p_contact uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'contact', (SELECT to_jsonb(c) FROM app.contacts c WHERE c.tenant_id = p_tenant AND c.id = p_contact),
        'identifiers', (SELECT coalesce(jsonb_agg(to_jsonb(i)), '[]') FROM app.contact_identifiers i
                         WHERE i.tenant_id = p_tenant AND i.contact_id = p_contact),
        'segments', (SELECT coalesce(jsonb_agg(to_jsonb(m)), '[]') FROM app.segment_members m
                      WHERE m.tenant_id = p_tenant AND m.contact_id = p_contact),
        'consents', (SELECT coalesce(jsonb_agg(to_jsonb(k)), '[]') FROM app.consents k
                      WHERE k.tenant_id = p_tenant AND k.contact_id = p_contact),
        'confirmed', (SELECT to_jsonb(o) FROM app.opt_in_confirmed o WHERE o.tenant_id = p_tenant AND o.contact_id = p_contact),
        'totals', (SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM app.contact_order_totals t
                    WHERE t.tenant_id = p_tenant AND t.contact_id = p_contact))
$$;

-- Sums up the orders of a contact anew.
CREATE FUNCTION app.recount_orders(p_tenant uuid, p_contact uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM app.contact_order_totals WHERE tenant_id = p_tenant AND contact_id = p_contact;
    INSERT INTO app.contact_order_totals (tenant_id, contact_id, currency, order_count, total_gross, refunds_gross,
                                          first_order_at, last_order_at)
    SELECT p_tenant, p_contact, o.currency, count(*), sum(o.amount_total_gross), sum(o.refund_amount_total_gross),
           min(o.ordered_at), max(o.ordered_at)
      FROM app.orders o
     WHERE o.tenant_id = p_tenant AND o.contact_id = p_contact AND o.outcome = 'linked' AND o.type = 'sale'
       AND o.status <> 'cancelled'
     GROUP BY o.currency
    ON CONFLICT (tenant_id, contact_id, currency) DO NOTHING;
END $$;

-- Merges the loser into the survivor. The survivor's filled fields stay, blanks are filled, lists are united; everything
-- that hangs on the loser moves; the loser stays as a tombstone. Answers the id of the merge.
CREATE FUNCTION app.merge_contacts(p_tenant uuid, p_survivor uuid, p_loser uuid, p_reason text, p_actor text, p_import uuid,
                                   p_now timestamptz) RETURNS uuid
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_survivor jsonb;
    v_loser jsonb;
    v_moved jsonb;
    v_merge uuid := gen_random_uuid();
    s app.contacts;
    l app.contacts;
BEGIN
    PERFORM 1 FROM app.contacts c WHERE c.tenant_id = p_tenant AND c.id IN (p_survivor, p_loser) ORDER BY c.id FOR UPDATE;
    SELECT * INTO s FROM app.contacts c WHERE c.tenant_id = p_tenant AND c.id = p_survivor;
    SELECT * INTO l FROM app.contacts c WHERE c.tenant_id = p_tenant AND c.id = p_loser;
    IF p_survivor = p_loser OR s.id IS NULL OR l.id IS NULL OR s.merged_into IS NOT NULL OR l.merged_into IS NOT NULL
       OR s.erased_at IS NOT NULL OR l.erased_at IS NOT NULL THEN
        RAISE EXCEPTION 'these contacts cannot be merged' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    v_survivor := app.contact_snapshot(p_tenant, p_survivor);
    v_loser := app.contact_snapshot(p_tenant, p_loser);
    v_moved := jsonb_build_object(
        'events', (SELECT coalesce(jsonb_agg(x.id), '[]') FROM app.events x WHERE x.tenant_id = p_tenant AND x.contact_id = p_loser),
        'flow_runs', (SELECT coalesce(jsonb_agg(x.id), '[]') FROM app.flow_runs x WHERE x.tenant_id = p_tenant AND x.contact_id = p_loser),
        'deliveries', (SELECT coalesce(jsonb_agg(x.id), '[]') FROM app.deliveries x WHERE x.tenant_id = p_tenant AND x.contact_id = p_loser),
        'orders', (SELECT coalesce(jsonb_agg(x.id), '[]') FROM app.orders x WHERE x.tenant_id = p_tenant AND x.contact_id = p_loser),
        'touches', (SELECT coalesce(jsonb_agg(x.id), '[]') FROM app.touches x WHERE x.tenant_id = p_tenant AND x.contact_id = p_loser),
        'opt_in_exports', (SELECT coalesce(jsonb_agg(x.id), '[]') FROM app.opt_in_exports x WHERE x.tenant_id = p_tenant AND x.contact_id = p_loser));
    INSERT INTO app.merges (tenant_id, id, survivor_id, loser_id, reason, actor, import_id, survivor_before, loser_before, moved, merged_at)
    VALUES (p_tenant, v_merge, p_survivor, p_loser, p_reason, p_actor, p_import, v_survivor, v_loser, v_moved, p_now);

    -- Identifiers. A value that both have stays the survivor's; the survivor's primaries stay.
    DELETE FROM app.contact_identifiers d
     WHERE d.tenant_id = p_tenant AND d.contact_id = p_survivor AND d.status <> 'active'
       AND EXISTS (SELECT 1 FROM app.contact_identifiers i WHERE i.tenant_id = p_tenant AND i.contact_id = p_loser
                      AND i.kind = d.kind AND i.value = d.value);
    DELETE FROM app.contact_identifiers d
     WHERE d.tenant_id = p_tenant AND d.contact_id = p_loser
       AND EXISTS (SELECT 1 FROM app.contact_identifiers i WHERE i.tenant_id = p_tenant AND i.contact_id = p_survivor
                      AND i.kind = d.kind AND i.value = d.value);
    UPDATE app.contact_identifiers i
       SET contact_id = p_survivor, source_hash = NULL,
           is_primary = i.is_primary AND i.status = 'active' AND CASE i.kind WHEN 'phone' THEN s.phone IS NULL
               WHEN 'email' THEN s.email IS NULL ELSE true END
     WHERE i.tenant_id = p_tenant AND i.contact_id = p_loser;
    UPDATE app.contacts c
       SET merged_into = p_survivor, phone = NULL, email = NULL, external_reference_id = NULL, updated_at = p_now
     WHERE c.tenant_id = p_tenant AND c.id = p_loser;
    UPDATE app.contacts c SET merged_into = p_survivor WHERE c.tenant_id = p_tenant AND c.merged_into = p_loser;
    UPDATE app.contacts c
       SET first_name = coalesce(nullif(c.first_name, ''), l.first_name),
           last_name = coalesce(nullif(c.last_name, ''), l.last_name),
           phone = coalesce(c.phone, l.phone), email = coalesce(c.email, l.email),
           external_reference_id = coalesce(c.external_reference_id, l.external_reference_id),
           custom_properties = l.custom_properties || c.custom_properties, updated_at = p_now
     WHERE c.tenant_id = p_tenant AND c.id = p_survivor;

    INSERT INTO app.segment_members AS t (tenant_id, segment_id, contact_id, entered_at, left_at)
    SELECT p_tenant, m.segment_id, p_survivor, m.entered_at, m.left_at
      FROM app.segment_members m WHERE m.tenant_id = p_tenant AND m.contact_id = p_loser
    ON CONFLICT (tenant_id, segment_id, contact_id) DO UPDATE
       SET entered_at = least(t.entered_at, EXCLUDED.entered_at),
           left_at = CASE WHEN t.left_at IS NULL OR EXCLUDED.left_at IS NULL THEN NULL ELSE greatest(t.left_at, EXCLUDED.left_at) END;
    DELETE FROM app.segment_members m WHERE m.tenant_id = p_tenant AND m.contact_id = p_loser;

    -- Consent has a rule of its own.
    PERFORM app.merge_consents(p_tenant, p_survivor, p_loser, p_now);

    UPDATE app.events x SET contact_id = p_survivor WHERE x.tenant_id = p_tenant AND x.contact_id = p_loser;
    UPDATE app.flow_runs x SET contact_id = p_survivor WHERE x.tenant_id = p_tenant AND x.contact_id = p_loser;
    UPDATE app.deliveries x SET contact_id = p_survivor WHERE x.tenant_id = p_tenant AND x.contact_id = p_loser;
    UPDATE app.touches x SET contact_id = p_survivor WHERE x.tenant_id = p_tenant AND x.contact_id = p_loser;
    IF v_moved->'orders' <> '[]' THEN
        UPDATE app.orders x SET contact_id = p_survivor WHERE x.tenant_id = p_tenant AND x.contact_id = p_loser;
        UPDATE app.order_items x SET contact_id = p_survivor
         WHERE x.tenant_id = p_tenant AND x.order_id IN (SELECT y::uuid FROM jsonb_array_elements_text(v_moved->'orders') AS y);
        DELETE FROM app.contact_order_totals t WHERE t.tenant_id = p_tenant AND t.contact_id = p_loser;
        PERFORM app.recount_orders(p_tenant, p_survivor);
    END IF;
    UPDATE app.identity_conflicts c
       SET status = 'merged', resolved_by = p_actor, resolved_at = p_now
     WHERE c.tenant_id = p_tenant AND c.status = 'open' AND c.contact_ids @> ARRAY[p_survivor, p_loser]
       AND cardinality(c.contact_ids) = 2;
    PERFORM app.after_stitching(p_tenant, ARRAY[p_survivor], 'merge', p_now);
    PERFORM app.tell_of_contacts(p_tenant, ARRAY[p_survivor], 'contact.merged', p_now);
    RETURN v_merge;
END $$;

-- Emarsys may have to be told the opt-in of contacts that were linked, merged or got another primary phone.
CREATE FUNCTION app.after_stitching(p_tenant uuid, p_contacts uuid[], p_reason text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(p_contacts) > 0 THEN
        PERFORM app.queue_opt_in_exports(p_tenant, p_contacts, p_reason, p_now);
    END IF;
END $$;

-- The charles instance is told of contacts, where it has an endpoint.
CREATE FUNCTION app.tell_of_contacts(p_tenant uuid, p_contacts uuid[], p_type text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(p_contacts) > 0 THEN
        PERFORM app.queue_contact_deliveries(p_tenant, p_contacts, p_type, p_now);
    END IF;
END $$;

-- What follows from a batch, and its counts: contacts are told of, opt-ins are compared.
CREATE FUNCTION app.finish_stitching(p_tenant uuid, p_reason text, p_now timestamptz)
RETURNS TABLE (created int, updated int, unchanged int, rejected int)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_created uuid[];
    v_updated uuid[];
    v_retold uuid[];
BEGIN
    SELECT count(*) FILTER (WHERE o.action = 'created'), count(*) FILTER (WHERE o.action = 'updated'),
           count(*) FILTER (WHERE o.action = 'unchanged'), count(*) FILTER (WHERE o.action = 'rejected'),
           array_agg(o.contact_id) FILTER (WHERE o.action = 'created'),
           array_agg(DISTINCT o.contact_id) FILTER (WHERE o.action = 'updated'),
           array_agg(DISTINCT o.contact_id) FILTER (WHERE o.retold)
      INTO created, updated, unchanged, rejected, v_created, v_updated, v_retold
      FROM stitch_outcomes o;
    PERFORM app.after_stitching(p_tenant, v_retold, p_reason, p_now);
    PERFORM app.tell_of_contacts(p_tenant, v_created, 'contact.created', p_now);
    PERFORM app.tell_of_contacts(p_tenant, v_updated, 'contact.updated', p_now);
    RETURN NEXT;
END $$;

-- Undoes a merge within 30 days. Answers 'undone', or why not: not_found, already_undone, too_late, merged_further, erased.
CREATE FUNCTION app.undo_merge(p_tenant uuid, p_merge uuid, p_actor text, p_now timestamptz) RETURNS text
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    g app.merges;
    s app.contacts;
    l app.contacts;
    b app.contacts;   -- the survivor before
    a app.contacts;   -- the loser before
    v_phones text[];
    v_ids uuid[];
BEGIN
    SELECT * INTO g FROM app.merges x WHERE x.tenant_id = p_tenant AND x.id = p_merge FOR UPDATE;
    IF NOT FOUND THEN RETURN 'not_found'; END IF;
    IF g.undone_at IS NOT NULL THEN RETURN 'already_undone'; END IF;
    IF g.merged_at < p_now - interval '30 days' OR g.loser_before->'contact' IS NULL THEN RETURN 'too_late'; END IF;
    SELECT * INTO s FROM app.contacts c WHERE c.tenant_id = p_tenant AND c.id = g.survivor_id FOR UPDATE;
    SELECT * INTO l FROM app.contacts c WHERE c.tenant_id = p_tenant AND c.id = g.loser_id FOR UPDATE;
    IF s.erased_at IS NOT NULL OR l.erased_at IS NOT NULL OR s.id IS NULL OR l.id IS NULL THEN RETURN 'erased'; END IF;
    IF s.merged_into IS NOT NULL OR l.merged_into IS DISTINCT FROM g.survivor_id THEN RETURN 'merged_further'; END IF;
    b := jsonb_populate_record(NULL::app.contacts, g.survivor_before->'contact');
    a := jsonb_populate_record(NULL::app.contacts, g.loser_before->'contact');

    -- Identifiers return by the snapshot; what came later stays with the survivor.
    DELETE FROM app.contact_identifiers i
     USING jsonb_populate_recordset(NULL::app.contact_identifiers, g.loser_before->'identifiers') AS o
     WHERE i.tenant_id = p_tenant AND i.contact_id = g.survivor_id AND i.kind = o.kind AND i.value = o.value
       AND NOT EXISTS (SELECT 1 FROM jsonb_populate_recordset(NULL::app.contact_identifiers, g.survivor_before->'identifiers') AS k
                        WHERE k.kind = o.kind AND k.value = o.value AND k.status = 'active');
    INSERT INTO app.contact_identifiers (tenant_id, kind, value, contact_id, raw, is_primary, source, status, flags, first_seen, last_seen)
    SELECT p_tenant, o.kind, o.value, g.loser_id, o.raw, o.is_primary, o.source,
           CASE WHEN o.status = 'active' AND EXISTS (
                    SELECT 1 FROM app.contact_identifiers x WHERE x.tenant_id = p_tenant AND x.kind = o.kind
                       AND x.value = o.value AND x.status = 'active') THEN 'released' ELSE o.status END,
           o.flags, o.first_seen, o.last_seen
      FROM jsonb_populate_recordset(NULL::app.contact_identifiers, g.loser_before->'identifiers') AS o
    ON CONFLICT (tenant_id, contact_id, kind, value) DO NOTHING;
    UPDATE app.contact_identifiers i SET source_hash = NULL
     WHERE i.tenant_id = p_tenant AND i.contact_id IN (g.survivor_id, g.loser_id) AND i.kind = 'emarsys_contact_id';

    UPDATE app.contacts c
       SET merged_into = NULL, first_name = a.first_name, last_name = a.last_name,
           phone = (SELECT i.value FROM app.contact_identifiers i WHERE i.tenant_id = p_tenant AND i.contact_id = g.loser_id
                       AND i.kind = 'phone' AND i.status = 'active' ORDER BY i.is_primary DESC LIMIT 1),
           email = (SELECT coalesce(i.raw, i.value) FROM app.contact_identifiers i WHERE i.tenant_id = p_tenant
                       AND i.contact_id = g.loser_id AND i.kind = 'email' AND i.status = 'active' ORDER BY i.is_primary DESC LIMIT 1),
           external_reference_id = a.external_reference_id, custom_properties = a.custom_properties, updated_at = p_now
     WHERE c.tenant_id = p_tenant AND c.id = g.loser_id;
    -- The survivor gives back what the merge filled in, unless it has changed since.
    UPDATE app.contacts c
       SET first_name = CASE WHEN coalesce(b.first_name, '') = '' AND c.first_name = a.first_name THEN b.first_name ELSE c.first_name END,
           last_name = CASE WHEN coalesce(b.last_name, '') = '' AND c.last_name = a.last_name THEN b.last_name ELSE c.last_name END,
           phone = CASE WHEN b.phone IS NULL AND c.phone = a.phone THEN NULL ELSE c.phone END,
           email = CASE WHEN b.email IS NULL AND c.email = a.email THEN NULL ELSE c.email END,
           external_reference_id = CASE WHEN b.external_reference_id IS NULL AND c.external_reference_id = a.external_reference_id
                                        THEN NULL ELSE c.external_reference_id END,
           custom_properties = coalesce((SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(c.custom_properties) e
                                          WHERE b.custom_properties ? e.key OR a.custom_properties->e.key IS DISTINCT FROM e.value), '{}'),
           updated_at = p_now
     WHERE c.tenant_id = p_tenant AND c.id = g.survivor_id;

    INSERT INTO app.segment_members (tenant_id, segment_id, contact_id, entered_at, left_at)
    SELECT p_tenant, o.segment_id, g.loser_id, o.entered_at, o.left_at
      FROM jsonb_populate_recordset(NULL::app.segment_members, g.loser_before->'segments') AS o
    ON CONFLICT (tenant_id, segment_id, contact_id) DO NOTHING;
    DELETE FROM app.segment_members m
     USING jsonb_populate_recordset(NULL::app.segment_members, g.loser_before->'segments') AS o
     WHERE m.tenant_id = p_tenant AND m.contact_id = g.survivor_id AND m.segment_id = o.segment_id
       AND NOT EXISTS (SELECT 1 FROM jsonb_populate_recordset(NULL::app.segment_members, g.survivor_before->'segments') AS k
                        WHERE k.segment_id = o.segment_id);

    -- Consent is split by phone: what was the loser's, and what came since for one of its phones.
    v_phones := ARRAY(SELECT o.value FROM jsonb_populate_recordset(NULL::app.contact_identifiers, g.loser_before->'identifiers') AS o
                       WHERE o.kind = 'phone');
    PERFORM app.split_consents(p_tenant, g.survivor_id, g.loser_id, v_phones, p_now);

    UPDATE app.events x SET contact_id = g.loser_id WHERE x.tenant_id = p_tenant AND x.contact_id = g.survivor_id
       AND x.id IN (SELECT y::uuid FROM jsonb_array_elements_text(g.moved->'events') AS y);
    UPDATE app.flow_runs x SET contact_id = g.loser_id WHERE x.tenant_id = p_tenant AND x.contact_id = g.survivor_id
       AND x.id IN (SELECT y::uuid FROM jsonb_array_elements_text(g.moved->'flow_runs') AS y);
    UPDATE app.deliveries x SET contact_id = g.loser_id WHERE x.tenant_id = p_tenant AND x.contact_id = g.survivor_id
       AND x.id IN (SELECT y::uuid FROM jsonb_array_elements_text(g.moved->'deliveries') AS y);
    UPDATE app.touches x SET contact_id = g.loser_id WHERE x.tenant_id = p_tenant AND x.contact_id = g.survivor_id
       AND x.id IN (SELECT y::uuid FROM jsonb_array_elements_text(g.moved->'touches') AS y);
    UPDATE app.opt_in_exports x SET contact_id = g.loser_id WHERE x.tenant_id = p_tenant AND x.contact_id = g.survivor_id
       AND x.state <> 'queued' AND x.id IN (SELECT y::uuid FROM jsonb_array_elements_text(g.moved->'opt_in_exports') AS y);
    -- What Emarsys holds is asked anew.
    DELETE FROM app.opt_in_confirmed o WHERE o.tenant_id = p_tenant AND o.contact_id IN (g.survivor_id, g.loser_id);
    IF g.moved->'orders' <> '[]' THEN
        v_ids := ARRAY(SELECT y::uuid FROM jsonb_array_elements_text(g.moved->'orders') AS y);
        UPDATE app.orders x SET contact_id = g.loser_id
         WHERE x.tenant_id = p_tenant AND x.contact_id = g.survivor_id AND x.id = ANY (v_ids);
        UPDATE app.order_items x SET contact_id = g.loser_id WHERE x.tenant_id = p_tenant AND x.order_id = ANY (v_ids);
        PERFORM app.recount_orders(p_tenant, g.survivor_id);
        PERFORM app.recount_orders(p_tenant, g.loser_id);
    END IF;
    -- The row that linked them will come again: it must not link them again.
    INSERT INTO app.not_same (tenant_id, contact_a, contact_b, decided_by, decided_at)
    VALUES (p_tenant, least(g.survivor_id, g.loser_id), greatest(g.survivor_id, g.loser_id), p_actor, p_now)
    ON CONFLICT (tenant_id, contact_a, contact_b) DO NOTHING;
    UPDATE app.merges x SET undone_at = p_now, undone_by = p_actor WHERE x.tenant_id = p_tenant AND x.id = p_merge;
    PERFORM app.after_stitching(p_tenant, ARRAY[g.survivor_id, g.loser_id], 'merge_undone', p_now);
    PERFORM app.tell_of_contacts(p_tenant, ARRAY[g.survivor_id, g.loser_id], 'contact.updated', p_now);
    RETURN 'undone';
END $$;
