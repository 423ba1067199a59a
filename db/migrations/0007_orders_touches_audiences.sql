-- Orders, what they are attributed to, and audiences.
SET LOCAL ROLE charles_owner;

CREATE TABLE app.orders (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    source text NOT NULL DEFAULT 'emarsys',
    order_id text NOT NULL,
    order_number text,
    type text NOT NULL DEFAULT 'sale' CHECK (type IN ('sale', 'cancellation')),
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'pending', 'completed', 'cancelled')),
    currency text NOT NULL,
    amount_total_gross numeric(18, 4) NOT NULL,
    amount_total_net numeric(18, 4),
    amount_total_tax numeric(18, 4),
    amount_total_shipping_gross numeric(18, 4),
    discount_amount_total numeric(18, 4),
    refund_amount_total_gross numeric(18, 4) NOT NULL DEFAULT 0,
    computed_items_gross numeric(18, 4),
    discounts jsonb NOT NULL DEFAULT '[]',
    discount_codes text[] NOT NULL DEFAULT '{}',
    details jsonb NOT NULL DEFAULT '{}',
    flags text[] NOT NULL DEFAULT '{}',
    outcome text NOT NULL CHECK (outcome IN ('linked', 'anonymous', 'skipped')),
    contact_id uuid,
    first_event_id uuid,
    last_event_id uuid,
    source_updated_at timestamptz,
    ordered_at timestamptz NOT NULL,
    cancelled_at timestamptz,
    attribution jsonb,
    attributed_flow_id uuid,
    attributed_flow_run_id uuid,
    attributed_campaign text,
    touched_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, source, order_id)
) WITH (fillfactor = 90);
CREATE INDEX orders_ordered ON app.orders (tenant_id, ordered_at DESC, id);
CREATE INDEX orders_contact ON app.orders (tenant_id, contact_id, ordered_at DESC) WHERE contact_id IS NOT NULL;
CREATE INDEX orders_codes ON app.orders USING gin (discount_codes) WHERE contact_id IS NULL;

CREATE TABLE app.order_items (
    tenant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    position int NOT NULL,
    contact_id uuid,
    external_reference_id text,
    sku text,
    name text,
    qty numeric(18, 4) NOT NULL,
    price_gross numeric(18, 4),
    price_net numeric(18, 4),
    currency text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, order_id, position),
    FOREIGN KEY (tenant_id, order_id) REFERENCES app.orders (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX order_items_sku ON app.order_items (tenant_id, sku, contact_id) WHERE contact_id IS NOT NULL;

-- Every order event received, applied or not, so that an update that came too late can be seen.
CREATE TABLE app.order_history (
    tenant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    event_id uuid NOT NULL,
    applied boolean NOT NULL,
    reason text,
    source_updated_at timestamptz,
    snapshot jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, order_id, event_id),
    FOREIGN KEY (tenant_id, order_id) REFERENCES app.orders (tenant_id, id) ON DELETE CASCADE
);

-- Kept beside the orders so that a contact, an audience and a report need no sum over them. One row per currency:
-- currencies are never added up.
CREATE TABLE app.contact_order_totals (
    tenant_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    currency text NOT NULL,
    order_count int NOT NULL,
    total_gross numeric(18, 4) NOT NULL,
    refunds_gross numeric(18, 4) NOT NULL DEFAULT 0,
    first_order_at timestamptz,
    last_order_at timestamptz,
    PRIMARY KEY (tenant_id, contact_id, currency),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES app.contacts (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX contact_order_totals_total ON app.contact_order_totals (tenant_id, currency, total_gross);
CREATE INDEX contact_order_totals_count ON app.contact_order_totals (tenant_id, order_count);
CREATE INDEX contact_order_totals_last ON app.contact_order_totals (tenant_id, last_order_at);

CREATE TABLE app.touches (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    contact_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('flow', 'read', 'click', 'reply')),
    flow_id uuid,
    flow_run_id uuid,
    campaign text,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX touches_contact ON app.touches (tenant_id, contact_id, occurred_at DESC);

-- The attribution window and its history: an order is attributed by the window in force when it was placed.
CREATE TABLE app.attribution_windows (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    valid_from timestamptz NOT NULL,
    days int NOT NULL CHECK (days BETWEEN 1 AND 90),
    changed_by text NOT NULL,
    PRIMARY KEY (tenant_id, valid_from)
);

-- Discount codes that belong to a campaign or flow, for orders without a contact.
CREATE TABLE app.coupon_codes (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    code text NOT NULL,
    flow_id uuid,
    campaign text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, code)
);

CREATE TABLE app.audiences (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    rules jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);

-- Facts per day, kept by jobs for reports.
CREATE TABLE app.revenue_daily (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    day date NOT NULL,
    currency text NOT NULL,
    attributed_to text NOT NULL DEFAULT '',
    flow_id uuid,
    campaign text,
    orders int NOT NULL,
    revenue_gross numeric(18, 4) NOT NULL,
    refunds_gross numeric(18, 4) NOT NULL,
    PRIMARY KEY (tenant_id, day, currency, attributed_to)
);

CREATE TABLE app.api_usage_daily (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    day date NOT NULL,
    kind text NOT NULL,
    calls bigint NOT NULL DEFAULT 0,
    errors bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, day, kind)
);

-- One row per kind of alert: raised once, recovered once.
CREATE TABLE app.alerts (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    kind text NOT NULL,
    state text NOT NULL CHECK (state IN ('raised', 'recovered')),
    detail jsonb NOT NULL DEFAULT '{}',
    raised_at timestamptz NOT NULL,
    recovered_at timestamptz,
    PRIMARY KEY (tenant_id, kind)
);

SELECT app.isolate_all();
SELECT app.open_to_operator(t::regclass) FROM unnest(ARRAY['app.alerts', 'app.api_usage_daily']) AS t;
GRANT SELECT ON app.alerts, app.api_usage_daily TO charles_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.orders, app.order_items, app.order_history, app.contact_order_totals, app.touches,
    app.attribution_windows, app.coupon_codes, app.audiences, app.revenue_daily, app.api_usage_daily, app.alerts TO charles_app;
