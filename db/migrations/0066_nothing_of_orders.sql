-- Erasing also clears the order figures that stand with the contact. (Runs before they are there: the function is read when it is
-- called.)
SET LOCAL ROLE charles_owner;

-- As before, and the order figures go.
CREATE OR REPLACE FUNCTION app.erase_contact(p_tenant uuid, p_erasure uuid, p_now timestamptz) RETURNS text
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
    UPDATE app.contacts x SET order_count = 0, last_order_at = NULL, order_currency = NULL, order_total = NULL
     WHERE x.tenant_id = p_tenant AND x.id = ANY (v_ids) AND x.order_count <> 0;
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
