-- When a contact's phone changes, its timeline says so: the old number and the new one.
--
-- The note stands with the old number, so that it goes where the number goes: to the survivor of a merge and back, away with
-- the person when they are erased.
SET LOCAL ROLE charles_owner;

ALTER TABLE app.contact_identifiers ADD COLUMN replaced jsonb;
COMMENT ON COLUMN app.contact_identifiers.replaced IS
    'Of a phone: each time that another one took its place as the primary one, [{"at", "by", "source"}]; by is null where none did.';

-- The notes of a phone with one more.
CREATE FUNCTION app.replacement_noted(p_notes jsonb, p_by text, p_source text, p_at timestamptz) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(p_notes, '[]') || jsonb_build_object('at', app.rfc3339(p_at), 'by', p_by, 'source', p_source)
$$;

-- As before, and a phone that steps back notes which one took its place.
CREATE OR REPLACE FUNCTION app.apply_stitching(p_tenant uuid, p_source text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = auto SET enable_seqscan = off SET enable_nestloop = off
SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    v_touched uuid[];
    v_moved uuid[];
    v_hashed uuid[];
    v_count int;
BEGIN
    SELECT array_agg(w.target) FILTER (WHERE w.changed OR w.attach_ext OR w.attach_phone OR w.attach_email),
           array_agg(w.target) FILTER (WHERE w.changed AND (w.main_phone OR w.main_email)),
           array_agg(w.target) FILTER (WHERE NOT w.attach_ext AND (w.s).source_hash IS NOT NULL)
      INTO v_touched, v_moved, v_hashed
      FROM stitch_work w WHERE w.kind = 'update';

    WITH added AS (
    INSERT INTO app.contacts (tenant_id, id, first_name, last_name, phone, email, external_reference_id, custom_properties,
                              created_at, updated_at)
    SELECT p_tenant, w.target, w.first_name, w.last_name, w.phone, w.email, (w.s).ext, w.custom, p_now, p_now
      FROM stitch_work w WHERE w.kind = 'create'
    RETURNING 1) SELECT count(*) INTO v_count FROM added;

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
    -- Another value becomes primary: the old one steps back, a phone with a note of which one took its place.
    UPDATE app.contact_identifiers i
       SET is_primary = (i.value = (w.s).phone), demoted_at = CASE WHEN i.value <> (w.s).phone THEN p_now END,
           replaced = CASE WHEN i.value <> (w.s).phone THEN app.replacement_noted(i.replaced, (w.s).phone, p_source, p_now)
                           ELSE i.replaced END
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

    -- Of new contacts nothing can be there already: a plain insertion costs a third less than one that looks for conflicts.
    IF v_count > 0 THEN
    WITH added AS (
    INSERT INTO app.contact_identifiers (tenant_id, kind, value, contact_id, raw, is_primary, source, flags, first_seen,
                                         last_seen, source_hash)
    SELECT p_tenant, v.kind, v.value, w.target, v.raw, v.main, p_source, v.flags, p_now, p_now, v.hash
      FROM stitch_work w
      CROSS JOIN LATERAL (VALUES
          (w.attach_ext, 'emarsys_contact_id', (w.s).ext, NULL::text, true, '{}'::text[], (w.s).source_hash),
          (w.attach_phone, 'phone', (w.s).phone, (w.s).phone_raw, w.main_phone, (w.s).phone_flags, NULL),
          (w.attach_email, 'email', (w.s).email, nullif((w.s).email_shown, (w.s).email), w.main_email, '{}', NULL)
      ) AS v(attach, kind, value, raw, main, flags, hash)
     WHERE v.attach AND w.kind = 'create'
    RETURNING 1) SELECT count(*) INTO v_count FROM added;
    END IF;
    IF v_touched IS NOT NULL THEN
    INSERT INTO app.contact_identifiers (tenant_id, kind, value, contact_id, raw, is_primary, source, flags, first_seen,
                                         last_seen, source_hash)
    SELECT p_tenant, v.kind, v.value, w.target, v.raw, v.main, p_source, v.flags, p_now, p_now, v.hash
      FROM stitch_work w
      CROSS JOIN LATERAL (VALUES
          (w.attach_ext, 'emarsys_contact_id', (w.s).ext, NULL::text, true, '{}'::text[], (w.s).source_hash),
          (w.attach_phone, 'phone', (w.s).phone, (w.s).phone_raw, w.main_phone, (w.s).phone_flags, NULL),
          (w.attach_email, 'email', (w.s).email, nullif((w.s).email_shown, (w.s).email), w.main_email, '{}', NULL)
      ) AS v(attach, kind, value, raw, main, flags, hash)
     WHERE v.attach AND w.kind = 'update'
    ON CONFLICT (tenant_id, contact_id, kind, value) DO UPDATE
       SET status = 'active', is_primary = EXCLUDED.is_primary, raw = EXCLUDED.raw, last_seen = EXCLUDED.last_seen,
           source_hash = EXCLUDED.source_hash, demoted_at = NULL;
    END IF;

    IF v_hashed IS NOT NULL THEN
    UPDATE app.contact_identifiers i SET source_hash = (w.s).source_hash, last_seen = p_now
      FROM stitch_work w
     WHERE w.kind = 'update' AND NOT w.attach_ext AND (w.s).source_hash IS NOT NULL
       AND i.tenant_id = p_tenant AND i.contact_id = ANY (v_hashed) AND i.contact_id = w.target
       AND i.kind = 'emarsys_contact_id' AND i.value = (w.s).ext
       AND i.source_hash IS DISTINCT FROM (w.s).source_hash;
    END IF;

    WITH added AS (
    INSERT INTO app.segment_members (tenant_id, segment_id, contact_id, entered_at)
    SELECT p_tenant, g, w.target, p_now
      FROM stitch_work w CROSS JOIN LATERAL unnest((w.s).belongs) AS g WHERE w.kind = 'create'
    RETURNING 1) SELECT count(*) INTO v_count FROM added;
    INSERT INTO app.segment_members (tenant_id, segment_id, contact_id, entered_at)
    SELECT p_tenant, g, w.target, p_now
      FROM stitch_work w
      CROSS JOIN LATERAL unnest(CASE WHEN w.attach_ext THEN (w.s).belongs ELSE (w.s).entering END) AS g
     WHERE w.kind = 'update'
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

-- As before, and the phone that was taken notes which one took its place, if it was the primary one.
CREATE OR REPLACE FUNCTION app.release_phone(p_tenant uuid, p_contact uuid, p_phone text, p_to uuid, p_actor text, p_now timestamptz)
RETURNS text LANGUAGE plpgsql SET jit = off AS $$
DECLARE
    v_next text;
BEGIN
    PERFORM 1 FROM app.contacts c WHERE c.tenant_id = p_tenant AND c.id IN (p_contact, p_to) ORDER BY c.id FOR UPDATE;
    IF NOT EXISTS (SELECT 1 FROM app.contact_identifiers i WHERE i.tenant_id = p_tenant AND i.contact_id = p_contact
                      AND i.kind = 'phone' AND i.value = p_phone AND i.status = 'active') THEN
        RETURN 'phone_not_held';
    END IF;
    IF p_to IS NOT NULL AND NOT EXISTS (SELECT 1 FROM app.contacts c WHERE c.tenant_id = p_tenant AND c.id = p_to
                                           AND c.merged_into IS NULL AND c.erased_at IS NULL) THEN
        RETURN 'no_contact';
    END IF;
    INSERT INTO app.consent_entries (tenant_id, contact_id, subscription_type, phone, status, occurred_at, received_at, source, actor)
    SELECT p_tenant, p_contact, k.subscription_type, p_phone, 'withdrawn', p_now, p_now, 'phone_released', p_actor
      FROM app.consents k
     WHERE k.tenant_id = p_tenant AND k.contact_id = p_contact AND k.phone = p_phone AND k.status IN ('granted', 'pending');
    UPDATE app.contact_identifiers i SET status = 'released', is_primary = false, demoted_at = NULL
     WHERE i.tenant_id = p_tenant AND i.contact_id = p_contact AND i.kind = 'phone' AND i.value = p_phone;
    SELECT i.value INTO v_next FROM app.contact_identifiers i
     WHERE i.tenant_id = p_tenant AND i.contact_id = p_contact AND i.kind = 'phone' AND i.status = 'active'
     ORDER BY i.is_primary DESC, i.last_seen DESC, i.value LIMIT 1;
    UPDATE app.contact_identifiers i SET is_primary = true, demoted_at = NULL
     WHERE i.tenant_id = p_tenant AND i.contact_id = p_contact AND i.kind = 'phone' AND i.value = v_next AND i.status = 'active';
    UPDATE app.contact_identifiers i SET replaced = app.replacement_noted(i.replaced, v_next, 'release', p_now)
     WHERE i.tenant_id = p_tenant AND i.contact_id = p_contact AND i.kind = 'phone' AND i.value = p_phone
       AND EXISTS (SELECT 1 FROM app.contacts c WHERE c.tenant_id = p_tenant AND c.id = p_contact AND c.phone = p_phone);
    UPDATE app.contacts c SET phone = v_next, updated_at = p_now WHERE c.tenant_id = p_tenant AND c.id = p_contact;
    -- The Emarsys row still shows the phone: it must not be taken for unchanged.
    UPDATE app.contact_identifiers i SET source_hash = NULL
     WHERE i.tenant_id = p_tenant AND i.contact_id IN (p_contact, p_to) AND i.kind = 'emarsys_contact_id';
    IF p_to IS NOT NULL THEN
        PERFORM app.attach_attested_phone(p_tenant, p_to, p_phone, p_now);
        INSERT INTO app.not_same (tenant_id, contact_a, contact_b, decided_by, decided_at)
        VALUES (p_tenant, least(p_contact, p_to), greatest(p_contact, p_to), p_actor, p_now)
        ON CONFLICT (tenant_id, contact_a, contact_b) DO NOTHING;
        UPDATE app.identity_conflicts x SET status = 'not_same', resolved_by = p_actor, resolved_at = p_now
         WHERE x.tenant_id = p_tenant AND x.status = 'open' AND x.contact_ids @> ARRAY[p_contact, p_to]
           AND cardinality(x.contact_ids) = 2;
    END IF;
    PERFORM app.recompute_consents(p_tenant, ARRAY[p_contact]);
    PERFORM app.after_stitching(p_tenant, ARRAY[p_contact], 'change', p_now);
    PERFORM app.tell_of_contacts(p_tenant, ARRAY[p_contact], 'contact.updated', p_now);
    RETURN 'released';
END $$;

-- As before, and the loser's phones have their notes back.
CREATE OR REPLACE FUNCTION app.undo_merge(p_tenant uuid, p_merge uuid, p_actor text, p_now timestamptz) RETURNS text
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_answer text := app.restore_merged(p_tenant, p_merge, p_actor, p_now);
    v_people uuid[];
BEGIN
    IF v_answer <> 'undone' THEN RETURN v_answer; END IF;
    SELECT ARRAY[g.survivor_id, g.loser_id] INTO v_people FROM app.merges g WHERE g.tenant_id = p_tenant AND g.id = p_merge;
    -- Notes of phones that were replaced before the merge are part of the snapshot, not of what is inserted from it.
    UPDATE app.contact_identifiers i SET replaced = o.replaced
      FROM app.merges g, jsonb_populate_recordset(NULL::app.contact_identifiers, g.loser_before -> 'identifiers') AS o
     WHERE g.tenant_id = p_tenant AND g.id = p_merge AND o.replaced IS NOT NULL
       AND i.tenant_id = p_tenant AND i.contact_id = g.loser_id AND i.kind = o.kind AND i.value = o.value;
    UPDATE app.contacts c
       SET phone = (SELECT i.value FROM app.contact_identifiers i
                     WHERE i.tenant_id = p_tenant AND i.contact_id = c.id AND i.kind = 'phone' AND i.status = 'active'
                     ORDER BY i.value = c.phone DESC NULLS LAST, i.is_primary DESC, i.first_seen, i.value LIMIT 1),
           email = (SELECT CASE WHEN i.value = lower(c.email) THEN c.email ELSE coalesce(i.raw, i.value) END
                      FROM app.contact_identifiers i
                     WHERE i.tenant_id = p_tenant AND i.contact_id = c.id AND i.kind = 'email' AND i.status = 'active'
                     ORDER BY i.value = lower(c.email) DESC NULLS LAST, i.is_primary DESC, i.first_seen, i.value LIMIT 1),
           external_reference_id = (
               SELECT i.value FROM app.contact_identifiers i
                WHERE i.tenant_id = p_tenant AND i.contact_id = c.id AND i.kind = 'emarsys_contact_id' AND i.status = 'active'
                ORDER BY i.value = c.external_reference_id DESC NULLS LAST, i.first_seen, i.value LIMIT 1)
     WHERE c.tenant_id = p_tenant AND c.id = ANY (v_people);
    RETURN v_answer;
END $$;

-- As before, with changes of the phone.
CREATE OR REPLACE FUNCTION app.contact_timeline(p_tenant uuid, p_contact uuid, p_time timestamptz, p_id uuid, p_limit int)
RETURNS TABLE (at timestamptz, id uuid, type text, data jsonb) LANGUAGE sql STABLE AS $$
    SELECT t.at, t.id, t.type, t.data FROM (
        (SELECT e.received_at AS at, e.id, 'event'::text AS type,
                jsonb_build_object('source', e.source, 'event_name', e.event_name, 'status', e.status,
                    'flows', coalesce(jsonb_path_query_array(e.trace, '$.flows[*] ? (@.state == "queued" || @.state == "delivered").name'), '[]'),
                    'event_data', CASE WHEN e.source = 'custom' AND octet_length((e.body -> 'event_data')::text) <= 4000
                                       THEN e.body -> 'event_data' END) AS data
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
                    'type', o.type, 'currency', o.currency, 'amount_total_gross', app.amount_text(o.amount_total_gross),
                    'amount_total_net', app.amount_text(o.amount_total_net),
                    'amount_total_shipping_gross', app.amount_text(o.amount_total_shipping_gross),
                    'discount_amount_total', app.amount_text(o.discount_amount_total), 'discount_codes', o.discount_codes,
                    'refund_amount_total_gross', app.amount_text(o.refund_amount_total_gross), 'outcome', o.outcome,
                    'attribution', o.attribution,
                    'items', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                            'external_reference_id', i.external_reference_id, 'sku', i.sku, 'name', i.name, 'qty', app.amount_text(i.qty),
                            'price_gross', app.amount_text(i.price_gross), 'price_net', app.amount_text(i.price_net),
                            'currency', i.currency) ORDER BY i.position), '[]')
                        FROM app.order_items i WHERE i.tenant_id = p_tenant AND i.order_id = o.id))
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
        (SELECT n.at, n.id, 'phone_changed', jsonb_build_object('old_phone', n.old_phone, 'new_phone', n.new_phone, 'source', n.source)
           FROM (SELECT (r ->> 'at')::timestamptz AS at, md5(i.contact_id::text || i.value || (r ->> 'at'))::uuid AS id,
                        i.value AS old_phone, r ->> 'by' AS new_phone, r ->> 'source' AS source
                   FROM app.contact_identifiers i CROSS JOIN LATERAL jsonb_array_elements(i.replaced) AS r
                  WHERE i.tenant_id = p_tenant AND i.contact_id = p_contact AND i.kind = 'phone' AND i.replaced IS NOT NULL) n
          WHERE (n.at, n.id) < (p_time, p_id))
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
