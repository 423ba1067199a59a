-- Webhooks received, the flows they start, and what is delivered to the charles instance.
SET LOCAL ROLE charles_owner;

-- The inbox. status: accepted (durable, to be processed), held (paused), rejected (kept for inspection), processed, failed.
-- dedup_key is emptied 24 hours after arrival, which opens the window again.
CREATE TABLE app.events (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    source text NOT NULL CHECK (source IN ('custom', 'order')),
    status text NOT NULL DEFAULT 'accepted' CHECK (status IN ('accepted', 'processed', 'rejected', 'held', 'failed')),
    dedup_key bytea,
    event_name text,
    occurred_at timestamptz,
    received_at timestamptz NOT NULL,
    body jsonb NOT NULL,
    errors jsonb,
    contact_id uuid,
    trace jsonb,
    attempts int NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    processed_at timestamptz,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX events_dedup ON app.events (tenant_id, source, dedup_key) WHERE dedup_key IS NOT NULL;
CREATE INDEX events_pending ON app.events (tenant_id, received_at, id) WHERE status = 'accepted';
CREATE INDEX events_received ON app.events (tenant_id, received_at DESC, id);
CREATE INDEX events_contact ON app.events (tenant_id, contact_id, received_at DESC) WHERE contact_id IS NOT NULL;

-- Each processing of an event, a replay included, is a row of its own.
CREATE TABLE app.event_attempts (
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    reason text NOT NULL DEFAULT 'arrival',
    flow_id uuid,
    requested_by text,
    at timestamptz NOT NULL DEFAULT now(),
    outcome text,
    trace jsonb,
    PRIMARY KEY (tenant_id, event_id, id),
    FOREIGN KEY (tenant_id, event_id) REFERENCES app.events (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE app.flows (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    trigger text NOT NULL CHECK (trigger IN ('emarsys_event', 'emarsys_order')),
    event_name text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}',
    enabled boolean NOT NULL DEFAULT true,
    require_consent boolean NOT NULL DEFAULT false,
    frequency_cap jsonb,
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX flows_event ON app.flows (tenant_id, trigger, event_name) WHERE deleted_at IS NULL;
COMMENT ON COLUMN app.flows.frequency_cap IS '{"max": n, "hours": h}: at most n runs per contact in h hours.';

CREATE TABLE app.flow_runs (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    flow_id uuid NOT NULL,
    flow_version int NOT NULL,
    event_id uuid,
    attempt_id uuid,
    contact_id uuid,
    state text NOT NULL CHECK (state IN ('queued', 'delivered', 'failed', 'no_phone', 'no_consent', 'capped', 'cancelled')),
    test boolean NOT NULL DEFAULT false,
    payload jsonb NOT NULL,
    missing_keys text[] NOT NULL DEFAULT '{}',
    attempts int NOT NULL DEFAULT 0,
    last_error jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz,
    acknowledged_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, flow_id) REFERENCES app.flows (tenant_id, id) ON DELETE CASCADE
) WITH (fillfactor = 85);
-- An event starts a flow once per attempt, whatever happens to the worker in between.
CREATE UNIQUE INDEX flow_runs_once ON app.flow_runs (tenant_id, event_id, attempt_id, flow_id) WHERE event_id IS NOT NULL;
CREATE INDEX flow_runs_created ON app.flow_runs (tenant_id, created_at DESC, id);
CREATE INDEX flow_runs_state ON app.flow_runs (tenant_id, state, created_at);
CREATE INDEX flow_runs_contact ON app.flow_runs (tenant_id, contact_id, created_at DESC);
CREATE INDEX flow_runs_flow ON app.flow_runs (tenant_id, flow_id, created_at DESC);

CREATE TABLE app.delivery_endpoints (
    tenant_id uuid PRIMARY KEY REFERENCES app.tenants ON DELETE CASCADE,
    url text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    secret bytea NOT NULL,
    previous_secret bytea,
    previous_valid_until timestamptz,
    disabled_reason text,
    failures int NOT NULL DEFAULT 0,
    open_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN app.delivery_endpoints.open_until IS 'The circuit breaker is open until then: no delivery is tried.';

-- sequence orders deliveries of one contact; id is the webhook-id, the same on every attempt.
CREATE TABLE app.deliveries (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    sequence bigint GENERATED ALWAYS AS IDENTITY,
    type text NOT NULL,
    contact_id uuid,
    flow_run_id uuid,
    body jsonb NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'delivered', 'failed', 'dead')),
    attempts int NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    give_up_at timestamptz NOT NULL,
    last_error jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 85);
CREATE INDEX deliveries_due ON app.deliveries (tenant_id, next_attempt_at, sequence) WHERE state = 'queued';
CREATE INDEX deliveries_order ON app.deliveries (tenant_id, contact_id, sequence) WHERE state = 'queued';
CREATE INDEX deliveries_created ON app.deliveries (tenant_id, created_at DESC, id);
CREATE INDEX deliveries_contact ON app.deliveries (tenant_id, contact_id, created_at DESC);

CREATE TABLE app.delivery_attempts (
    tenant_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    attempt int NOT NULL,
    at timestamptz NOT NULL,
    duration_ms int NOT NULL,
    status int,
    error text,
    response_excerpt text,
    PRIMARY KEY (tenant_id, delivery_id, attempt),
    FOREIGN KEY (tenant_id, delivery_id) REFERENCES app.deliveries (tenant_id, id) ON DELETE CASCADE
);

SELECT app.isolate_all();
SELECT app.open_to_inbox('app.events');
SELECT app.open_to_operator('app.events'), app.open_to_operator('app.deliveries');
GRANT SELECT (tenant_id, id, status, received_at, source, event_name, processed_at) ON app.events TO charles_operator;
GRANT SELECT (tenant_id, id, state, created_at, next_attempt_at, delivered_at) ON app.deliveries TO charles_operator;
GRANT SELECT, INSERT ON app.events TO charles_inbox;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.events, app.event_attempts, app.flows, app.flow_runs, app.delivery_endpoints,
    app.deliveries, app.delivery_attempts TO charles_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA app TO charles_app;
