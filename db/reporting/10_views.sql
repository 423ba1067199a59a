-- The views of schema reporting, their comments and grants. Applied anew at every migrate. Column names are stable: what
-- has to change becomes a new view. security_invoker: the base tables' policy for the login decides what is seen, whatever
-- SQL is sent; only the columns granted here can be read at all. That policy is a barrier of its own: no condition of a
-- customer's runs on a row before it. The views are none on purpose: all they leave out is a tenant's own, and a barrier
-- keeps ORDER BY … LIMIT and joins from reaching the indexes.
SET LOCAL ROLE charles_owner;

SELECT app.open_to_reporting('app.tenants', '{tenant_id,instance_name,time_zone}'),
       app.open_to_reporting('app.contacts', '{tenant_id,id,first_name,last_name,phone,email,external_reference_id,custom_properties,opt_in,opt_in_at,order_count,last_order_at,merged_into,erased_at,created_at,updated_at}'),
       app.open_to_reporting('app.segment_members', '{tenant_id,segment_id,contact_id,entered_at,left_at}'),
       app.open_to_reporting('app.consents', '{tenant_id,contact_id,subscription_type,phone,status,occurred_at,entry_id}'),
       app.open_to_reporting('app.consent_entries', '{tenant_id,id,contact_id,phone,subscription_type,status,occurred_at,received_at,source,by_user,actor}'),
       app.open_to_reporting('app.opt_in_exports', '{tenant_id,id,contact_id,status,consent_at,emarsys_contact_id,state,reason,attempts,next_attempt_at,last_error,created_at,sent_at,confirmed_at}'),
       app.open_to_reporting('app.imports', '{tenant_id,id,trigger,mode,dry_run,segment_ids,state,total,read,created,updated,unchanged,merged,conflicts,rejected,skipped,api_calls,error_code,queued_at,started_at,finished_at}'),
       app.open_to_reporting('app.import_rejections', '{tenant_id,id,import_id,code,values,contact_id,created_at}'),
       app.open_to_reporting('app.selected_segments', '{tenant_id,segment_id,name,segment_type,interval_hours,size,selected_at,deselected_at,last_import_id,last_imported_at,next_import_at}'),
       app.open_to_reporting('app.events', '{tenant_id,id,source,status,event_name,occurred_at,received_at,errors,contact_id,attempts,processed_at}'),
       app.open_to_reporting('app.flows', '{tenant_id,id,name,trigger,event_name,enabled,require_consent,version,created_at,updated_at,deleted_at}'),
       app.open_to_reporting('app.flow_runs', '{tenant_id,id,flow_id,flow_version,event_id,contact_id,state,test,attempts,created_at,delivered_at,acknowledged_at}'),
       app.open_to_reporting('app.deliveries', '{tenant_id,id,type,contact_id,flow_run_id,state,attempts,next_attempt_at,give_up_at,last_error,created_at,delivered_at}'),
       app.open_to_reporting('app.orders', '{tenant_id,id,source,order_id,order_number,type,status,currency,amount_total_gross,amount_total_net,amount_total_tax,discount_amount_total,refund_amount_total_gross,discount_codes,outcome,contact_id,ordered_at,cancelled_at,attribution,attributed_flow_id,attributed_flow_run_id,attributed_campaign,touched_at,created_at,updated_at}'),
       app.open_to_reporting('app.order_items', '{tenant_id,order_id,position,contact_id,sku,name,qty,price_gross,price_net,currency}'),
       app.open_to_reporting('app.contact_order_totals', '{tenant_id,contact_id,currency,order_count,total_gross,refunds_gross,first_order_at,last_order_at}'),
       app.open_to_reporting('app.revenue_daily', '{tenant_id,day,currency,attributed_to,flow_id,campaign,orders,revenue_gross,refunds_gross}'),
       app.open_to_reporting('app.api_usage_daily', '{tenant_id,day,kind,calls,errors}'),
       app.open_to_reporting('app.features', '{tenant_id,feature,enabled,note,updated_at}');

CREATE OR REPLACE VIEW reporting.contacts WITH (security_invoker = true) AS
SELECT t.id, t.first_name, t.last_name, t.phone, t.email, t.external_reference_id, t.custom_properties,
       t.opt_in, t.opt_in_at, coalesce(g.segments, '{}') AS segments,
       t.order_count, t.last_order_at, t.created_at, t.updated_at, t.tenant_id
  FROM app.contacts t
  -- Grouped once for all contacts, and left out of the plan by a query that does not ask for it.
  LEFT JOIN (
      SELECT o.tenant_id, o.contact_id, array_agg(o.segment_id) AS segments
        FROM (SELECT m.tenant_id, m.contact_id, m.segment_id FROM app.segment_members m
               WHERE m.left_at IS NULL ORDER BY m.tenant_id, m.contact_id, m.segment_id) o
       GROUP BY o.tenant_id, o.contact_id) g ON g.tenant_id = t.tenant_id AND g.contact_id = t.id
 WHERE t.merged_into IS NULL AND t.erased_at IS NULL;
COMMENT ON VIEW reporting.contacts IS 'One row per contact. Merged and erased contacts are left out.';
COMMENT ON COLUMN reporting.contacts.id IS 'The contact; contact_id in every other view.';
COMMENT ON COLUMN reporting.contacts.first_name IS 'First name.';
COMMENT ON COLUMN reporting.contacts.last_name IS 'Last name.';
COMMENT ON COLUMN reporting.contacts.phone IS 'Primary phone, E.164.';
COMMENT ON COLUMN reporting.contacts.email IS 'Primary e-mail address.';
COMMENT ON COLUMN reporting.contacts.external_reference_id IS 'The contact''s id in Emarsys.';
COMMENT ON COLUMN reporting.contacts.custom_properties IS 'Custom properties by name, e.g. custom_properties ->> ''tier''.';
COMMENT ON COLUMN reporting.contacts.opt_in IS 'granted, denied, withdrawn or pending for the primary phone; NULL where nothing is known.';
COMMENT ON COLUMN reporting.contacts.opt_in_at IS 'When the decision behind opt_in was made.';
COMMENT ON COLUMN reporting.contacts.segments IS 'Ids of the selected Emarsys segments the contact is in now.';
COMMENT ON COLUMN reporting.contacts.order_count IS 'Orders of the contact in all currencies; cancelled ones do not count.';
COMMENT ON COLUMN reporting.contacts.last_order_at IS 'Time of the latest order.';
COMMENT ON COLUMN reporting.contacts.created_at IS 'When the contact was first seen.';
COMMENT ON COLUMN reporting.contacts.updated_at IS 'When a mapped field or identifier last changed.';

CREATE OR REPLACE VIEW reporting.opt_ins WITH (security_invoker = true) AS
SELECT e.id, e.contact_id, e.phone, e.subscription_type, e.status, nullif(e.occurred_at, '-infinity') AS occurred_at,
       e.received_at, e.source, e.by_user, e.actor,
       (e.tenant_id, e.id) IN (SELECT c.tenant_id, c.entry_id FROM app.consents c) AS is_current,
       e.tenant_id
  FROM app.consent_entries e;
COMMENT ON VIEW reporting.opt_ins IS 'The consent ledger: one row per decision, never changed afterwards.';
COMMENT ON COLUMN reporting.opt_ins.id IS 'The ledger entry.';
COMMENT ON COLUMN reporting.opt_ins.contact_id IS 'The contact; after a merge the surviving one.';
COMMENT ON COLUMN reporting.opt_ins.phone IS 'The phone the decision was made for, E.164; NULL where the contact had none.';
COMMENT ON COLUMN reporting.opt_ins.subscription_type IS 'The kind of subscription.';
COMMENT ON COLUMN reporting.opt_ins.status IS 'granted, denied, withdrawn or pending.';
COMMENT ON COLUMN reporting.opt_ins.occurred_at IS 'When the person decided; NULL where unknown.';
COMMENT ON COLUMN reporting.opt_ins.received_at IS 'When it was recorded here.';
COMMENT ON COLUMN reporting.opt_ins.source IS 'Where it came from: a flow, form, keyword, agent or the API.';
COMMENT ON COLUMN reporting.opt_ins.by_user IS 'Whether the person did it themselves.';
COMMENT ON COLUMN reporting.opt_ins.actor IS 'Who recorded it.';
COMMENT ON COLUMN reporting.opt_ins.is_current IS 'Whether this entry decides the state of its phone and subscription type.';

CREATE OR REPLACE VIEW reporting.opt_in_exports WITH (security_invoker = true) AS
SELECT x.id, x.contact_id, x.status, x.state, x.consent_at, x.emarsys_contact_id, x.reason, x.attempts,
       x.last_error ->> 'code' AS error_code, x.next_attempt_at, x.created_at, x.sent_at, x.confirmed_at,
       extract(epoch FROM x.confirmed_at - x.created_at) AS seconds_to_confirm, x.tenant_id
  FROM app.opt_in_exports x;
COMMENT ON VIEW reporting.opt_in_exports IS 'Opt-in changes told to Emarsys, or still to be told.';
COMMENT ON COLUMN reporting.opt_in_exports.id IS 'The export.';
COMMENT ON COLUMN reporting.opt_in_exports.contact_id IS 'The contact.';
COMMENT ON COLUMN reporting.opt_in_exports.status IS 'granted or withdrawn: what Emarsys is told.';
COMMENT ON COLUMN reporting.opt_in_exports.state IS 'queued, sent, confirmed, failed or not_in_emarsys.';
COMMENT ON COLUMN reporting.opt_in_exports.consent_at IS 'When the decision was made.';
COMMENT ON COLUMN reporting.opt_in_exports.emarsys_contact_id IS 'The Emarsys contact that was written; several, joined by commas, after a merge by hand.';
COMMENT ON COLUMN reporting.opt_in_exports.reason IS 'Why it was queued: change, import, webhook, merge, merge_undone, backfill, reconcile, check, unsure or retry.';
COMMENT ON COLUMN reporting.opt_in_exports.attempts IS 'Attempts so far.';
COMMENT ON COLUMN reporting.opt_in_exports.error_code IS 'Code of the last failure.';
COMMENT ON COLUMN reporting.opt_in_exports.next_attempt_at IS 'Not tried again before.';
COMMENT ON COLUMN reporting.opt_in_exports.created_at IS 'When the change was queued.';
COMMENT ON COLUMN reporting.opt_in_exports.sent_at IS 'When it was last sent.';
COMMENT ON COLUMN reporting.opt_in_exports.confirmed_at IS 'When Emarsys confirmed it.';
COMMENT ON COLUMN reporting.opt_in_exports.seconds_to_confirm IS 'Seconds from queued to confirmed.';

CREATE OR REPLACE VIEW reporting.imports WITH (security_invoker = true) AS
SELECT i.id, i.trigger, i.mode, i.dry_run, i.segment_ids, i.state, i.total, i.read, i.created, i.updated, i.unchanged,
       i.merged, i.conflicts, i.rejected, i.skipped, i.api_calls, i.error_code, i.queued_at, i.started_at, i.finished_at,
       extract(epoch FROM i.finished_at - i.started_at) AS duration_seconds, i.tenant_id
  FROM app.imports i;
COMMENT ON VIEW reporting.imports IS 'Import runs from Emarsys segments.';
COMMENT ON COLUMN reporting.imports.id IS 'The run.';
COMMENT ON COLUMN reporting.imports.trigger IS 'initial, schedule or manual.';
COMMENT ON COLUMN reporting.imports.mode IS 'incremental or full.';
COMMENT ON COLUMN reporting.imports.dry_run IS 'Whether it only counted and wrote nothing.';
COMMENT ON COLUMN reporting.imports.segment_ids IS 'The Emarsys segments of the run.';
COMMENT ON COLUMN reporting.imports.state IS 'queued, running, waiting, succeeded, succeeded_with_rejections, failed or cancelled.';
COMMENT ON COLUMN reporting.imports.total IS 'People in the segments.';
COMMENT ON COLUMN reporting.imports.read IS 'Rows read.';
COMMENT ON COLUMN reporting.imports.created IS 'Contacts created.';
COMMENT ON COLUMN reporting.imports.updated IS 'Contacts of which a mapped field changed.';
COMMENT ON COLUMN reporting.imports.unchanged IS 'Contacts with nothing new.';
COMMENT ON COLUMN reporting.imports.merged IS 'Contacts merged into another.';
COMMENT ON COLUMN reporting.imports.conflicts IS 'Identity conflicts parked.';
COMMENT ON COLUMN reporting.imports.rejected IS 'Rows refused, see import_rejections.';
COMMENT ON COLUMN reporting.imports.skipped IS 'Rows left out on purpose, e.g. of erased people.';
COMMENT ON COLUMN reporting.imports.api_calls IS 'Calls to Emarsys.';
COMMENT ON COLUMN reporting.imports.error_code IS 'Why the run failed.';
COMMENT ON COLUMN reporting.imports.queued_at IS 'When it was asked for.';
COMMENT ON COLUMN reporting.imports.started_at IS 'When it began.';
COMMENT ON COLUMN reporting.imports.finished_at IS 'When it ended.';
COMMENT ON COLUMN reporting.imports.duration_seconds IS 'Seconds from start to end.';

CREATE OR REPLACE VIEW reporting.import_rejections WITH (security_invoker = true) AS
SELECT r.id, r.import_id, r.code, r."values", r.contact_id, r.created_at, r.tenant_id FROM app.import_rejections r;
COMMENT ON VIEW reporting.import_rejections IS 'Rows that an import refused; kept for 14 days.';
COMMENT ON COLUMN reporting.import_rejections.id IS 'The rejection.';
COMMENT ON COLUMN reporting.import_rejections.import_id IS 'The run.';
COMMENT ON COLUMN reporting.import_rejections.code IS 'Why the row was refused.';
COMMENT ON COLUMN reporting.import_rejections."values" IS 'The values as Emarsys sent them.';
COMMENT ON COLUMN reporting.import_rejections.contact_id IS 'The contact concerned, if one is known.';
COMMENT ON COLUMN reporting.import_rejections.created_at IS 'When it was refused.';

CREATE OR REPLACE VIEW reporting.segments WITH (security_invoker = true) AS
SELECT s.segment_id AS id, s.name, s.segment_type AS type, s.interval_hours, s.size,
       (SELECT count(*) FROM app.segment_members m
         WHERE m.tenant_id = s.tenant_id AND m.segment_id = s.segment_id AND m.left_at IS NULL) AS contacts,
       (SELECT count(*) FROM app.segment_members m
         WHERE m.tenant_id = s.tenant_id AND m.segment_id = s.segment_id
           AND m.entered_at >= now() - interval '30 days') AS entered_30_days,
       (SELECT count(*) FROM app.segment_members m
         WHERE m.tenant_id = s.tenant_id AND m.segment_id = s.segment_id
           AND m.left_at >= now() - interval '30 days') AS left_30_days,
       s.selected_at, s.deselected_at, s.last_import_id, s.last_imported_at, s.next_import_at, s.tenant_id
  FROM app.selected_segments s;
COMMENT ON VIEW reporting.segments IS 'Emarsys segments that are, or were, selected for import.';
COMMENT ON COLUMN reporting.segments.id IS 'The segment''s id in Emarsys.';
COMMENT ON COLUMN reporting.segments.name IS 'Name in Emarsys at the last look.';
COMMENT ON COLUMN reporting.segments.type IS 'standard, combined, relational or ai.';
COMMENT ON COLUMN reporting.segments.interval_hours IS 'Hours between imports; NULL for the usual 12.';
COMMENT ON COLUMN reporting.segments.size IS 'People in the segment at the last import.';
COMMENT ON COLUMN reporting.segments.contacts IS 'Contacts in it now.';
COMMENT ON COLUMN reporting.segments.entered_30_days IS 'Contacts that came in during the last 30 days.';
COMMENT ON COLUMN reporting.segments.left_30_days IS 'Contacts that left during the last 30 days.';
COMMENT ON COLUMN reporting.segments.selected_at IS 'When it was selected.';
COMMENT ON COLUMN reporting.segments.deselected_at IS 'When it was deselected; NULL while selected.';
COMMENT ON COLUMN reporting.segments.last_import_id IS 'The last run.';
COMMENT ON COLUMN reporting.segments.last_imported_at IS 'End of the last run.';
COMMENT ON COLUMN reporting.segments.next_import_at IS 'When the next run is due.';

CREATE OR REPLACE VIEW reporting.events WITH (security_invoker = true) AS
SELECT v.id, v.source, v.event_name, v.status, v.errors #>> '{0,code}' AS error_code, v.contact_id, v.attempts,
       v.occurred_at, v.received_at, v.processed_at, v.tenant_id
  FROM app.events v;
COMMENT ON VIEW reporting.events IS 'Webhooks received from Emarsys, without their bodies.';
COMMENT ON COLUMN reporting.events.id IS 'The event.';
COMMENT ON COLUMN reporting.events.source IS 'custom or order.';
COMMENT ON COLUMN reporting.events.event_name IS 'Name as Emarsys sent it.';
COMMENT ON COLUMN reporting.events.status IS 'accepted, processed, rejected, held or failed.';
COMMENT ON COLUMN reporting.events.error_code IS 'First reason of a rejection.';
COMMENT ON COLUMN reporting.events.contact_id IS 'The contact it was about, once processed.';
COMMENT ON COLUMN reporting.events.attempts IS 'How often it was processed.';
COMMENT ON COLUMN reporting.events.occurred_at IS 'When it happened, as Emarsys says.';
COMMENT ON COLUMN reporting.events.received_at IS 'When it arrived.';
COMMENT ON COLUMN reporting.events.processed_at IS 'When it was processed.';

CREATE OR REPLACE VIEW reporting.flows WITH (security_invoker = true) AS
SELECT f.id, f.name, f.trigger, f.event_name, f.enabled, f.require_consent, f.version, f.created_at, f.updated_at,
       f.deleted_at, f.tenant_id
  FROM app.flows f;
COMMENT ON VIEW reporting.flows IS 'Flows that Emarsys events start; deleted ones stay, so that their runs keep a name.';
COMMENT ON COLUMN reporting.flows.id IS 'The flow.';
COMMENT ON COLUMN reporting.flows.name IS 'Its name.';
COMMENT ON COLUMN reporting.flows.trigger IS 'emarsys_event or emarsys_order.';
COMMENT ON COLUMN reporting.flows.event_name IS 'The event that starts it.';
COMMENT ON COLUMN reporting.flows.enabled IS 'Whether it is switched on.';
COMMENT ON COLUMN reporting.flows.require_consent IS 'Whether it runs only for contacts with a granted opt-in.';
COMMENT ON COLUMN reporting.flows.version IS 'Counts changes.';
COMMENT ON COLUMN reporting.flows.created_at IS 'When it was created.';
COMMENT ON COLUMN reporting.flows.updated_at IS 'When it last changed.';
COMMENT ON COLUMN reporting.flows.deleted_at IS 'When it was deleted; NULL while it exists.';

CREATE OR REPLACE VIEW reporting.flow_runs WITH (security_invoker = true) AS
SELECT r.id, r.flow_id, r.flow_version, r.event_id, r.contact_id, r.state, r.test, r.attempts, r.created_at,
       r.delivered_at, r.acknowledged_at, r.tenant_id
  FROM app.flow_runs r;
COMMENT ON VIEW reporting.flow_runs IS 'Every start of a flow for a contact.';
COMMENT ON COLUMN reporting.flow_runs.id IS 'The run.';
COMMENT ON COLUMN reporting.flow_runs.flow_id IS 'The flow.';
COMMENT ON COLUMN reporting.flow_runs.flow_version IS 'The flow''s version at that moment.';
COMMENT ON COLUMN reporting.flow_runs.event_id IS 'The event that started it.';
COMMENT ON COLUMN reporting.flow_runs.contact_id IS 'The contact.';
COMMENT ON COLUMN reporting.flow_runs.state IS 'queued, delivered, failed, no_phone, no_consent, capped or cancelled.';
COMMENT ON COLUMN reporting.flow_runs.test IS 'Whether it was a test.';
COMMENT ON COLUMN reporting.flow_runs.attempts IS 'Attempts to hand it over.';
COMMENT ON COLUMN reporting.flow_runs.created_at IS 'When it was started.';
COMMENT ON COLUMN reporting.flow_runs.delivered_at IS 'When charles took it.';
COMMENT ON COLUMN reporting.flow_runs.acknowledged_at IS 'When charles reported it as sent.';

CREATE OR REPLACE VIEW reporting.deliveries WITH (security_invoker = true) AS
SELECT d.id, d.type, d.contact_id, d.flow_run_id,
       CASE WHEN d.state = 'queued' AND d.last_error IS NOT NULL THEN 'failed' ELSE d.state END AS state, d.attempts, d.last_error ->> 'code' AS error_code,
       d.next_attempt_at, d.give_up_at, d.created_at, d.delivered_at, d.tenant_id
  FROM app.deliveries d;
COMMENT ON VIEW reporting.deliveries IS 'What was handed to the charles instance, without bodies.';
COMMENT ON COLUMN reporting.deliveries.id IS 'The delivery; the webhook-id header of every attempt.';
COMMENT ON COLUMN reporting.deliveries.type IS 'What happened, e.g. flow.triggered.';
COMMENT ON COLUMN reporting.deliveries.contact_id IS 'The contact, if it is about one.';
COMMENT ON COLUMN reporting.deliveries.flow_run_id IS 'The flow run, if it starts one.';
COMMENT ON COLUMN reporting.deliveries.state IS 'queued, delivered, failed (tried in vain, will be tried again) or dead (given up).';
COMMENT ON COLUMN reporting.deliveries.attempts IS 'Attempts so far.';
COMMENT ON COLUMN reporting.deliveries.error_code IS 'Code of the last failure.';
COMMENT ON COLUMN reporting.deliveries.next_attempt_at IS 'Not tried again before.';
COMMENT ON COLUMN reporting.deliveries.give_up_at IS 'When it is given up.';
COMMENT ON COLUMN reporting.deliveries.created_at IS 'When it was queued.';
COMMENT ON COLUMN reporting.deliveries.delivered_at IS 'When the endpoint took it.';

CREATE OR REPLACE VIEW reporting.orders WITH (security_invoker = true) AS
SELECT o.id, o.source, o.order_id, o.order_number, o.type, o.status, o.currency, o.amount_total_gross, o.amount_total_net,
       o.amount_total_tax, o.discount_amount_total, o.refund_amount_total_gross, o.discount_codes, o.outcome, o.contact_id,
       o.attribution ->> 'model' AS attribution_model, o.attributed_flow_id AS flow_id,
       o.attributed_flow_run_id AS flow_run_id, o.attributed_campaign AS campaign, o.touched_at, o.ordered_at,
       o.cancelled_at, o.created_at, o.updated_at, o.tenant_id
  FROM app.orders o;
COMMENT ON VIEW reporting.orders IS 'Orders. Amounts are in the order''s currency; never add up currencies.';
COMMENT ON COLUMN reporting.orders.id IS 'The order here.';
COMMENT ON COLUMN reporting.orders.source IS 'Where it came from.';
COMMENT ON COLUMN reporting.orders.order_id IS 'The shop''s id.';
COMMENT ON COLUMN reporting.orders.order_number IS 'The shop''s number.';
COMMENT ON COLUMN reporting.orders.type IS 'sale or cancellation.';
COMMENT ON COLUMN reporting.orders.status IS 'open, pending, completed or cancelled.';
COMMENT ON COLUMN reporting.orders.currency IS 'ISO 4217.';
COMMENT ON COLUMN reporting.orders.amount_total_gross IS 'Total after discounts, with tax.';
COMMENT ON COLUMN reporting.orders.amount_total_net IS 'Total after discounts, without tax.';
COMMENT ON COLUMN reporting.orders.amount_total_tax IS 'Tax.';
COMMENT ON COLUMN reporting.orders.discount_amount_total IS 'Discounts.';
COMMENT ON COLUMN reporting.orders.refund_amount_total_gross IS 'Refunds so far, reported apart from the total.';
COMMENT ON COLUMN reporting.orders.discount_codes IS 'Discount codes used.';
COMMENT ON COLUMN reporting.orders.outcome IS 'linked to a contact, anonymous or skipped.';
COMMENT ON COLUMN reporting.orders.contact_id IS 'The contact of a linked order.';
COMMENT ON COLUMN reporting.orders.attribution_model IS 'last_touch, coupon_code_unstitched or coupon_code_all; NULL where nothing led to it.';
COMMENT ON COLUMN reporting.orders.flow_id IS 'The flow it is attributed to.';
COMMENT ON COLUMN reporting.orders.flow_run_id IS 'The flow run it is attributed to.';
COMMENT ON COLUMN reporting.orders.campaign IS 'The campaign it is attributed to.';
COMMENT ON COLUMN reporting.orders.touched_at IS 'The touch that led to it.';
COMMENT ON COLUMN reporting.orders.ordered_at IS 'When it was placed.';
COMMENT ON COLUMN reporting.orders.cancelled_at IS 'When it was cancelled.';
COMMENT ON COLUMN reporting.orders.created_at IS 'When it was first received.';
COMMENT ON COLUMN reporting.orders.updated_at IS 'When it last changed.';

CREATE OR REPLACE VIEW reporting.order_items WITH (security_invoker = true) AS
SELECT i.order_id, i.position, i.contact_id, i.sku, i.name, i.qty, i.price_gross, i.price_net, i.currency, i.tenant_id
  FROM app.order_items i;
COMMENT ON VIEW reporting.order_items IS 'The lines of orders.';
COMMENT ON COLUMN reporting.order_items.order_id IS 'orders.id.';
COMMENT ON COLUMN reporting.order_items.position IS 'Place in the order.';
COMMENT ON COLUMN reporting.order_items.contact_id IS 'The contact of the order.';
COMMENT ON COLUMN reporting.order_items.sku IS 'Stock-keeping unit.';
COMMENT ON COLUMN reporting.order_items.name IS 'Name of the product.';
COMMENT ON COLUMN reporting.order_items.qty IS 'Quantity.';
COMMENT ON COLUMN reporting.order_items.price_gross IS 'Price of one, with tax.';
COMMENT ON COLUMN reporting.order_items.price_net IS 'Price of one, without tax.';
COMMENT ON COLUMN reporting.order_items.currency IS 'ISO 4217.';

CREATE OR REPLACE VIEW reporting.revenue_daily WITH (security_invoker = true) AS
SELECT r.day, r.currency, r.attributed_to, r.flow_id, r.campaign, r.orders, r.revenue_gross, r.refunds_gross, r.tenant_id
  FROM app.revenue_daily r;
COMMENT ON VIEW reporting.revenue_daily IS 'Revenue per day (the tenant''s time zone), currency and what it is attributed to. Kept by a job.';
COMMENT ON COLUMN reporting.revenue_daily.day IS 'Day of the order in the tenant''s time zone.';
COMMENT ON COLUMN reporting.revenue_daily.currency IS 'ISO 4217; never add up currencies.';
COMMENT ON COLUMN reporting.revenue_daily.attributed_to IS 'flow:<id>, campaign:<name>, or empty for orders that nothing led to.';
COMMENT ON COLUMN reporting.revenue_daily.flow_id IS 'The flow.';
COMMENT ON COLUMN reporting.revenue_daily.campaign IS 'The campaign.';
COMMENT ON COLUMN reporting.revenue_daily.orders IS 'Sales that were not cancelled.';
COMMENT ON COLUMN reporting.revenue_daily.revenue_gross IS 'Gross after discounts, refunds not deducted.';
COMMENT ON COLUMN reporting.revenue_daily.refunds_gross IS 'Refunds of these orders.';

CREATE OR REPLACE VIEW reporting.api_usage_daily WITH (security_invoker = true) AS
SELECT u.day, u.kind, u.calls, u.errors, u.tenant_id FROM app.api_usage_daily u;
COMMENT ON VIEW reporting.api_usage_daily IS 'Calls to Emarsys, per day (UTC) and kind.';
COMMENT ON COLUMN reporting.api_usage_daily.day IS 'Day, UTC.';
COMMENT ON COLUMN reporting.api_usage_daily.kind IS 'What was called.';
COMMENT ON COLUMN reporting.api_usage_daily.calls IS 'Calls.';
COMMENT ON COLUMN reporting.api_usage_daily.errors IS 'Calls that failed.';

CREATE OR REPLACE VIEW reporting.features WITH (security_invoker = true) AS
SELECT f.feature, f.enabled, f.note, f.updated_at, f.tenant_id FROM app.features f;
COMMENT ON VIEW reporting.features IS 'What is switched on for this instance.';
COMMENT ON COLUMN reporting.features.feature IS 'emarsys or order_events.';
COMMENT ON COLUMN reporting.features.enabled IS 'Whether it is on.';
COMMENT ON COLUMN reporting.features.note IS 'Why it was switched.';
COMMENT ON COLUMN reporting.features.updated_at IS 'When it was switched.';

DO $$
DECLARE
    v record;
BEGIN
    FOR v IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'reporting'::regnamespace AND c.relkind = 'v' LOOP
        EXECUTE format('COMMENT ON COLUMN reporting.%I.tenant_id IS %L', v.relname, 'The instance. A login sees one.');
        EXECUTE format('REVOKE ALL ON reporting.%I FROM PUBLIC, charles_app', v.relname);
        EXECUTE format('GRANT SELECT ON reporting.%I TO charles_report', v.relname);
    END LOOP;
END $$;
