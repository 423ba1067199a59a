-- What an import does besides stitching: memberships of contacts that did not change, ids that vanished, counts.
SET LOCAL ROLE charles_owner;

ALTER TABLE app.imports ADD COLUMN done int NOT NULL DEFAULT 0, ADD COLUMN fetched_at timestamptz,
    ADD COLUMN mapping_note jsonb;
COMMENT ON COLUMN app.imports.done IS 'Ids worked off, rows that Emarsys no longer has included.';
CREATE INDEX import_rejections_created ON app.import_rejections (tenant_id, import_id, created_at, id);

-- Contacts that entered a segment without any other change.
CREATE FUNCTION app.enter_segments(p_tenant uuid, p_segments text[], p_contacts uuid[], p_now timestamptz) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO app.segment_members AS m (tenant_id, segment_id, contact_id, entered_at)
    SELECT DISTINCT p_tenant, u.segment, u.contact, p_now FROM unnest(p_segments, p_contacts) AS u(segment, contact)
    ON CONFLICT (tenant_id, segment_id, contact_id) DO UPDATE SET left_at = NULL, entered_at = EXCLUDED.entered_at
        WHERE m.left_at IS NOT NULL
$$;

-- Emarsys ids that left a segment; the contacts stay.
CREATE FUNCTION app.leave_segment(p_tenant uuid, p_segment text, p_ids text[], p_now timestamptz) RETURNS int
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
    v_contacts uuid[];
    v_count int;
BEGIN
    SELECT array_agg(i.contact_id) INTO v_contacts FROM app.contact_identifiers i
     WHERE i.tenant_id = p_tenant AND i.kind = 'emarsys_contact_id' AND i.value = ANY (p_ids) AND i.status = 'active';
    UPDATE app.segment_members m SET left_at = p_now
     WHERE m.tenant_id = p_tenant AND m.segment_id = p_segment AND m.contact_id = ANY (v_contacts) AND m.left_at IS NULL;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;

-- Emarsys ids that Emarsys does not know any more. The contacts stay; nothing is exported to them.
CREATE FUNCTION app.mark_gone(p_tenant uuid, p_ids text[]) RETURNS int
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
    v_count int;
BEGIN
    UPDATE app.contact_identifiers i SET status = 'gone', source_hash = NULL
     WHERE i.tenant_id = p_tenant AND i.kind = 'emarsys_contact_id' AND i.value = ANY (p_ids) AND i.status = 'active';
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;

-- Takes the segments of the import jobs that are due now, so that one run imports them together.
CREATE FUNCTION app.take_due_imports(p_tenant uuid, p_now timestamptz)
RETURNS TABLE (segment_id text, trigger text)
LANGUAGE sql AS $$
    DELETE FROM app.jobs j
     WHERE j.tenant_id = p_tenant AND j.queue = 'imports' AND j.kind = 'import_due' AND j.state IN (0, 4) AND j.run_at <= p_now
       AND coalesce((j.args ->> 'alone')::boolean, false) = false
    RETURNING j.args ->> 'segment_id', coalesce(j.args ->> 'trigger', 'schedule')
$$;
