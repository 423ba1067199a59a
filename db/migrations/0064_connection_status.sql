-- How a connection is doing, in one place: each change is said once, in the transaction that makes it, and a connection that
-- works again gets what had been given up meanwhile.
SET LOCAL ROLE charles_owner;

-- What alerts look at: since when segments are selected and how often they are imported.
SELECT app.open_to_operator('app.selected_segments');
GRANT SELECT (tenant_id, segment_id, interval_hours, size, selected_at, deselected_at, last_imported_at)
    ON app.selected_segments TO charles_operator;
GRANT SELECT (contact_id) ON app.opt_in_exports TO charles_operator;

-- A call failed in a way that a person has to look at. p_connection NULL: whichever there is; else only if it is still the
-- one that was called. p_error: {code, detail, advice, at, permission?}.
CREATE FUNCTION app.connection_fails(p_tenant uuid, p_connection uuid, p_error jsonb, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_status text;
    v_name text;
    v_detail jsonb := jsonb_strip_nulls(jsonb_build_object('code', p_error -> 'code', 'advice', p_error -> 'advice',
                                                           'permission', p_error -> 'permission'));
BEGIN
    SELECT c.status, c.name INTO v_status, v_name FROM app.connections c
     WHERE c.tenant_id = p_tenant AND c.status <> 'disconnected' AND (p_connection IS NULL OR c.id = p_connection)
       FOR NO KEY UPDATE;
    IF v_status IS NULL THEN
        RETURN;
    END IF;
    UPDATE app.connections c SET status = 'failing', last_error = p_error WHERE c.tenant_id = p_tenant;
    IF v_status = 'connected' THEN
        INSERT INTO app.alerts AS a (tenant_id, kind, state, detail, raised_at)
        VALUES (p_tenant, 'connection_failing', 'raised', v_detail, p_now)
        ON CONFLICT (tenant_id, kind)
        DO UPDATE SET state = 'raised', detail = EXCLUDED.detail, raised_at = EXCLUDED.raised_at, recovered_at = NULL
            WHERE a.state = 'recovered';
        IF FOUND THEN
            PERFORM app.queue_deliveries(p_tenant, ARRAY['connection.failing'], ARRAY[NULL::uuid], ARRAY[NULL::uuid],
                ARRAY[jsonb_build_object('kind', 'connection_failing', 'at', app.rfc3339(p_now), 'connection', v_name,
                                         'detail', v_detail)], p_now);
        END IF;
    END IF;
END $$;

-- Calls work. p_by: 'import', 'export' or 'test' (with what it found of the permissions). A missing permission is proved by
-- its own use alone: an import says nothing about contact.update, an export nothing about the others. Nothing is written
-- where all of it is known and less than a minute old.
CREATE FUNCTION app.connection_works(p_tenant uuid, p_connection uuid, p_by text, p_permissions jsonb, p_now timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c app.connections;
    v_lacks text;
BEGIN
    SELECT * INTO c FROM app.connections x
     WHERE x.tenant_id = p_tenant AND x.status <> 'disconnected' AND (p_connection IS NULL OR x.id = p_connection);
    IF NOT FOUND OR p_permissions IS NULL AND c.status = 'connected' AND c.last_error IS NULL
                    AND c.last_ok_at >= p_now - interval '60 seconds' THEN
        RETURN;
    END IF;
    SELECT * INTO c FROM app.connections x WHERE x.tenant_id = p_tenant AND x.id = c.id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF c.status = 'failing' AND c.last_error ->> 'code' = 'emarsys_permission_missing' THEN
        v_lacks := coalesce(c.last_error ->> 'permission', '');
        IF p_by = 'export' AND v_lacks <> 'contact.update' OR p_by = 'import' AND v_lacks = 'contact.update'
           OR p_by = 'test' AND EXISTS (SELECT 1 FROM jsonb_array_elements(p_permissions) AS g
                                         WHERE g ->> 'status' = 'missing' AND v_lacks IN ('', g ->> 'permission')) THEN
            UPDATE app.connections x SET permissions = coalesce(p_permissions, x.permissions), last_ok_at = p_now
             WHERE x.tenant_id = p_tenant;
            RETURN;
        END IF;
    END IF;
    UPDATE app.connections x
       SET status = 'connected', last_error = NULL, last_ok_at = p_now, permissions = coalesce(p_permissions, x.permissions)
     WHERE x.tenant_id = p_tenant;
    IF c.status = 'failing' THEN
        PERFORM app.connection_recovers(p_tenant, c.name, p_now);
    END IF;
END $$;

-- Says that the connection works again, once, and drives what had been given up.
CREATE FUNCTION app.connection_recovers(p_tenant uuid, p_name text, p_now timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE app.alerts a SET state = 'recovered', recovered_at = p_now
     WHERE a.tenant_id = p_tenant AND a.kind = 'connection_failing' AND a.state = 'raised';
    IF FOUND THEN
        PERFORM app.queue_deliveries(p_tenant, ARRAY['connection.recovered'], ARRAY[NULL::uuid], ARRAY[NULL::uuid],
            ARRAY[jsonb_build_object('kind', 'connection_failing', 'at', app.rfc3339(p_now), 'connection', p_name)], p_now);
    END IF;
    IF EXISTS (SELECT 1 FROM app.opt_in_fields f WHERE f.tenant_id = p_tenant) THEN
        PERFORM app.enqueue(p_tenant, 'exports', 'check_opt_ins', '{}', 'check_opt_ins', p_now, p_now, 1::smallint);
    END IF;
END $$;

-- What follows from a stored connection. Another account, or one that was away: what Emarsys is known to hold may have
-- changed. Everything known is compared and told, and what waited goes on.
CREATE FUNCTION app.connection_stored(p_tenant uuid, p_forget boolean, p_now timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_name text;
BEGIN
    SELECT c.name INTO v_name FROM app.connections c WHERE c.tenant_id = p_tenant;
    IF p_forget THEN
        DELETE FROM app.opt_in_confirmed k WHERE k.tenant_id = p_tenant;
    END IF;
    PERFORM app.connection_recovers(p_tenant, v_name, p_now);
    IF EXISTS (SELECT 1 FROM app.opt_in_fields f WHERE f.tenant_id = p_tenant) THEN
        PERFORM app.enqueue(p_tenant, 'exports', 'backfill_opt_ins', '{}', 'backfill_opt_ins', p_now, p_now, 2::smallint);
        PERFORM app.enqueue(p_tenant, 'exports', 'export_opt_ins', '{}', 'drain', p_now, p_now, 0::smallint);
    END IF;
END $$;
