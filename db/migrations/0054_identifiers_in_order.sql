-- New identifiers are inserted kind by kind, in the order of the index of owners: each of its pages is visited once a batch.
-- In the order of contacts each phone and each e-mail went to a page of its own, which cost more the more contacts there were.
SET LOCAL ROLE charles_owner;

CREATE OR REPLACE FUNCTION app.stitch_new(p_tenant uuid, p_source text, p_now timestamptz) RETURNS void
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
    INSERT INTO app.contact_identifiers (tenant_id, kind, value, contact_id, is_primary, source, first_seen, last_seen, source_hash)
    SELECT p_tenant, 'emarsys_contact_id', r.ext, r.id, true, p_source, p_now, p_now, r.source_hash
      FROM stitch_new r WHERE r.ext IS NOT NULL ORDER BY r.ext;
    INSERT INTO app.contact_identifiers (tenant_id, kind, value, contact_id, raw, is_primary, source, flags, first_seen, last_seen)
    SELECT p_tenant, 'phone', r.phone, r.id, r.phone_raw, true, p_source, r.phone_flags, p_now, p_now
      FROM stitch_new r WHERE r.phone IS NOT NULL ORDER BY r.phone;
    INSERT INTO app.contact_identifiers (tenant_id, kind, value, contact_id, raw, is_primary, source, first_seen, last_seen)
    SELECT p_tenant, 'email', r.email, r.id, nullif(r.email_shown, r.email), true, p_source, p_now, p_now
      FROM stitch_new r WHERE r.email IS NOT NULL ORDER BY r.email;
    INSERT INTO app.segment_members (tenant_id, segment_id, contact_id, entered_at)
    SELECT p_tenant, g, r.id, p_now FROM stitch_new r CROSS JOIN LATERAL unnest(r.belongs) AS g;
END $$;
