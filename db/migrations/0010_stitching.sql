-- Stitching: rows from outside become contacts. The plain rows of the decision table (nobody known: create; one contact
-- known: update) are carried out here for a whole batch at once; the few others are decided one by one by the service and
-- carried out by the same statements.
SET LOCAL ROLE charles_owner;

-- Who claimed a value that somebody else holds. The third distinct Emarsys id makes the value shared, more than twenty
-- of one run quarantine it.
CREATE TABLE app.identifier_claims (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    kind text NOT NULL,
    value text NOT NULL,
    external_id text NOT NULL,
    import_id uuid,
    claimed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, kind, value, external_id)
);

-- Emarsys ids that vanished and may come back; old primaries waiting for their release.
CREATE INDEX contact_identifiers_gone ON app.contact_identifiers (tenant_id, kind, value) WHERE status = 'gone';
ALTER TABLE app.contact_identifiers ADD COLUMN demoted_at timestamptz;
COMMENT ON COLUMN app.contact_identifiers.demoted_at IS
    'When another value became primary. A phone without consent is released 30 days later.';
CREATE INDEX contact_identifiers_demoted ON app.contact_identifiers (tenant_id, demoted_at)
    WHERE demoted_at IS NOT NULL AND status = 'active';

SELECT app.isolate_all();
GRANT SELECT, INSERT, UPDATE, DELETE ON app.identifier_claims TO charles_app;

-- Locks. Without values: the whole tenant, for a batch of thousands, whose identifiers would not fit the lock table.
-- With values: the tenant shared, then each value in one order, so that small batches run side by side and never into a
-- large one. The unique index on active identifiers stays the last guard.
CREATE FUNCTION app.lock_stitching(p_tenant uuid, p_values text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    h bigint;
BEGIN
    IF p_values IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('stitching ' || p_tenant::text, 0));
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('stitching ' || p_tenant::text, 0));
    FOR h IN SELECT DISTINCT hashtextextended(p_tenant::text || ' ' || v, 0) FROM unnest(p_values) AS v ORDER BY 1 LOOP
        PERFORM pg_advisory_xact_lock(h);
    END LOOP;
END $$;

-- The tables of a stitching. They belong to the session and are emptied at each commit. Answers the transaction's tenant.
-- Modes of a field: 0 leave, 1 write (NULL clears), 2 write where blank, 3 write on creation only.
CREATE FUNCTION app.begin_stitching() RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass('pg_temp.stitch_rows') IS NULL THEN
        CREATE TEMP TABLE stitch_rows (
            n int NOT NULL,                 -- position in the batch
            new_id uuid NOT NULL,           -- id of the contact, should one be created
            known uuid,                     -- contact that holds the Emarsys id already
            ext text,                       -- Emarsys contact id
            source_hash bytea,
            phone text, phone_raw text, phone_flags text[], phone_mode smallint NOT NULL,
            email text, email_shown text, email_mode smallint NOT NULL,
            first_name text, first_mode smallint NOT NULL,
            last_name text, last_mode smallint NOT NULL,
            custom jsonb, custom_fill jsonb, custom_new jsonb, custom_clear text[],
            entering text[],                -- segments that this Emarsys id has entered since the last run
            belongs text[],                 -- segments of this run that it belongs to
            slow boolean NOT NULL,          -- to be decided by the service
            force boolean NOT NULL DEFAULT false   -- create a contact for the Emarsys id alone
        ) ON COMMIT DELETE ROWS;
        CREATE INDEX ON stitch_rows (n);
        CREATE TEMP TABLE stitch_work (
            n int NOT NULL, kind text NOT NULL, target uuid, s pg_temp.stitch_rows,
            attach_ext boolean NOT NULL, attach_phone boolean NOT NULL, attach_email boolean NOT NULL,
            main_phone boolean NOT NULL, main_email boolean NOT NULL, changed boolean NOT NULL,
            first_name text, last_name text, phone text, email text, custom jsonb
        ) ON COMMIT DELETE ROWS;
        CREATE TEMP TABLE stitch_outcomes (
            n int NOT NULL, action text NOT NULL, contact_id uuid, linked boolean NOT NULL, retold boolean NOT NULL
        ) ON COMMIT DELETE ROWS;
    ELSE
        DELETE FROM stitch_rows;
        DELETE FROM stitch_work;
        DELETE FROM stitch_outcomes;
    END IF;
    RETURN app.tenant();
END $$;

-- What is known of Emarsys ids, in the order of p_ids: 0 unknown, 1 nothing to do (same values, same mapping), 2 to be
-- looked at; and the contact. Ids that had vanished are taken back.
CREATE FUNCTION app.known_sources(p_tenant uuid, p_ids text[], p_hashes bytea[])
RETURNS TABLE (states smallint[], contacts uuid[])
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_material = off
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET jit = off AS $$
BEGIN
    UPDATE app.contact_identifiers g SET status = 'active', source_hash = NULL
     WHERE g.tenant_id = p_tenant AND g.kind = 'emarsys_contact_id' AND g.status = 'gone' AND g.value = ANY (p_ids)
       AND NOT EXISTS (SELECT 1 FROM app.contact_identifiers a WHERE a.tenant_id = p_tenant
                          AND a.kind = g.kind AND a.value = g.value AND a.status = 'active');
    RETURN QUERY
    SELECT array_agg(CASE WHEN i.contact_id IS NULL THEN 0 WHEN i.source_hash = q.hash THEN 1 ELSE 2 END::smallint ORDER BY q.n),
           array_agg(i.contact_id ORDER BY q.n)
      FROM unnest(p_ids, p_hashes) WITH ORDINALITY AS q(id, hash, n)
      LEFT JOIN app.contact_identifiers i
        ON i.tenant_id = p_tenant AND i.kind = 'emarsys_contact_id' AND i.value = q.id AND i.status = 'active';
END $$;

-- Takes the staged rows that are not slow into the working table, each with a target, a kind and the values it will have.
-- What the plain rows of the decision table do not cover stays behind as slow.
CREATE FUNCTION app.classify_stitching(p_tenant uuid) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_material = off
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
    v_twice uuid[];
BEGIN
    INSERT INTO stitch_work
    SELECT (x.s).n, k.kind, coalesce(x.id, (x.s).new_id), x.s,
           (x.s).ext IS NOT NULL AND (x.s).known IS NULL, a.phone, a.email, f.main_phone, f.main_email,
           x.id IS NOT NULL AND (v.first_name, v.last_name, v.phone, v.email, v.custom)
               IS DISTINCT FROM (t.first_name, t.last_name, t.phone, t.email, t.custom_properties),
           v.first_name, v.last_name, v.phone, v.email, v.custom
      FROM (SELECT r AS s, i.contact_id AS p, e.contact_id AS m, e.is_primary AS m_primary,
                   coalesce(r.known, i.contact_id, e.contact_id) AS id
              FROM stitch_rows r
              LEFT JOIN app.contact_identifiers i
                ON i.tenant_id = p_tenant AND i.kind = 'phone' AND i.value = r.phone AND i.status = 'active'
              LEFT JOIN app.contact_identifiers e
                ON e.tenant_id = p_tenant AND e.kind = 'email' AND e.value = r.email AND e.status = 'active'
             WHERE NOT r.slow
            OFFSET 0) x
      LEFT JOIN app.contacts t ON t.tenant_id = p_tenant AND t.id = x.id
      -- What may be attached, by the mapping's field rule.
      CROSS JOIN LATERAL (SELECT
           (x.s).phone IS NOT NULL AND x.p IS NULL
               AND (x.id IS NULL OR (x.s).phone_mode = 1 OR (x.s).phone_mode = 2 AND t.phone IS NULL) AS phone,
           (x.s).email IS NOT NULL AND x.m IS NULL
               AND (x.id IS NULL OR (x.s).email_mode = 1 OR (x.s).email_mode = 2 AND t.email IS NULL) AS email) a
      -- A value becomes the primary one where the row's Emarsys id is the contact's, or nothing is there yet.
      CROSS JOIN LATERAL (SELECT
           (x.s).phone IS NOT NULL AND (x.id IS NULL OR t.phone IS NULL OR (x.s).known IS NOT NULL AND (x.s).phone_mode = 1) AS main_phone,
           (x.s).email IS NOT NULL AND (x.id IS NULL OR t.email IS NULL OR (x.s).known IS NOT NULL AND (x.s).email_mode = 1) AS main_email) f
      CROSS JOIN LATERAL (SELECT
           CASE WHEN x.id IS NULL THEN
                     CASE WHEN (x.s).force OR (x.s).phone IS NOT NULL OR (x.s).email IS NOT NULL THEN 'create' ELSE 'reject' END
                WHEN (x.p IS NULL OR x.p = x.id) AND (x.m IS NULL OR x.m = x.id)
                     AND ((x.s).known IS NOT NULL OR (x.s).ext IS NULL OR t.external_reference_id IS NULL)
                     AND t.erased_at IS NULL
                     AND (NOT a.phone OR t.phone IS NULL OR
                          (SELECT count(*) FROM app.contact_identifiers c WHERE c.tenant_id = p_tenant AND c.contact_id = x.id
                              AND c.kind = 'phone' AND c.status = 'active') < 5)
                     AND (NOT a.email OR t.email IS NULL OR
                          (SELECT count(*) FROM app.contact_identifiers c WHERE c.tenant_id = p_tenant AND c.contact_id = x.id
                              AND c.kind = 'email' AND c.status = 'active') < 5)
                THEN 'update'
                ELSE 'slow' END AS kind) k
      CROSS JOIN LATERAL (SELECT
           CASE WHEN x.id IS NULL THEN CASE WHEN (x.s).first_mode > 0 THEN (x.s).first_name END
                WHEN (x.s).first_mode = 1 THEN (x.s).first_name
                WHEN (x.s).first_mode = 2 THEN coalesce(nullif(t.first_name, ''), (x.s).first_name)
                ELSE t.first_name END AS first_name,
           CASE WHEN x.id IS NULL THEN CASE WHEN (x.s).last_mode > 0 THEN (x.s).last_name END
                WHEN (x.s).last_mode = 1 THEN (x.s).last_name
                WHEN (x.s).last_mode = 2 THEN coalesce(nullif(t.last_name, ''), (x.s).last_name)
                ELSE t.last_name END AS last_name,
           CASE WHEN f.main_phone AND (a.phone OR x.p = x.id) THEN (x.s).phone ELSE t.phone END AS phone,
           CASE WHEN f.main_email AND (a.email OR x.m = x.id) OR x.m = x.id AND x.m_primary
                THEN (x.s).email_shown ELSE t.email END AS email,
           CASE WHEN x.id IS NULL
                THEN coalesce((x.s).custom_new, '{}') || coalesce((x.s).custom_fill, '{}') || coalesce((x.s).custom, '{}')
                ELSE coalesce((x.s).custom_fill, '{}')
                     || (t.custom_properties - coalesce((x.s).custom_clear, '{}')) || coalesce((x.s).custom, '{}') END AS custom) v;
    -- Two rows of a batch about one contact go one after the other.
    SELECT array_agg(d.target) INTO v_twice
      FROM (SELECT w.target FROM stitch_work w WHERE w.kind = 'update' GROUP BY 1 HAVING count(*) > 1) d;
    IF v_twice IS NOT NULL THEN
        UPDATE stitch_work SET kind = 'slow' WHERE kind = 'update' AND target = ANY (v_twice);
    END IF;
    UPDATE stitch_rows r SET slow = true WHERE r.n = ANY (ARRAY(SELECT w.n FROM stitch_work w WHERE w.kind = 'slow'));
    DELETE FROM stitch_work WHERE kind = 'slow';
    DELETE FROM stitch_rows WHERE NOT slow;
END $$;

-- Carries out what the working table says and empties it. The contacts concerned are named by an array and joined by hash:
-- a plan made while the tables were small does no harm when they have grown.
CREATE FUNCTION app.apply_stitching(p_tenant uuid, p_source text, p_now timestamptz) RETURNS void
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
           custom_properties = w.custom, external_reference_id = coalesce((w.s).ext, c.external_reference_id),
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

-- The plain rows of a batch, in one go. Answers which rows are left for the service to decide.
CREATE FUNCTION app.stitch_staged(p_tenant uuid, p_source text, p_now timestamptz) RETURNS int[]
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM app.classify_stitching(p_tenant);
    PERFORM app.apply_stitching(p_tenant, p_source, p_now);
    RETURN ARRAY(SELECT n FROM stitch_rows ORDER BY n);
END $$;

-- Rows by the service's decision: which of their identifiers they keep, the contact that holds their Emarsys id by now, and
-- whether a contact is created for the Emarsys id alone. p_drop names rows that write nothing. Answers which rows are left.
CREATE FUNCTION app.stitch_decided(p_tenant uuid, p_n int[], p_keep_ext boolean[], p_keep_phone boolean[],
                                   p_keep_email boolean[], p_known uuid[], p_force boolean[], p_drop int[], p_source text,
                                   p_now timestamptz) RETURNS int[]
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan SET jit = off AS $$
BEGIN
    UPDATE stitch_rows r
       SET slow = false, known = d.known, ext = CASE WHEN d.ext THEN r.ext END,
           phone = CASE WHEN d.phone THEN r.phone END, email = CASE WHEN d.email THEN r.email END, force = d.force
      FROM unnest(p_n, p_keep_ext, p_keep_phone, p_keep_email, p_known, p_force) AS d(n, ext, phone, email, known, force)
     WHERE r.n = d.n;
    DELETE FROM stitch_rows WHERE n = ANY (p_drop);
    RETURN app.stitch_staged(p_tenant, p_source, p_now);
END $$;
