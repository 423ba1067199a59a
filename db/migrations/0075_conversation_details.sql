-- What the conversation view shows without asking again: an order's lines and amounts, an event's data and the flows it started.
SET LOCAL ROLE charles_owner;

-- An amount as clients read it: two digits behind the point at least, and as many as it has.
CREATE FUNCTION app.amount_text(p_amount numeric) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN scale(trim_scale(p_amount)) < 2 THEN round(p_amount, 2) ELSE trim_scale(p_amount) END::text
$$;

-- What happened to a contact, the latest first, before (p_time, p_id).
CREATE OR REPLACE FUNCTION app.contact_timeline(p_tenant uuid, p_contact uuid, p_time timestamptz, p_id uuid, p_limit int)
RETURNS TABLE (at timestamptz, id uuid, type text, data jsonb) LANGUAGE sql STABLE AS $$
    SELECT t.at, t.id, t.type, t.data FROM (
        (SELECT e.received_at AS at, e.id, 'event'::text AS type,
                jsonb_build_object('source', e.source, 'event_name', e.event_name, 'status', e.status,
                    'flows', coalesce(jsonb_path_query_array(e.trace, '$.flows[*] ? (@.state == "queued" || @.state == "delivered").name'), '[]'),
                    'event_data', CASE WHEN e.source = 'custom' AND octet_length((e.body -> 'event_data')::text) <= 4000
                                       THEN e.body -> 'event_data' END) AS data
           FROM app.events e
          WHERE e.tenant_id = p_tenant AND e.contact_id = p_contact AND (e.received_at, e.id) < (p_time, p_id)
          ORDER BY e.received_at DESC, e.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT r.created_at, r.id, 'flow_run', jsonb_build_object('flow_id', r.flow_id, 'flow', f.name, 'state', r.state, 'event_id', r.event_id)
           FROM app.flow_runs r LEFT JOIN app.flows f ON f.tenant_id = p_tenant AND f.id = r.flow_id
          WHERE r.tenant_id = p_tenant AND r.contact_id = p_contact AND (r.created_at, r.id) < (p_time, p_id)
          ORDER BY r.created_at DESC, r.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT d.created_at, d.id, 'delivery', jsonb_build_object('type', d.type, 'state', d.state, 'attempts', d.attempts)
           FROM app.deliveries d
          WHERE d.tenant_id = p_tenant AND d.contact_id = p_contact AND (d.created_at, d.id) < (p_time, p_id)
          ORDER BY d.created_at DESC, d.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT o.ordered_at, o.id, 'order', jsonb_build_object('order_id', o.order_id, 'order_number', o.order_number, 'status', o.status,
                    'type', o.type, 'currency', o.currency, 'amount_total_gross', app.amount_text(o.amount_total_gross),
                    'amount_total_net', app.amount_text(o.amount_total_net),
                    'amount_total_shipping_gross', app.amount_text(o.amount_total_shipping_gross),
                    'discount_amount_total', app.amount_text(o.discount_amount_total), 'discount_codes', o.discount_codes,
                    'refund_amount_total_gross', app.amount_text(o.refund_amount_total_gross), 'outcome', o.outcome,
                    'attribution', o.attribution,
                    'items', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                            'external_reference_id', i.external_reference_id, 'sku', i.sku, 'name', i.name, 'qty', app.amount_text(i.qty),
                            'price_gross', app.amount_text(i.price_gross), 'price_net', app.amount_text(i.price_net),
                            'currency', i.currency) ORDER BY i.position), '[]')
                        FROM app.order_items i WHERE i.tenant_id = p_tenant AND i.order_id = o.id))
           FROM app.orders o
          WHERE o.tenant_id = p_tenant AND o.contact_id = p_contact AND (o.ordered_at, o.id) < (p_time, p_id)
          ORDER BY o.ordered_at DESC, o.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT c.occurred_at, c.id, 'opt_in', jsonb_build_object('status', c.status, 'phone', c.phone, 'source', c.source,
                    'subscription_type', c.subscription_type)
           FROM app.consent_entries c
          WHERE c.tenant_id = p_tenant AND c.contact_id = p_contact AND (c.occurred_at, c.id) < (p_time, p_id)
          ORDER BY c.occurred_at DESC, c.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT x.created_at, x.id, 'opt_in_export', jsonb_build_object('status', x.status, 'state', x.state, 'reason', x.reason)
           FROM app.opt_in_exports x
          WHERE x.tenant_id = p_tenant AND x.contact_id = p_contact AND (x.created_at, x.id) < (p_time, p_id)
          ORDER BY x.created_at DESC, x.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT h.occurred_at, h.id, 'touch', jsonb_build_object('kind', h.kind, 'flow_id', h.flow_id, 'campaign', h.campaign)
           FROM app.touches h
          WHERE h.tenant_id = p_tenant AND h.contact_id = p_contact AND (h.occurred_at, h.id) < (p_time, p_id)
          ORDER BY h.occurred_at DESC, h.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT m.merged_at, m.id, 'merge', jsonb_build_object('survivor_id', m.survivor_id, 'loser_id', m.loser_id, 'reason', m.reason,
                    'actor', m.actor, 'undone_at', m.undone_at)
           FROM app.merges m
          WHERE m.tenant_id = p_tenant AND p_contact IN (m.survivor_id, m.loser_id) AND (m.merged_at, m.id) < (p_time, p_id)
          ORDER BY m.merged_at DESC, m.id DESC LIMIT p_limit)
        UNION ALL
        (SELECT i.first_seen, md5(i.contact_id::text || i.value)::uuid, 'import', jsonb_build_object('external_reference_id', i.value)
           FROM app.contact_identifiers i
          WHERE i.tenant_id = p_tenant AND i.contact_id = p_contact AND i.kind = 'emarsys_contact_id' AND i.source = 'emarsys_import'
            AND (i.first_seen, md5(i.contact_id::text || i.value)::uuid) < (p_time, p_id))
        UNION ALL
        (SELECT s.entered_at, md5(s.contact_id::text || s.segment_id)::uuid, 'segment_entered', jsonb_build_object('segment_id', s.segment_id)
           FROM app.segment_members s
          WHERE s.tenant_id = p_tenant AND s.contact_id = p_contact
            AND (s.entered_at, md5(s.contact_id::text || s.segment_id)::uuid) < (p_time, p_id))
        UNION ALL
        (SELECT s.left_at, md5(s.contact_id::text || s.segment_id || '-')::uuid, 'segment_left', jsonb_build_object('segment_id', s.segment_id)
           FROM app.segment_members s
          WHERE s.tenant_id = p_tenant AND s.contact_id = p_contact AND s.left_at IS NOT NULL
            AND (s.left_at, md5(s.contact_id::text || s.segment_id || '-')::uuid) < (p_time, p_id))
    ) AS t
     ORDER BY t.at DESC, t.id DESC LIMIT p_limit
$$;
