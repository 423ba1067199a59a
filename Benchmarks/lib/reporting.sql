-- An instance with 500,000 contacts, 600,000 decisions, 1,000,000 orders of two lines, 600,000 events and 500,000 flow runs, laid
-- by a superuser past the API. A second instance is there, so that policies have something to keep apart.
\set ON_ERROR_STOP on
\set t '''11111111-0000-4000-8000-000000000000'''
\set u '''22222222-0000-4000-8000-000000000000'''
INSERT INTO app.tenants (tenant_id, instance_name, display_name, default_currency,
    default_country) VALUES (:t,'reports','Reports','EUR','DE'),(:u,'beside','Beside','EUR','DE');
INSERT INTO app.features (tenant_id, feature, enabled, updated_by) SELECT i, f, true, 'lay'
    FROM unnest(ARRAY[:t,:u]::uuid[]) i, unnest(ARRAY['emarsys','order_events']) f;
INSERT INTO app.contacts (tenant_id, id, first_name, last_name, phone, email, external_reference_id, custom_properties, opt_in,
    opt_in_at, created_at, updated_at)
SELECT :t, ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'First' || n % 500, 'Last' || n % 5000,
    '+4915' || lpad(n::text, 9, '0'), 'person' || n || '@example.com', (700000000 + n)::text,
  jsonb_build_object('tier', (ARRAY['gold','silver','bronze','none'])[1 + n % 4], 'city', 'City' || n % 300, 'points', n % 1000), 
  (ARRAY['granted','granted','denied','withdrawn','pending',NULL])[1 + n % 6], now() - (n % 400) * interval '1 day',
    now() - (n % 700) * interval '1 day', now() - (n % 300) * interval '1 day'
FROM generate_series(1, 500000) n;
INSERT INTO app.segment_members (tenant_id, segment_id, contact_id, entered_at, left_at)
SELECT :t, s::text, ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, now() - (n % 200) * interval '1 day',
    CASE WHEN n % 10 = s % 10 THEN now() - (n % 60) * interval '1 day' END
FROM generate_series(1,500000) n, generate_series(1001,1003) s WHERE s = 1001 OR n % (s - 999) = 0;
INSERT INTO app.selected_segments (tenant_id, segment_id, name, segment_type, size, last_imported_at, next_import_at)
    SELECT :t, s::text, 'Segment ' || s, 'standard', 500000, now(), now() + interval '12 h' FROM generate_series(1001,1003) s;
INSERT INTO app.consent_entries (tenant_id, id, contact_id, phone, status, occurred_at, received_at, source, by_user, actor)
SELECT :t, ('00000001-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    ('00000000-0000-4000-8000-' || lpad(to_hex(1 + n % 500000), 12, '0'))::uuid, '+4915' || lpad((1 + n % 500000)::text, 9,
    '0'), (ARRAY['granted','granted','denied','withdrawn','pending'])[1 + n % 5], now() - (n % 400) * interval '1 day',
    now() - (n % 400) * interval '1 day', 'api', true, 'lay'
FROM generate_series(1, 600000) n;
INSERT INTO app.consents (tenant_id, contact_id, subscription_type, phone, status, occurred_at, entry_id) SELECT tenant_id,
    contact_id, 'whatsapp', phone, status, occurred_at, id
    FROM app.consent_entries e WHERE tenant_id = :t AND id < '00000001-0000-4000-8000-00000007a121' ON CONFLICT DO NOTHING;
INSERT INTO app.opt_in_exports (tenant_id, contact_id, status, consent_at, emarsys_contact_id, state, reason, attempts,
    next_attempt_at, last_error, created_at, sent_at, confirmed_at)
SELECT :t, ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, (ARRAY['granted','withdrawn'])[1 + n % 2],
    now() - (n % 400) * interval '1 day', (700000000+n)::text,
    (ARRAY['confirmed','confirmed','confirmed','confirmed','confirmed','confirmed','confirmed','failed','not_in_emarsys','queued'])[1 + n / 2 % 10], 'change', 1, now(), CASE WHEN n / 2 % 10 >= 7 THEN '{"code":"x"}'::jsonb END, now() - (n % 400) * interval '1 day', now() - (n % 400) * interval '1 day' + interval '1 s', now() - (n % 400) * interval '1 day' + (n % 30) * interval '1 s'
FROM generate_series(1, 400000) n;
INSERT INTO app.imports (tenant_id, trigger, mode, segment_ids, state, total, read, created, queued_at, started_at,
    finished_at) SELECT :t, 'schedule', 'incremental', '{1001}', 'succeeded', 500000, 500000, 10, now() - n * interval '12 h',
    now() - n * interval '12 h', now() - n * interval '12 h' + interval '60 s' FROM generate_series(1,700) n;
INSERT INTO app.import_rejections (tenant_id, import_id, code, "values", created_at) SELECT i.tenant_id, i.id,
    (ARRAY['invalid_phone','invalid_email','no_identifier'])[1 + n % 3], '{"phone":"x"}', i.queued_at FROM (SELECT *
    FROM app.imports WHERE tenant_id = :t ORDER BY queued_at DESC LIMIT 28) i, generate_series(1, 2000) n;
INSERT INTO app.flows (tenant_id, id, name, trigger, event_name) SELECT :t, ('00000002-0000-4000-8000-' || lpad(to_hex(n), 12,
    '0'))::uuid, 'Flow ' || n, 'emarsys_event', 'event_' || n FROM generate_series(1,20) n;
INSERT INTO app.events (tenant_id, id, source, status, event_name, occurred_at, received_at, body, contact_id,
    processed_at) SELECT :t, ('00000003-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    (ARRAY['custom','order'])[1 + n % 2], (ARRAY['processed','processed','processed','processed','rejected'])[1 + n % 5],
    'event_' || n % 20, now() - (n % 90) * interval '1 day', now() - (n % 90) * interval '1 day',
    '{"phone":"+49151","event_data":{"discount_code":"HAPPY24","cart":{"value":"12","currency":"EUR"}}}',
    ('00000000-0000-4000-8000-' || lpad(to_hex(1 + n % 500000), 12, '0'))::uuid,
    now() - (n % 90) * interval '1 day' + interval '1 s' FROM generate_series(1, 600000) n;
INSERT INTO app.flow_runs (tenant_id, id, flow_id, flow_version, event_id, attempt_id, contact_id, state, payload, created_at,
    delivered_at) SELECT :t, ('00000004-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    ('00000002-0000-4000-8000-' || lpad(to_hex(1 + n % 20), 12, '0'))::uuid, 1, ('00000003-0000-4000-8000-' || lpad(to_hex(n),
    12, '0'))::uuid, gen_random_uuid(), ('00000000-0000-4000-8000-' || lpad(to_hex(1 + n % 500000), 12, '0'))::uuid,
    (ARRAY['delivered','delivered','delivered','failed','no_consent'])[1 + n % 5], '{"discount_code":"HAPPY24"}',
    now() - (n % 90) * interval '1 day', now() - (n % 90) * interval '1 day' + interval '2 s' FROM generate_series(1, 500000) n;
INSERT INTO app.deliveries (tenant_id, type, contact_id, flow_run_id, body, state, attempts, next_attempt_at, give_up_at,
    created_at, delivered_at) SELECT tenant_id, 'flow.triggered', contact_id, id, '{"type":"flow.triggered","data":{"a":"b"}}',
    (ARRAY['delivered','delivered','delivered','dead'])[1 + flow_version % 4], 1, created_at, created_at, created_at,
    delivered_at FROM app.flow_runs WHERE tenant_id = :t;
INSERT INTO app.orders (tenant_id, id, order_id, order_number, type, status, currency, amount_total_gross, amount_total_net,
    amount_total_tax, refund_amount_total_gross, outcome, contact_id, ordered_at, attribution, attributed_flow_id,
    attributed_campaign, created_at, updated_at)
SELECT :t, ('00000005-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'O' || n, 'N' || n, 'sale',
    (ARRAY['open','completed','completed','completed','cancelled'])[1 + n % 5], (ARRAY['EUR','EUR','EUR','CHF'])[1 + n % 4],
    20 + n % 300, 16 + n % 300, 4, CASE WHEN n % 50 = 0 THEN 10 ELSE 0 END,
    CASE WHEN n % 10 = 0 THEN 'anonymous' ELSE 'linked' END,
    CASE WHEN n % 10 <> 0 THEN ('00000000-0000-4000-8000-' || lpad(to_hex(1 + (n::bigint * 7919 % 400000)::int), 12,
    '0'))::uuid END, now() - (n % 730) * interval '1 day' - (n % 86400) * interval '1 s',
    CASE WHEN n % 3 = 0 THEN '{"model":"last_touch"}'::jsonb END,
    CASE WHEN n % 3 = 0 THEN ('00000002-0000-4000-8000-' || lpad(to_hex(1 + n % 20), 12, '0'))::uuid END, NULL,
    now() - (n % 730) * interval '1 day', now() - (n % 730) * interval '1 day'
FROM generate_series(1, 1000000) n;
INSERT INTO app.order_items (tenant_id, order_id, position, contact_id, sku, name, qty, price_gross, price_net, currency)
SELECT :t, ('00000005-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, p,
    CASE WHEN n % 10 <> 0 THEN ('00000000-0000-4000-8000-' || lpad(to_hex(1 + (n::bigint * 7919 % 400000)::int), 12,
    '0'))::uuid END, 'SKU' || (n * p) % 2000, 'Product ' || (n * p) % 2000, 1 + n % 3, 10 + n % 90, 8 + n % 90,
    (ARRAY['EUR','EUR','EUR','CHF'])[1 + n % 4]
FROM generate_series(1, 1000000) n, generate_series(1, 2) p;
INSERT INTO app.contact_order_totals (tenant_id, contact_id, currency, order_count, total_gross, refunds_gross, first_order_at,
    last_order_at)
SELECT tenant_id, contact_id, currency, count(*), sum(amount_total_gross), sum(refund_amount_total_gross), min(ordered_at),
    max(ordered_at) FROM app.orders WHERE contact_id IS NOT NULL AND status <> 'cancelled' AND tenant_id = :t GROUP BY 1, 2, 3;
UPDATE app.contacts c SET order_count = s.n, last_order_at = s.last_at
  FROM (SELECT contact_id, sum(order_count)::int AS n, max(last_order_at) AS last_at FROM app.contact_order_totals
         WHERE tenant_id = :t GROUP BY 1) s
 WHERE c.tenant_id = :t AND c.id = s.contact_id;
INSERT INTO app.api_usage_daily (tenant_id, day, kind, calls, errors) SELECT :t, current_date - n, k, 1000, 2
    FROM generate_series(0, 729) n, unnest(ARRAY['contact.getdata','contact.update','webhook']) k;
SELECT app.refresh_revenue_daily(:t);
