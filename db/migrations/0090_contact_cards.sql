-- A contact as clients see it, in one row: what every read of contacts shows, written once.
--
-- The view is folded into the statement that reads it, so the subqueries run for the rows that are answered alone.
SET LOCAL ROLE charles_owner;

CREATE VIEW app.contact_cards WITH (security_invoker = true) AS
SELECT c.tenant_id, c.id, c.first_name, c.last_name, c.phone, c.email, c.external_reference_id, c.custom_properties, c.opt_in,
       c.created_at, c.updated_at, c.erased_at, c.merged_into,
       -- '*' or '-' (primary or not), 'p' or 'e' (phone or e-mail), the value.
       ARRAY(SELECT CASE WHEN i.is_primary THEN '*' ELSE '-' END || left(i.kind, 1)
                    || CASE i.kind WHEN 'email' THEN coalesce(i.raw, i.value) ELSE i.value END
               FROM app.contact_identifiers i
              WHERE i.tenant_id = c.tenant_id AND i.contact_id = c.id AND i.status = 'active' AND i.kind IN ('phone', 'email')
              ORDER BY i.is_primary DESC, i.first_seen, i.value) AS identifiers,
       ARRAY(SELECT m.segment_id FROM app.segment_members m
              WHERE m.tenant_id = c.tenant_id AND m.contact_id = c.id AND m.left_at IS NULL ORDER BY m.segment_id) AS segments,
       ARRAY(SELECT t.currency || ' ' || t.order_count || ' ' || t.total_gross::text FROM app.contact_order_totals t
              WHERE t.tenant_id = c.tenant_id AND t.contact_id = c.id ORDER BY t.currency) AS order_totals,
       (SELECT max(t.last_order_at) FROM app.contact_order_totals t
         WHERE t.tenant_id = c.tenant_id AND t.contact_id = c.id) AS last_order_at
  FROM app.contacts c;
GRANT SELECT ON app.contact_cards TO charles_app;
