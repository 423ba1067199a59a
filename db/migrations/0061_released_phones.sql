-- A phone that belongs to somebody else by now is taken from its holder by a person.
SET LOCAL ROLE charles_owner;

-- The holder's consent for it ends with it: the new owner gave none. p_to, if any, gets the phone and is declared to be another
-- person. Answers 'released', 'phone_not_held', 'phone_held' (by a third contact meanwhile) or 'no_contact'.
CREATE FUNCTION app.release_phone(p_tenant uuid, p_contact uuid, p_phone text, p_to uuid, p_actor text, p_now timestamptz)
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
