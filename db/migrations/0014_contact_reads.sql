-- Reading contacts, their timeline and all their data; erasing; keeping only as long as promised.
SET LOCAL ROLE charles_owner;

-- What happened to a contact, the latest first, before (p_time, p_id).
CREATE FUNCTION app.contact_timeline(p_tenant uuid, p_contact uuid, p_time timestamptz, p_id uuid, p_limit int)
RETURNS TABLE (at timestamptz, id uuid, type text, data jsonb) LANGUAGE sql STABLE AS $$
    SELECT t.at, t.id, t.type, t.data FROM (
        (SELECT e.received_at AS at, e.id, 'event'::text AS type,
                jsonb_build_object('source', e.source, 'event_name', e.event_name, 'status', e.status) AS data
           FROM app.events e
          WHERE e.tenant_id = p_tenant AND e.contact_id = p_contact AND (e.received_at, e.id) < (p_time, p_id)
          ORDER BY e.received_at DESC, e.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT r.created_at, r.id, 'flow_run', jsonb_build_object('flow_id', r.flow_id, 'flow', f.name, 'state', r.state, 'event_id', r.event_id)
           FROM app.flow_runs r LEFT JOIN app.flows f ON f.tenant_id = p_tenant AND f.id = r.flow_id
          WHERE r.tenant_id = p_tenant AND r.contact_id = p_contact AND (r.created_at, r.id) < (p_time, p_id)
          ORDER BY r.created_at DESC, r.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT d.created_at, d.id, 'delivery', jsonb_build_object('type', d.type, 'state', d.state, 'attempts', d.attempts)
           FROM app.deliveries d
          WHERE d.tenant_id = p_tenant AND d.contact_id = p_contact AND (d.created_at, d.id) < (p_time, p_id)
          ORDER BY d.created_at DESC, d.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT o.ordered_at, o.id, 'order', jsonb_build_object('order_id', o.order_id, 'order_number', o.order_number, 'status', o.status,
                    'currency', o.currency, 'amount_total_gross', o.amount_total_gross::text)
           FROM app.orders o
          WHERE o.tenant_id = p_tenant AND o.contact_id = p_contact AND (o.ordered_at, o.id) < (p_time, p_id)
          ORDER BY o.ordered_at DESC, o.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT c.occurred_at, c.id, 'opt_in', jsonb_build_object('status', c.status, 'phone', c.phone, 'source', c.source,
                    'subscription_type', c.subscription_type)
           FROM app.consent_entries c
          WHERE c.tenant_id = p_tenant AND c.contact_id = p_contact AND (c.occurred_at, c.id) < (p_time, p_id)
          ORDER BY c.occurred_at DESC, c.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT x.created_at, x.id, 'opt_in_export', jsonb_build_object('status', x.status, 'state', x.state, 'reason', x.reason)
           FROM app.opt_in_exports x
          WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact AND (x.created_at, x.id) < (p_time, p_id)
          ORDER BY x.created_at DESC, x.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT h.occurred_at, h.id, 'touch', jsonb_build_object('kind', h.kind, 'flow_id', h.flow_id, 'campaign', h.campaign)
           FROM app.touches h
          WHERE h.tenant_id = p_tenant AND h.contact_id = p_contact AND (h.occurred_at, h.id) < (p_time, p_id)
          ORDER BY h.occurred_at DESC, h.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT m.merged_at, m.id, 'merge', jsonb_build_object('survivor_id', m.survivor_id, 'loser_id', m.loser_id, 'reason', m.reason,
                    'actor', m.actor, 'undone_at', m.undone_at)
           FROM app.merges m
          WHERE m.tenant_id = p_tenant AND p_contact IN (m.survivor_id, m.loser_id) AND (m.merged_at, m.id) < (p_time, p_id)
          ORDER BY m.merged_at DESC, m.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT i.first_seen, md5(i.contact_id::text || i.value)::uuid, 'import', jsonb_build_object('external_reference_id', i.value)
           FROM app.contact_identifiers i
          WHERE i.tenant_id = p_tenant AND i.contact_id = p_contact AND i.kind = 'emarsys_contact_id' AND i.source = 'emarsys_import'
            AND (i.first_seen, md5(i.contact_id::text || i.value)::uuid) < (p_time, p_id))
        UNION ALL
        (SELECT s.entered_at, md5(s.contact_id::text || s.segment_id)::uuid, 'segment_entered', jsonb_build_object('segment_id', s.segment_id)
           FROM app.segment_members s
          WHERE s.tenant_id = p_tenant AND s.contact_id = p_contact
            AND (s.entered_at, md5(s.contact_id::text || s.segment_id)::uuid) < (p_time, p_id))
        UNION ALL
        (SELECT s.left_at, md5(s.contact_id::text || s.segment_id || '-')::uuid, 'segment_left', jsonb_build_object('segment_id', s.segment_id)
           FROM app.segment_members s
          WHERE s.tenant_id = p_tenant AND s.contact_id = p_contact AND s.left_at IS NOT NULL
            AND (s.left_at, md5(s.contact_id::text || s.segment_id || '-')::uuid) < (p_time, p_id))
    ) AS t
     ORDER BY t.at DESC, t.id DESC LIMIT p_limit
$$;

-- All data of a person, for the right of access.
CREATE FUNCTION app.contact_data(p_tenant uuid, p_contact uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'identifiers', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id,source_hash}'::text[] ORDER BY x.kind, x.first_seen), '[]')
            FROM app.contact_identifiers x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'segments', (SELECT coalesce(jsonb_agg(jsonb_build_object('segment_id', x.segment_id, 'name', s.name, 'entered_at', x.entered_at,
                'left_at', x.left_at) ORDER BY x.entered_at), '[]')
            FROM app.segment_members x LEFT JOIN app.selected_segments s ON s.tenant_id = p_tenant AND s.segment_id = x.segment_id
           WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'opt_ins', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id,recorded_for}'::text[] ORDER BY x.occurred_at), '[]')
            FROM app.consent_entries x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'opt_in_exports', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id}'::text[] ORDER BY x.created_at), '[]')
            FROM app.opt_in_exports x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'events', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id,dedup_key}'::text[] ORDER BY x.received_at), '[]')
            FROM app.events x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'flow_runs', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id}'::text[] ORDER BY x.created_at), '[]')
            FROM app.flow_runs x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'deliveries', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id}'::text[] ORDER BY x.created_at), '[]')
            FROM app.deliveries x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'orders', (SELECT coalesce(jsonb_agg((to_jsonb(x) - '{tenant_id,contact_id}'::text[]) || jsonb_build_object('items', (
                    SELECT coalesce(jsonb_agg(to_jsonb(i) - '{tenant_id,order_id,contact_id}'::text[] ORDER BY i.position), '[]')
                      FROM app.order_items i WHERE i.tenant_id = p_tenant AND i.order_id = x.id)) ORDER BY x.ordered_at), '[]')
            FROM app.orders x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'touches', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id}'::text[] ORDER BY x.occurred_at), '[]')
            FROM app.touches x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'merges', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,moved}'::text[] ORDER BY x.merged_at), '[]')
            FROM app.merges x WHERE x.tenant_id = p_tenant AND p_contact IN (x.survivor_id, x.loser_id)),
        'identity_conflicts', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,fingerprint}'::text[] ORDER BY x.created_at), '[]')
            FROM app.identity_conflicts x WHERE x.tenant_id = p_tenant AND x.contact_ids @> ARRAY[p_contact]),
        'import_rejections', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id}'::text[] ORDER BY x.created_at), '[]')
            FROM app.import_rejections x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact))
$$;

-- What a person is known by, merged contacts included: what erasing has to hash.
CREATE FUNCTION app.erasure_values(p_tenant uuid, p_contact uuid) RETURNS TABLE (kind text, value text) LANGUAGE sql STABLE AS $$
    SELECT DISTINCT i.kind, i.value FROM app.contact_identifiers i
     WHERE i.tenant_id = p_tenant
       AND (i.contact_id = p_contact OR i.contact_id IN (SELECT c.id FROM app.contacts c WHERE c.tenant_id = p_tenant AND c.merged_into = p_contact))
$$;

-- Takes a person out at once: the identifiers become keyed hashes, the contact reads as erased. The rest follows in a job.
CREATE FUNCTION app.begin_erasure(p_tenant uuid, p_erasure uuid, p_contact uuid, p_kinds text[], p_hashes bytea[], p_actor text,
                                  p_now timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_ids uuid[] := ARRAY(SELECT c.id FROM app.contacts c WHERE c.tenant_id = p_tenant AND (c.id = p_contact OR c.merged_into = p_contact));
    v_values text[] := ARRAY(SELECT i.value FROM app.contact_identifiers i WHERE i.tenant_id = p_tenant AND i.contact_id = ANY (v_ids));
    v_rejections int;
BEGIN
    DELETE FROM app.import_rejections x
     WHERE x.tenant_id = p_tenant AND (x.contact_id = ANY (v_ids) OR x."values" ->> 'external_reference_id' = ANY (v_values));
    GET DIAGNOSTICS v_rejections = ROW_COUNT;
    DELETE FROM app.identifier_claims x WHERE x.tenant_id = p_tenant AND (x.value = ANY (v_values) OR x.external_id = ANY (v_values));
    DELETE FROM app.identifier_flags x WHERE x.tenant_id = p_tenant AND x.value = ANY (v_values) AND x.status = 'shared';
    DELETE FROM app.contact_identifiers x WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids);
    INSERT INTO app.erasures (tenant_id, id, contact_id, state, requested_by, requested_at, proof)
    VALUES (p_tenant, p_erasure, p_contact, 'received', p_actor, p_now, jsonb_build_object(
        'identifiers_hashed', cardinality(p_hashes), 'contact_identifiers', cardinality(v_values), 'import_rejections', v_rejections));
    INSERT INTO app.suppressions (tenant_id, kind, value_hash, erasure_id, created_at)
    SELECT p_tenant, u.kind, u.hash, p_erasure, p_now FROM unnest(p_kinds, p_hashes) AS u(kind, hash)
    ON CONFLICT (tenant_id, kind, value_hash) DO NOTHING;
    UPDATE app.contacts c
       SET erased_at = p_now, first_name = NULL, last_name = NULL, phone = NULL, email = NULL, external_reference_id = NULL,
           custom_properties = '{}', opt_in = NULL, opt_in_at = NULL, updated_at = p_now
     WHERE c.tenant_id = p_tenant AND (c.id = p_contact OR c.merged_into = p_contact);
    PERFORM app.enqueue(p_tenant, 'maintenance', 'erase_contact', jsonb_build_object('erasure_id', p_erasure),
                        'erase:' || p_contact::text, p_now, p_now, 0::smallint);
END $$;

-- Erases everything that hangs on the person. Orders stay as anonymous sums. Answers the number of rows by table.
CREATE FUNCTION app.erase_contact(p_tenant uuid, p_erasure uuid, p_now timestamptz) RETURNS jsonb
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_contact uuid;
    v_ids uuid[];
    v_orders uuid[];
    v_proof jsonb;
    n int;
BEGIN
    SELECT e.contact_id, coalesce(e.proof, '{}') INTO v_contact, v_proof FROM app.erasures e
     WHERE e.tenant_id = p_tenant AND e.id = p_erasure FOR UPDATE;
    IF v_contact IS NULL THEN RETURN NULL; END IF;
    v_ids := ARRAY(SELECT c.id FROM app.contacts c WHERE c.tenant_id = p_tenant AND (c.id = v_contact OR c.merged_into = v_contact));

    DELETE FROM app.segment_members x WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids);
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('segment_members', n);
    DELETE FROM app.consents x WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids);
    DELETE FROM app.consent_entries x WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids);
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('consent_entries', n);
    DELETE FROM app.opt_in_confirmed x WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids);
    DELETE FROM app.opt_in_exports x WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids);
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('opt_in_exports', n);
    UPDATE app.event_attempts x SET trace = NULL
     WHERE x.tenant_id = p_tenant AND x.event_id IN (SELECT e.id FROM app.events e WHERE e.tenant_id = p_tenant AND e.contact_id = ANY (v_ids));
    UPDATE app.events x SET body = '{}', errors = NULL, trace = NULL WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids);
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('events', n);
    UPDATE app.flow_runs x SET payload = '{}', last_error = NULL WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids);
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('flow_runs', n);
    DELETE FROM app.deliveries x WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids) AND x.state = 'queued' AND x.type <> 'contact.erased';
    UPDATE app.deliveries x SET body = '{}', last_error = NULL
     WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids) AND x.type <> 'contact.erased';
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('deliveries', n);
    DELETE FROM app.touches x WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids);
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('touches', n);
    v_orders := ARRAY(SELECT o.id FROM app.orders o WHERE o.tenant_id = p_tenant AND o.contact_id = ANY (v_ids));
    UPDATE app.orders x SET contact_id = NULL, outcome = 'anonymous', details = '{}', updated_at = p_now
     WHERE x.tenant_id = p_tenant AND x.id = ANY (v_orders);
    UPDATE app.order_items x SET contact_id = NULL, details = '{}' WHERE x.tenant_id = p_tenant AND x.order_id = ANY (v_orders);
    UPDATE app.order_history x SET snapshot = '{}' WHERE x.tenant_id = p_tenant AND x.order_id = ANY (v_orders);
    v_proof := v_proof || jsonb_build_object('orders_made_anonymous', cardinality(v_orders));
    DELETE FROM app.contact_order_totals x WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids);
    UPDATE app.merges x SET survivor_before = '{}', loser_before = '{}', moved = '{}'
     WHERE x.tenant_id = p_tenant AND (x.survivor_id = ANY (v_ids) OR x.loser_id = ANY (v_ids));
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('merges', n);
    DELETE FROM app.identity_conflicts x WHERE x.tenant_id = p_tenant AND x.contact_ids && v_ids;
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('identity_conflicts', n);
    DELETE FROM app.not_same x WHERE x.tenant_id = p_tenant AND (x.contact_a = ANY (v_ids) OR x.contact_b = ANY (v_ids));
    UPDATE app.imports x SET sample = NULL WHERE x.tenant_id = p_tenant AND x.sample IS NOT NULL;
    UPDATE app.erasures e SET state = 'finished', finished_at = p_now, proof = v_proof WHERE e.tenant_id = p_tenant AND e.id = p_erasure;
    PERFORM app.queue_deliveries(p_tenant, ARRAY['contact.erased'], ARRAY[v_contact], ARRAY[NULL::uuid],
        ARRAY[jsonb_build_object('contact', jsonb_build_object('id', v_contact))], p_now);
    RETURN v_proof;
END $$;

-- Keeps what is promised and no more: rejections 14 days, webhook bodies 30 days, snapshots of merges 30 days; a phone that
-- another one replaced is released after 30 days unless a consent hangs on it.
CREATE FUNCTION app.keep_promises(p_tenant uuid, p_now timestamptz) RETURNS jsonb LANGUAGE plpgsql SET jit = off AS $$
DECLARE
    v_proof jsonb := '{}';
    n int;
BEGIN
    DELETE FROM app.import_rejections x
     USING app.imports i
     WHERE x.tenant_id = p_tenant AND i.tenant_id = p_tenant AND i.id = x.import_id AND i.queued_at < p_now - interval '14 days'
       AND x.created_at < p_now - interval '14 days';
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('import_rejections', n);
    UPDATE app.imports x SET sample = NULL
     WHERE x.tenant_id = p_tenant AND x.sample IS NOT NULL AND x.queued_at < p_now - interval '14 days';
    UPDATE app.events x SET body = '{}', errors = NULL
     WHERE x.tenant_id = p_tenant AND x.received_at < p_now - interval '30 days' AND x.status IN ('processed', 'rejected', 'failed')
       AND x.body <> '{}';
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('events', n);
    UPDATE app.deliveries x SET body = '{}'
     WHERE x.tenant_id = p_tenant AND x.created_at < p_now - interval '30 days' AND x.state IN ('delivered', 'dead') AND x.body <> '{}';
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('deliveries', n);
    UPDATE app.merges x SET survivor_before = '{}', loser_before = '{}', moved = '{}'
     WHERE x.tenant_id = p_tenant AND x.merged_at < p_now - interval '30 days' AND x.survivor_before <> '{}';
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('merges', n);
    UPDATE app.contact_identifiers i SET status = 'released'
     WHERE i.tenant_id = p_tenant AND i.demoted_at < p_now - interval '30 days' AND i.status = 'active' AND i.kind = 'phone'
       AND NOT i.is_primary
       AND NOT EXISTS (SELECT 1 FROM app.consents k WHERE k.tenant_id = p_tenant AND k.contact_id = i.contact_id AND k.phone = i.value);
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('phones_released', n);
    DELETE FROM app.idempotency_keys x WHERE x.tenant_id = p_tenant AND x.created_at < p_now - interval '2 days';
    RETURN v_proof;
END $$;

-- Undoes nothing and merges nothing: a person says that these are several people.
CREATE FUNCTION app.declare_not_same(p_tenant uuid, p_conflict uuid, p_contacts uuid[], p_actor text, p_now timestamptz) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO app.not_same (tenant_id, contact_a, contact_b, decided_by, decided_at)
    SELECT p_tenant, a, b, p_actor, p_now FROM unnest(p_contacts) AS a CROSS JOIN unnest(p_contacts) AS b WHERE a < b
    ON CONFLICT (tenant_id, contact_a, contact_b) DO NOTHING;
    UPDATE app.identity_conflicts SET status = 'not_same', resolved_by = p_actor, resolved_at = p_now
     WHERE tenant_id = p_tenant AND id = p_conflict AND status = 'open';
$$;

-- A contact that a person merged may have two Emarsys ids: the first one stays the one that is shown.
CREATE OR REPLACE FUNCTION app.merge_contacts(p_tenant uuid, p_survivor uuid, p_loser uuid, p_reason text, p_actor text, p_import uuid,
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
               WHEN 'email' THEN s.email IS NULL
               WHEN 'emarsys_contact_id' THEN s.external_reference_id IS NULL ELSE true END
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
    DELETE FROM app.not_same x
     WHERE x.tenant_id = p_tenant AND x.contact_a = least(p_survivor, p_loser) AND x.contact_b = greatest(p_survivor, p_loser);
    UPDATE app.identity_conflicts c
       SET status = 'merged', resolved_by = p_actor, resolved_at = p_now
     WHERE c.tenant_id = p_tenant AND c.status = 'open' AND c.contact_ids @> ARRAY[p_survivor, p_loser]
       AND cardinality(c.contact_ids) = 2;
    PERFORM app.after_stitching(p_tenant, ARRAY[p_survivor], 'merge', p_now);
    PERFORM app.tell_of_contacts(p_tenant, ARRAY[p_survivor], 'contact.merged', p_now);
    RETURN v_merge;
END $$;

CREATE OR REPLACE FUNCTION app.apply_stitching(p_tenant uuid, p_source text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_nestloop = off
SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    v_touched uuid[];
    v_moved uuid[];
    v_hashed uuid[];
BEGIN
    SELECT array_agg(w.target) FILTER (WHERE w.changed OR w.attach_ext OR w.attach_phone OR w.attach_email),
           array_agg(w.target) FILTER (WHERE w.changed AND (w.main_phone OR w.main_email)),
           array_agg(w.target) FILTER (WHERE NOT w.attach_ext AND (w.s).source_hash IS NOT NULL)
      INTO v_touched, v_moved, v_hashed
      FROM stitch_work w WHERE w.kind = 'update';

    INSERT INTO app.contacts (tenant_id, id, first_name, last_name, phone, email, external_reference_id, custom_properties,
                              created_at, updated_at)
    SELECT p_tenant, w.target, w.first_name, w.last_name, w.phone, w.email, (w.s).ext, w.custom, p_now, p_now
      FROM stitch_work w WHERE w.kind = 'create'
    ON CONFLICT (tenant_id, id) DO NOTHING;

    IF v_touched IS NOT NULL THEN
    UPDATE app.contacts c
       SET first_name = w.first_name, last_name = w.last_name, phone = w.phone, email = w.email,
           custom_properties = w.custom, external_reference_id = coalesce(c.external_reference_id, (w.s).ext),
           updated_at = p_now
      FROM stitch_work w
     WHERE w.kind = 'update' AND (w.changed OR w.attach_ext OR w.attach_phone OR w.attach_email)
       AND c.tenant_id = p_tenant AND c.id = ANY (v_touched) AND c.id = w.target;
    END IF;

    IF v_moved IS NOT NULL THEN
    -- Another value becomes primary: the old one steps back.
    UPDATE app.contact_identifiers i
       SET is_primary = (i.value = (w.s).phone), demoted_at = CASE WHEN i.value <> (w.s).phone THEN p_now END
      FROM stitch_work w
     WHERE w.kind = 'update' AND w.changed AND w.main_phone AND i.tenant_id = p_tenant AND i.contact_id = ANY (v_moved)
       AND i.contact_id = w.target AND i.kind = 'phone' AND i.status = 'active' AND i.is_primary <> (i.value = (w.s).phone);
    UPDATE app.contact_identifiers i
       SET is_primary = (i.value = (w.s).email), demoted_at = CASE WHEN i.value <> (w.s).email THEN p_now END,
           status = CASE WHEN i.value <> (w.s).email THEN 'released' ELSE i.status END
      FROM stitch_work w
     WHERE w.kind = 'update' AND w.changed AND w.main_email AND i.tenant_id = p_tenant AND i.contact_id = ANY (v_moved)
       AND i.contact_id = w.target AND i.kind = 'email' AND i.status = 'active' AND i.is_primary <> (i.value = (w.s).email);
    END IF;

    INSERT INTO app.contact_identifiers (tenant_id, kind, value, contact_id, raw, is_primary, source, flags, first_seen,
                                         last_seen, source_hash)
    SELECT p_tenant, v.kind, v.value, w.target, v.raw, v.main, p_source, v.flags, p_now, p_now, v.hash
      FROM stitch_work w
      CROSS JOIN LATERAL (VALUES
          (w.attach_ext, 'emarsys_contact_id', (w.s).ext, NULL::text, true, '{}'::text[], (w.s).source_hash),
          (w.attach_phone, 'phone', (w.s).phone, (w.s).phone_raw, w.main_phone, (w.s).phone_flags, NULL),
          (w.attach_email, 'email', (w.s).email, nullif((w.s).email_shown, (w.s).email), w.main_email, '{}', NULL)
      ) AS v(attach, kind, value, raw, main, flags, hash)
     WHERE v.attach AND w.kind <> 'reject'
    ON CONFLICT (tenant_id, contact_id, kind, value) DO UPDATE
       SET status = 'active', is_primary = EXCLUDED.is_primary, raw = EXCLUDED.raw, last_seen = EXCLUDED.last_seen,
           source_hash = EXCLUDED.source_hash, demoted_at = NULL;

    IF v_hashed IS NOT NULL THEN
    UPDATE app.contact_identifiers i SET source_hash = (w.s).source_hash, last_seen = p_now
      FROM stitch_work w
     WHERE w.kind = 'update' AND NOT w.attach_ext AND (w.s).source_hash IS NOT NULL
       AND i.tenant_id = p_tenant AND i.contact_id = ANY (v_hashed) AND i.contact_id = w.target
       AND i.kind = 'emarsys_contact_id' AND i.value = (w.s).ext
       AND i.source_hash IS DISTINCT FROM (w.s).source_hash;
    END IF;

    INSERT INTO app.segment_members (tenant_id, segment_id, contact_id, entered_at)
    SELECT p_tenant, g, w.target, p_now
      FROM stitch_work w
      CROSS JOIN LATERAL unnest(CASE WHEN w.kind = 'create' OR w.attach_ext THEN (w.s).belongs ELSE (w.s).entering END) AS g
     WHERE w.kind <> 'reject'
    ON CONFLICT (tenant_id, segment_id, contact_id) DO UPDATE SET left_at = NULL, entered_at = EXCLUDED.entered_at
        WHERE app.segment_members.left_at IS NOT NULL;

    INSERT INTO stitch_outcomes
    SELECT w.n,
           CASE w.kind WHEN 'create' THEN 'created' WHEN 'reject' THEN 'rejected'
                ELSE CASE WHEN w.changed OR w.attach_ext OR w.attach_phone OR w.attach_email THEN 'updated' ELSE 'unchanged' END END,
           CASE WHEN w.kind <> 'reject' THEN w.target END,
           w.kind <> 'reject' AND w.attach_ext,
           w.kind = 'update' AND (w.attach_ext OR w.changed AND w.main_phone)
      FROM stitch_work w;
    DELETE FROM stitch_work;
END $$;
