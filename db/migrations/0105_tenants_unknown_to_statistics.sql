-- Imports of a tenant that statistics do not know.
--
-- Where a few tenants make up all that statistics know, PostgreSQL takes one that is new for a single row, whatever it has by
-- now. Every index that begins with tenant_id then promises the same, and the second tenant's first import walked through all of
-- its own identifiers for each contact. Without statistics of that column every tenant counts as a two-hundredth of the table,
-- for which the index that picks one row is the best.
SET LOCAL ROLE charles_owner;

ALTER TABLE app.contact_identifiers ALTER COLUMN tenant_id SET STATISTICS 0;

-- Takes the staged rows that are not slow into the working table, each with a target, a kind and the values it will have.
-- What the plain rows of the decision table do not cover stays behind as slow.
CREATE OR REPLACE FUNCTION app.classify_stitching(p_tenant uuid) RETURNS void
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
      -- Fenced, so that a contact is looked up by its id.
      LEFT JOIN LATERAL (SELECT c.* FROM app.contacts c WHERE c.tenant_id = p_tenant AND c.id = x.id OFFSET 0) t ON true
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

-- Tells the statistics of a tenant that grows fast; they learn of it by themselves a few minutes later. Where another analysis or
-- a vacuum is under way it does nothing.
CREATE FUNCTION app.learn_of_growth() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS $$
BEGIN
    ANALYZE app.contacts (tenant_id);
    ANALYZE app.segment_members (tenant_id);
EXCEPTION WHEN lock_not_available THEN
    NULL;
END $$;
REVOKE ALL ON FUNCTION app.learn_of_growth() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.learn_of_growth() TO charles_app;
RESET ROLE;

-- What statistics of that column there are already would stay. Only a superuser can take them away; elsewhere they do not matter
-- until a few tenants make up all of the table.
DO $$
BEGIN
    DELETE FROM pg_statistic s USING pg_attribute a
     WHERE s.starelid = 'app.contact_identifiers'::regclass AND a.attrelid = s.starelid AND a.attname = 'tenant_id' AND s.staattnum = a.attnum;
EXCEPTION WHEN insufficient_privilege THEN
    NULL;
END $$;
