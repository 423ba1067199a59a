-- Erasing a person leaves nothing readable behind, also where no contact was attached, and loses no withdrawal; a fresh
-- dated grant lifts a suppression; what is kept for a time only is cleared away.
SET LOCAL ROLE charles_owner;

-- Whether one of these phones (E.164) or e-mails (small letters) stands anywhere in a JSON value, however it is written.
-- National spellings are told by their last nine digits.
CREATE FUNCTION app.mentions(p_json jsonb, p_values text[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT EXISTS (
        SELECT 1
          FROM jsonb_path_query(p_json, 'lax $.**') AS j
          CROSS JOIN LATERAL (SELECT j #>> '{}' AS t) s
          CROSS JOIN LATERAL (SELECT regexp_replace(s.t, '[^0-9]', '', 'g') AS d) g
         WHERE jsonb_typeof(j) IN ('string', 'number') AND length(s.t) BETWEEN 5 AND 320
           AND EXISTS (SELECT 1 FROM unnest(p_values) AS v
                        WHERE CASE WHEN v LIKE '+%' THEN length(g.d) >= 9 AND s.t ~ '^[-+()/. 0-9]+$'
                                                         AND right(g.d, 9) = right(v, 9)
                                   ELSE lower(btrim(s.t)) = v END))
$$;

-- All data of a person, for the right of access.
CREATE OR REPLACE FUNCTION app.contact_data(p_tenant uuid, p_contact uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'identifiers', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id,source_hash}'::text[] ORDER BY x.kind, x.first_seen), '[]')
            FROM app.contact_identifiers x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'segments', (SELECT coalesce(jsonb_agg(jsonb_build_object('segment_id', x.segment_id, 'name', s.name, 'entered_at', x.entered_at,
                'left_at', x.left_at) ORDER BY x.entered_at), '[]')
            FROM app.segment_members x LEFT JOIN app.selected_segments s ON s.tenant_id = p_tenant AND s.segment_id = x.segment_id
           WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'opt_ins', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id,recorded_for}'::text[] ORDER BY x.occurred_at), '[]')
            FROM app.consent_entries x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'opt_in_states', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id,entry_id}'::text[] ORDER BY x.subscription_type, x.phone), '[]')
            FROM app.consents x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'opt_in_held_by_emarsys', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id}'::text[]), '[]')
            FROM app.opt_in_confirmed x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'opt_in_exports', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id,batch}'::text[] ORDER BY x.created_at), '[]')
            FROM app.opt_in_exports x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'events', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id,dedup_key}'::text[] ORDER BY x.received_at), '[]')
            FROM app.events x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'event_attempts', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id}'::text[] ORDER BY x.at), '[]')
            FROM app.event_attempts x JOIN app.events e ON e.tenant_id = p_tenant AND e.id = x.event_id
           WHERE x.tenant_id = p_tenant AND e.contact_id = p_contact),
        'flow_runs', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id}'::text[] ORDER BY x.created_at), '[]')
            FROM app.flow_runs x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'deliveries', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id}'::text[] ORDER BY x.created_at), '[]')
            FROM app.deliveries x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'orders', (SELECT coalesce(jsonb_agg((to_jsonb(x) - '{tenant_id,contact_id}'::text[]) || jsonb_build_object('items', (
                    SELECT coalesce(jsonb_agg(to_jsonb(i) - '{tenant_id,order_id,contact_id}'::text[] ORDER BY i.position), '[]')
                      FROM app.order_items i WHERE i.tenant_id = p_tenant AND i.order_id = x.id)) ORDER BY x.ordered_at), '[]')
            FROM app.orders x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'order_history', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id}'::text[]), '[]')
            FROM app.order_history x JOIN app.orders o ON o.tenant_id = p_tenant AND o.id = x.order_id
           WHERE x.tenant_id = p_tenant AND o.contact_id = p_contact),
        'order_totals', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id}'::text[] ORDER BY x.currency), '[]')
            FROM app.contact_order_totals x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'touches', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id}'::text[] ORDER BY x.occurred_at), '[]')
            FROM app.touches x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact),
        'merges', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,moved}'::text[] ORDER BY x.merged_at), '[]')
            FROM app.merges x WHERE x.tenant_id = p_tenant AND p_contact IN (x.survivor_id, x.loser_id)),
        'identity_conflicts', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,fingerprint}'::text[] ORDER BY x.created_at), '[]')
            FROM app.identity_conflicts x WHERE x.tenant_id = p_tenant AND x.contact_ids @> ARRAY[p_contact]),
        'import_rejections', (SELECT coalesce(jsonb_agg(to_jsonb(x) - '{tenant_id,contact_id}'::text[] ORDER BY x.created_at), '[]')
            FROM app.import_rejections x WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact))
$$;

-- Takes a person out at once: the identifiers become keyed hashes, the contact reads as erased, and what names the person
-- without being attached to them goes now, while their values are known. The rest follows in a job.
CREATE OR REPLACE FUNCTION app.begin_erasure(p_tenant uuid, p_erasure uuid, p_contact uuid, p_kinds text[], p_hashes bytea[],
                                             p_actor text, p_now timestamptz) RETURNS void LANGUAGE plpgsql SET jit = off AS $$
DECLARE
    v_ids uuid[] := ARRAY(SELECT c.id FROM app.contacts c WHERE c.tenant_id = p_tenant AND (c.id = p_contact OR c.merged_into = p_contact));
    v_values text[] := ARRAY(SELECT i.value FROM app.contact_identifiers i WHERE i.tenant_id = p_tenant AND i.contact_id = ANY (v_ids));
    v_named text[] := ARRAY(SELECT i.value FROM app.contact_identifiers i
                             WHERE i.tenant_id = p_tenant AND i.contact_id = ANY (v_ids) AND i.kind IN ('phone', 'email'));
    v_rejections int;
    v_events int;
    v_orders int;
BEGIN
    DELETE FROM app.import_rejections x
     WHERE x.tenant_id = p_tenant AND (x.contact_id = ANY (v_ids) OR x."values" ->> 'external_reference_id' = ANY (v_values)
                                       OR app.mentions(x."values", v_named));
    GET DIAGNOSTICS v_rejections = ROW_COUNT;
    UPDATE app.events x SET body = '{}', errors = NULL, trace = NULL
     WHERE x.tenant_id = p_tenant AND x.contact_id IS NULL AND x.status IN ('processed', 'rejected', 'failed')
       AND x.body <> '{}' AND app.mentions(x.body, v_named);
    GET DIAGNOSTICS v_events = ROW_COUNT;
    UPDATE app.orders x SET details = '{}', updated_at = p_now
     WHERE x.tenant_id = p_tenant AND x.contact_id IS NULL AND x.details <> '{}' AND app.mentions(x.details, v_named);
    GET DIAGNOSTICS v_orders = ROW_COUNT;
    DELETE FROM app.identifier_claims x WHERE x.tenant_id = p_tenant AND (x.value = ANY (v_values) OR x.external_id = ANY (v_values));
    DELETE FROM app.identifier_flags x WHERE x.tenant_id = p_tenant AND x.value = ANY (v_values) AND x.status = 'shared';
    DELETE FROM app.contact_identifiers x WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids);
    INSERT INTO app.erasures (tenant_id, id, contact_id, state, requested_by, requested_at, proof)
    VALUES (p_tenant, p_erasure, p_contact, 'received', p_actor, p_now, jsonb_build_object(
        'identifiers_hashed', cardinality(p_hashes), 'contact_identifiers', cardinality(v_values), 'import_rejections', v_rejections,
        'unattached_events', v_events, 'unattached_orders', v_orders));
    INSERT INTO app.suppressions (tenant_id, kind, value_hash, erasure_id, created_at)
    SELECT p_tenant, u.kind, u.hash, p_erasure, p_now FROM unnest(p_kinds, p_hashes) AS u(kind, hash)
    ON CONFLICT (tenant_id, kind, value_hash) DO UPDATE SET erasure_id = EXCLUDED.erasure_id, created_at = EXCLUDED.created_at;
    UPDATE app.contacts c
       SET erased_at = p_now, first_name = NULL, last_name = NULL, phone = NULL, email = NULL, external_reference_id = NULL,
           custom_properties = '{}', opt_in = NULL, opt_in_at = NULL, updated_at = p_now
     WHERE c.tenant_id = p_tenant AND (c.id = p_contact OR c.merged_into = p_contact);
    PERFORM app.enqueue(p_tenant, 'maintenance', 'erase_contact', jsonb_build_object('erasure_id', p_erasure),
                        'erase:' || p_contact::text, p_now, p_now, 0::smallint);
END $$;

-- Adds to a count of the proof: erasing may take several passes.
CREATE FUNCTION app.counted(p_proof jsonb, p_name text, p_count int) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT p_proof || jsonb_build_object(p_name, coalesce((p_proof ->> p_name)::int, 0) + p_count)
$$;

-- Erases everything that hangs on the person. Orders stay as anonymous sums. A withdrawal that Emarsys has not been told yet
-- goes first: while one waits, at most three days, all else is erased and the state is 'partial'. Answers the state.
DROP FUNCTION app.erase_contact(uuid, uuid, timestamptz);
CREATE FUNCTION app.erase_contact(p_tenant uuid, p_erasure uuid, p_now timestamptz) RETURNS text
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_contact uuid;
    v_requested timestamptz;
    v_ids uuid[];
    v_orders uuid[];
    v_proof jsonb;
    v_is_first boolean;
    v_waiting uuid[] := '{}';
    n int;
BEGIN
    SELECT e.contact_id, e.requested_at, coalesce(e.proof, '{}') INTO v_contact, v_requested, v_proof FROM app.erasures e
     WHERE e.tenant_id = p_tenant AND e.id = p_erasure AND e.state <> 'finished' FOR UPDATE;
    IF v_contact IS NULL THEN RETURN NULL; END IF;
    v_is_first := NOT v_proof ? 'opt_in_exports';
    v_ids := ARRAY(SELECT c.id FROM app.contacts c WHERE c.tenant_id = p_tenant AND (c.id = v_contact OR c.merged_into = v_contact));

    -- Withdrawals that can still be passed on: by id, to the Emarsys contact that they were meant for.
    IF EXISTS (SELECT 1 FROM app.connections c JOIN app.opt_in_fields f ON f.tenant_id = p_tenant
                WHERE c.tenant_id = p_tenant AND c.status <> 'disconnected') THEN
        v_waiting := ARRAY(SELECT x.id FROM app.opt_in_exports x
                            WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids) AND x.status = 'withdrawn'
                              AND x.emarsys_contact_id IS NOT NULL
                              AND (x.state IN ('queued', 'sent')
                                   OR x.state = 'failed' AND app.is_call_fault(x.last_error ->> 'code')
                                      AND NOT EXISTS (SELECT 1 FROM app.opt_in_exports l
                                                       WHERE l.tenant_id = p_tenant AND l.contact_id = x.contact_id
                                                         AND l.created_at > x.created_at)));
    END IF;
    IF cardinality(v_waiting) > 0 AND p_now >= v_requested + interval '3 days' THEN
        v_proof := v_proof || jsonb_build_object('withdrawals_not_passed_on', cardinality(v_waiting));
        v_waiting := '{}';
    END IF;

    DELETE FROM app.segment_members x WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids);
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := app.counted(v_proof, 'segment_members', n);
    DELETE FROM app.consents x WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids);
    DELETE FROM app.consent_entries x WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids);
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := app.counted(v_proof, 'consent_entries', n);
    DELETE FROM app.opt_in_confirmed x WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids);
    DELETE FROM app.opt_in_exports x WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids) AND x.id <> ALL (v_waiting);
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := app.counted(v_proof, 'opt_in_exports', n);
    UPDATE app.event_attempts x SET trace = NULL
     WHERE x.tenant_id = p_tenant AND x.event_id IN (SELECT e.id FROM app.events e WHERE e.tenant_id = p_tenant AND e.contact_id = ANY (v_ids));
    UPDATE app.events x SET body = '{}', errors = NULL, trace = NULL
     WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids)
       AND (x.body <> '{}' OR x.errors IS NOT NULL OR x.trace IS NOT NULL);
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := app.counted(v_proof, 'events', n);
    UPDATE app.flow_runs x SET payload = '{}', last_error = NULL
     WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids) AND (x.payload <> '{}' OR x.last_error IS NOT NULL);
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := app.counted(v_proof, 'flow_runs', n);
    DELETE FROM app.deliveries x WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids) AND x.state = 'queued' AND x.type <> 'contact.erased';
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := app.counted(v_proof, 'deliveries', n);
    UPDATE app.deliveries x SET body = '{}', last_error = NULL
     WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids) AND x.type <> 'contact.erased'
       AND (x.body <> '{}' OR x.last_error IS NOT NULL);
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := app.counted(v_proof, 'deliveries', n);
    DELETE FROM app.touches x WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids);
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := app.counted(v_proof, 'touches', n);
    v_orders := ARRAY(SELECT o.id FROM app.orders o WHERE o.tenant_id = p_tenant AND o.contact_id = ANY (v_ids));
    UPDATE app.orders x SET contact_id = NULL, outcome = 'anonymous', details = '{}', updated_at = p_now
     WHERE x.tenant_id = p_tenant AND x.id = ANY (v_orders);
    UPDATE app.order_items x SET contact_id = NULL, details = '{}' WHERE x.tenant_id = p_tenant AND x.order_id = ANY (v_orders);
    UPDATE app.order_history x SET snapshot = '{}' WHERE x.tenant_id = p_tenant AND x.order_id = ANY (v_orders);
    v_proof := app.counted(v_proof, 'orders_made_anonymous', cardinality(v_orders));
    DELETE FROM app.contact_order_totals x WHERE x.tenant_id = p_tenant AND x.contact_id = ANY (v_ids);
    UPDATE app.merges x SET survivor_before = '{}', loser_before = '{}', moved = '{}'
     WHERE x.tenant_id = p_tenant AND (x.survivor_id = ANY (v_ids) OR x.loser_id = ANY (v_ids)) AND x.survivor_before <> '{}';
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := app.counted(v_proof, 'merges', n);
    DELETE FROM app.identity_conflicts x WHERE x.tenant_id = p_tenant AND x.contact_ids && v_ids;
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := app.counted(v_proof, 'identity_conflicts', n);
    DELETE FROM app.not_same x WHERE x.tenant_id = p_tenant AND (x.contact_a = ANY (v_ids) OR x.contact_b = ANY (v_ids));
    UPDATE app.imports x SET sample = NULL WHERE x.tenant_id = p_tenant AND x.sample IS NOT NULL;

    v_proof := v_proof || jsonb_build_object('withdrawals_waiting', cardinality(v_waiting));
    UPDATE app.erasures e
       SET state = CASE WHEN cardinality(v_waiting) > 0 THEN 'partial' ELSE 'finished' END,
           finished_at = CASE WHEN cardinality(v_waiting) > 0 THEN NULL ELSE p_now END, proof = v_proof
     WHERE e.tenant_id = p_tenant AND e.id = p_erasure;
    IF v_is_first THEN
        PERFORM app.queue_deliveries(p_tenant, ARRAY['contact.erased'], ARRAY[v_contact], ARRAY[NULL::uuid],
            ARRAY[jsonb_build_object('contact', jsonb_build_object('id', v_contact))], p_now);
    END IF;
    RETURN CASE WHEN cardinality(v_waiting) > 0 THEN 'partial' ELSE 'finished' END;
END $$;

-- A dated grant that is later than the erasure brings a person back; nothing else does. With one of their values all of
-- them are free again: who is back can be found in Emarsys, and their next withdrawal has somewhere to go.
CREATE FUNCTION app.lift_suppressions(p_tenant uuid, p_hashes bytea[], p_granted_at timestamptz, p_actor text, p_now timestamptz)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    v_erasures uuid[];
    n int;
BEGIN
    SELECT array_agg(DISTINCT s.erasure_id) INTO v_erasures FROM app.suppressions s
     WHERE s.tenant_id = p_tenant AND s.value_hash = ANY (p_hashes) AND s.created_at < p_granted_at;
    IF v_erasures IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM app.suppressions s WHERE s.tenant_id = p_tenant AND s.erasure_id = ANY (v_erasures) AND s.created_at < p_granted_at;
    GET DIAGNOSTICS n = ROW_COUNT;
    UPDATE app.erasures e
       SET proof = coalesce(e.proof, '{}') || jsonb_build_object('lifted_at', app.rfc3339(p_now), 'lifted_by', p_actor,
                                                                 'granted_at', app.rfc3339(p_granted_at))
     WHERE e.tenant_id = p_tenant AND e.id = ANY (v_erasures);
    RETURN n;
END $$;

-- Keeps what is promised and no more: rejections and samples 14 days; webhook bodies, what they started and what was
-- delivered 30 days; snapshots of merges 30 days; a phone that another one replaced is released after 30 days unless a
-- consent hangs on it; answers to repeated requests two days, ended sessions none.
CREATE OR REPLACE FUNCTION app.keep_promises(p_tenant uuid, p_now timestamptz) RETURNS jsonb LANGUAGE plpgsql SET jit = off AS $$
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
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('import_samples', n);
    UPDATE app.event_attempts x SET trace = NULL
     WHERE x.tenant_id = p_tenant AND x.at < p_now - interval '30 days' AND x.trace IS NOT NULL;
    UPDATE app.events x SET body = '{}', errors = NULL
     WHERE x.tenant_id = p_tenant AND x.received_at < p_now - interval '30 days' AND x.status IN ('processed', 'rejected', 'failed')
       AND x.body <> '{}';
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('events', n);
    UPDATE app.flow_runs x SET payload = '{}'
     WHERE x.tenant_id = p_tenant AND x.created_at < p_now - interval '30 days' AND x.state <> 'queued' AND x.payload <> '{}';
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('flow_runs', n);
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
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('idempotency_keys', n);
    DELETE FROM app.sessions x WHERE x.tenant_id = p_tenant AND x.expires_at < p_now;
    GET DIAGNOSTICS n = ROW_COUNT; v_proof := v_proof || jsonb_build_object('sessions', n);
    RETURN v_proof;
END $$;

-- Looks of the housekeeping over all tenants: who lacks the daily clearing away, and what a removed tenant left in the queue.
CREATE FUNCTION app.keep_house(p_now timestamptz) RETURNS int LANGUAGE plpgsql SET jit = off AS $$
DECLARE
    n int;
BEGIN
    DELETE FROM app.jobs j WHERE NOT EXISTS (SELECT 1 FROM app.lanes l WHERE l.tenant_id = j.tenant_id);
    SELECT count(app.enqueue(l.tenant_id, 'maintenance', 'retention', '{}', 'retention',
                             p_now + make_interval(secs => abs(hashtext(l.tenant_id::text)) % 3600), p_now))
      INTO n
      FROM app.lanes l
     WHERE l.queue = 'maintenance'
       AND NOT EXISTS (SELECT 1 FROM app.jobs j WHERE j.tenant_id = l.tenant_id AND j.queue = 'maintenance'
                          AND j.kind = 'retention' AND j.state IN (0, 1, 4));
    RETURN n;
END $$;
