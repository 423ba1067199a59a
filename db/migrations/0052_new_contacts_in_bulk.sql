-- Contacts that nobody knows yet are written in bulk, and foreign keys are checked with plans that are kept.
SET LOCAL ROLE charles_owner;

-- PostgreSQL checks a foreign key with a query of its own for each row, and plan_cache_mode reaches those queries too: with
-- force_custom_plan each row of an insertion planned the look-up of its contact anew, which took half the time of an
-- import. What inserts many rows plans as PostgreSQL sees fit; the joins stay fixed by the other settings.
ALTER FUNCTION app.apply_stitching(uuid, text, timestamptz) SET plan_cache_mode = auto;

-- The tables of a stitching. They belong to the session and are emptied at each commit. Answers the transaction's tenant.
-- stitch_new takes the rows whose identifiers nobody holds and no other row of the batch shares: all there is to do with
-- them is to insert them.
CREATE OR REPLACE FUNCTION app.begin_stitching() RETURNS uuid LANGUAGE plpgsql AS $$
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
    IF to_regclass('pg_temp.stitch_new') IS NULL THEN
        CREATE TEMP TABLE stitch_new (
            id uuid NOT NULL, ext text, source_hash bytea, phone text, phone_raw text, phone_flags text[],
            email text, email_shown text, first_name text, last_name text,
            custom jsonb, custom_fill jsonb, custom_new jsonb, belongs text[]
        ) ON COMMIT DELETE ROWS;
    ELSE
        DELETE FROM stitch_new;
    END IF;
    RETURN app.tenant();
END $$;

-- Which of these values somebody holds. One scan over the sorted values: a look-up by array costs a third of a join.
CREATE FUNCTION app.held_values(p_tenant uuid, p_phones text[], p_emails text[])
RETURNS TABLE (kind text, value text)
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT i.kind, i.value FROM app.contact_identifiers i
     WHERE i.tenant_id = p_tenant AND i.kind = 'phone' AND i.status = 'active' AND i.value = ANY (p_phones)
    UNION ALL
    SELECT i.kind, i.value FROM app.contact_identifiers i
     WHERE i.tenant_id = p_tenant AND i.kind = 'email' AND i.status = 'active' AND i.value = ANY (p_emails);
END $$;

-- Inserts the rows of stitch_new: what apply_stitching does with rows of kind 'create', without the detour.
CREATE FUNCTION app.stitch_new(p_tenant uuid, p_source text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = auto SET enable_seqscan = off SET enable_nestloop = off SET enable_mergejoin = off SET jit = off AS $$
BEGIN
    INSERT INTO app.contacts (tenant_id, id, first_name, last_name, phone, email, external_reference_id, custom_properties,
                              created_at, updated_at)
    SELECT p_tenant, r.id, r.first_name, r.last_name, r.phone, r.email_shown, r.ext,
           CASE WHEN r.custom_fill IS NULL AND r.custom_new IS NULL THEN coalesce(r.custom, '{}')
                ELSE coalesce(r.custom_new, '{}') || coalesce(r.custom_fill, '{}') || coalesce(r.custom, '{}') END,
           p_now, p_now
      FROM stitch_new r;
    INSERT INTO app.contact_identifiers (tenant_id, kind, value, contact_id, raw, is_primary, source, flags, first_seen,
                                         last_seen, source_hash)
    SELECT p_tenant, v.kind, v.value, r.id, v.raw, true, p_source, v.flags, p_now, p_now, v.hash
      FROM stitch_new r
      CROSS JOIN LATERAL (VALUES
          ('emarsys_contact_id', r.ext, NULL::text, '{}'::text[], r.source_hash),
          ('phone', r.phone, r.phone_raw, r.phone_flags, NULL),
          ('email', r.email, nullif(r.email_shown, r.email), '{}', NULL)
      ) AS v(kind, value, raw, flags, hash)
     WHERE v.value IS NOT NULL;
    INSERT INTO app.segment_members (tenant_id, segment_id, contact_id, entered_at)
    SELECT p_tenant, g, r.id, p_now FROM stitch_new r CROSS JOIN LATERAL unnest(r.belongs) AS g;
END $$;

-- What follows from a batch, and its counts: contacts are told of, opt-ins are compared.
CREATE OR REPLACE FUNCTION app.finish_stitching(p_tenant uuid, p_reason text, p_now timestamptz)
RETURNS TABLE (created int, updated int, unchanged int, rejected int)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_created uuid[];
    v_updated uuid[];
    v_retold uuid[];
    v_new uuid[];
BEGIN
    SELECT count(*) FILTER (WHERE o.action = 'created'), count(*) FILTER (WHERE o.action = 'updated'),
           count(*) FILTER (WHERE o.action = 'unchanged'), count(*) FILTER (WHERE o.action = 'rejected'),
           array_agg(o.contact_id) FILTER (WHERE o.action = 'created'),
           array_agg(DISTINCT o.contact_id) FILTER (WHERE o.action = 'updated'),
           array_agg(DISTINCT o.contact_id) FILTER (WHERE o.retold)
      INTO created, updated, unchanged, rejected, v_created, v_updated, v_retold
      FROM stitch_outcomes o;
    SELECT array_agg(r.id) INTO v_new FROM stitch_new r;
    IF v_new IS NOT NULL THEN
        created := created + cardinality(v_new);
        v_created := v_new || v_created;
    END IF;
    PERFORM app.after_stitching(p_tenant, v_retold, p_reason, p_now);
    PERFORM app.tell_of_contacts(p_tenant, v_created, 'contact.created', p_now);
    PERFORM app.tell_of_contacts(p_tenant, v_updated, 'contact.updated', p_now);
    RETURN NEXT;
END $$;
