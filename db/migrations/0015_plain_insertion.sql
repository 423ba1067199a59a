-- Stitching inserts what is new without looking for conflicts.
SET LOCAL ROLE charles_owner;

CREATE OR REPLACE FUNCTION app.apply_stitching(p_tenant uuid, p_source text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_nestloop = off
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
