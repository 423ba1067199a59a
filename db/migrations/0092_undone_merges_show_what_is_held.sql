-- After a merge is undone, both people show a phone, an e-mail and an Emarsys id that they hold.
--
-- The survivor gave back the loser's identifiers, and what it showed only where it had shown nothing before. An e-mail of
-- the loser's that had become its main one since then stayed on show, although the loser holds it again.
SET LOCAL ROLE charles_owner;

ALTER FUNCTION app.undo_merge(uuid, uuid, text, timestamptz) RENAME TO restore_merged;

CREATE FUNCTION app.undo_merge(p_tenant uuid, p_merge uuid, p_actor text, p_now timestamptz) RETURNS text
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    v_answer text := app.restore_merged(p_tenant, p_merge, p_actor, p_now);
    v_people uuid[];
BEGIN
    IF v_answer <> 'undone' THEN RETURN v_answer; END IF;
    SELECT ARRAY[g.survivor_id, g.loser_id] INTO v_people FROM app.merges g WHERE g.tenant_id = p_tenant AND g.id = p_merge;
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
