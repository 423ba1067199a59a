-- Facts for decisions are looked up from the rows to the holders of their values, never the other way round.
--
-- Where statistics know nothing of a tenant, its identifiers look like one row, and PostgreSQL read all of them for each row to
-- be decided. Lateral look-ups fix the order: a row first, then the few index entries of its values.
SET LOCAL ROLE charles_owner;

CREATE OR REPLACE FUNCTION app.identity_facts(p_tenant uuid, p_n int[], p_ext text[], p_phone text[], p_variant text[],
                                              p_email text[])
RETURNS TABLE (n int, role text, matched text, contact_id uuid, external_id text, first_name text, last_name text, phones int,
               emails int, whatsapp boolean, protected boolean, created_at timestamptz)
LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_material = off
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT l.n, l.role, l.value, c.id, c.external_reference_id, c.first_name, c.last_name,
           (SELECT count(*)::int FROM app.contact_identifiers i WHERE i.tenant_id = p_tenant AND i.contact_id = c.id
               AND i.kind = 'phone' AND i.status = 'active'),
           (SELECT count(*)::int FROM app.contact_identifiers i WHERE i.tenant_id = p_tenant AND i.contact_id = c.id
               AND i.kind = 'email' AND i.status = 'active'),
           EXISTS (SELECT 1 FROM app.consents k WHERE k.tenant_id = p_tenant AND k.contact_id = c.id)
               OR EXISTS (SELECT 1 FROM app.touches t WHERE t.tenant_id = p_tenant AND t.contact_id = c.id AND t.kind <> 'flow'),
           c.protected OR c.erased_at IS NOT NULL, c.created_at
      FROM (SELECT q.n, k.role, i.value, i.contact_id
              FROM unnest(p_n, p_ext, p_phone, p_variant, p_email) AS q(n, ext, phone, variant, email)
              CROSS JOIN LATERAL (VALUES ('e', 'emarsys_contact_id', q.ext), ('p', 'phone', q.phone), ('v', 'phone', q.variant),
                                         ('m', 'email', q.email)) AS k(role, kind, value)
              CROSS JOIN LATERAL (SELECT f.value, f.contact_id FROM app.contact_identifiers f
                                   WHERE f.tenant_id = p_tenant AND f.kind = k.kind AND f.value = k.value
                                     AND f.status = 'active' OFFSET 0) i
            OFFSET 0) l
      CROSS JOIN LATERAL (SELECT d.* FROM app.contacts d WHERE d.tenant_id = p_tenant AND d.id = l.contact_id OFFSET 0) c;
END $$;
