-- WhatsApp's own ids of people: attached to contacts by events that attest them.
SET LOCAL ROLE charles_owner;

CREATE FUNCTION app.attach_whatsapp_id(p_tenant uuid, p_contact uuid, p_id text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE app.contact_identifiers i SET status = 'released'
     WHERE i.tenant_id = p_tenant AND i.contact_id = p_contact AND i.kind = 'wa_bsuid' AND i.status = 'active' AND i.value <> p_id;
    INSERT INTO app.contact_identifiers (tenant_id, kind, value, contact_id, source, first_seen, last_seen)
    VALUES (p_tenant, 'wa_bsuid', p_id, p_contact, 'whatsapp', p_now, p_now)
    ON CONFLICT (tenant_id, contact_id, kind, value) DO UPDATE SET status = 'active', last_seen = EXCLUDED.last_seen;
END $$;

CREATE FUNCTION app.create_whatsapp_contact(p_tenant uuid, p_contact uuid, p_id text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO app.contacts (tenant_id, id, created_at, updated_at) VALUES (p_tenant, p_contact, p_now, p_now);
    PERFORM app.attach_whatsapp_id(p_tenant, p_contact, p_id, p_now);
    PERFORM app.tell_of_contacts(p_tenant, ARRAY[p_contact], 'contact.created', p_now);
END $$;

-- A phone that nobody holds goes to the contact, as its primary one where it has none, within the limit of five.
CREATE FUNCTION app.attach_attested_phone(p_tenant uuid, p_contact uuid, p_phone text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_first boolean;
BEGIN
    IF (SELECT count(*) FROM app.contact_identifiers i WHERE i.tenant_id = p_tenant AND i.contact_id = p_contact
           AND i.kind = 'phone' AND i.status = 'active') >= 5 THEN
        RETURN;
    END IF;
    SELECT c.phone IS NULL INTO v_first FROM app.contacts c WHERE c.tenant_id = p_tenant AND c.id = p_contact;
    INSERT INTO app.contact_identifiers (tenant_id, kind, value, contact_id, is_primary, source, first_seen, last_seen)
    VALUES (p_tenant, 'phone', p_phone, p_contact, v_first, 'whatsapp', p_now, p_now)
    ON CONFLICT (tenant_id, contact_id, kind, value) DO UPDATE
       SET status = 'active', is_primary = EXCLUDED.is_primary, last_seen = EXCLUDED.last_seen, demoted_at = NULL;
    IF v_first THEN
        UPDATE app.contacts c SET phone = p_phone, updated_at = p_now WHERE c.tenant_id = p_tenant AND c.id = p_contact;
    END IF;
    PERFORM app.after_stitching(p_tenant, ARRAY[p_contact], 'stitched', p_now);
    PERFORM app.tell_of_contacts(p_tenant, ARRAY[p_contact], 'contact.updated', p_now);
END $$;
