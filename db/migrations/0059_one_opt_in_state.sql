-- One answer to whether a person has opted in: contacts, deliveries and flows read the same column.
SET LOCAL ROLE charles_owner;

CREATE OR REPLACE FUNCTION app.contact_summaries(p_tenant uuid, p_contacts uuid[])
RETURNS TABLE (contact_id uuid, phone text, opt_in text, summary jsonb) LANGUAGE sql STABLE AS $$
    SELECT c.id, c.phone, c.opt_in,
           jsonb_build_object(
               'id', c.id, 'first_name', c.first_name, 'last_name', c.last_name, 'phone', c.phone, 'email', c.email,
               'external_reference_id', c.external_reference_id, 'custom_properties', c.custom_properties,
               'opt_in', c.opt_in, 'created_at', app.rfc3339(c.created_at), 'updated_at', app.rfc3339(c.updated_at))
      FROM app.contacts c
     WHERE c.tenant_id = p_tenant AND c.id = ANY (p_contacts)
$$;
