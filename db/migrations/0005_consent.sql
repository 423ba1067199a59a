-- Consent: an append-only ledger, the state it adds up to, and the outbox to Emarsys.
SET LOCAL ROLE charles_owner;

-- Never updated but for contact_id (a merge moves the person's entries) and never deleted but by an erasure.
CREATE TABLE app.consent_entries (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    contact_id uuid NOT NULL,
    phone text,
    subscription_type text NOT NULL DEFAULT 'whatsapp',
    status text NOT NULL CHECK (status IN ('pending', 'granted', 'denied', 'withdrawn')),
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    source text NOT NULL,
    by_user boolean,
    evidence jsonb,
    actor text NOT NULL,
    request_id text,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX consent_entries_contact ON app.consent_entries (tenant_id, contact_id, occurred_at DESC);
CREATE INDEX consent_entries_occurred ON app.consent_entries (tenant_id, occurred_at);

-- The latest dated decision per contact, phone and subscription type; a tie is the restrictive one.
CREATE TABLE app.consents (
    tenant_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    subscription_type text NOT NULL,
    phone text NOT NULL DEFAULT '',
    status text NOT NULL CHECK (status IN ('pending', 'granted', 'denied', 'withdrawn')),
    occurred_at timestamptz NOT NULL,
    entry_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, contact_id, subscription_type, phone),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES app.contacts (tenant_id, id) ON DELETE CASCADE
);

-- One row per change to be told. Coalesced: at most one queued row per contact, carrying the latest state.
CREATE TABLE app.opt_in_exports (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    contact_id uuid NOT NULL,
    status text NOT NULL CHECK (status IN ('granted', 'withdrawn')),
    consent_at timestamptz NOT NULL,
    emarsys_contact_id text,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'confirmed', 'failed', 'not_in_emarsys')),
    reason text NOT NULL DEFAULT 'change',
    attempts int NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    last_error jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    confirmed_at timestamptz,
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX opt_in_exports_queued ON app.opt_in_exports (tenant_id, contact_id) WHERE state = 'queued';
-- Withdrawals leave first.
CREATE INDEX opt_in_exports_due ON app.opt_in_exports (tenant_id, (status = 'granted'), next_attempt_at, created_at)
    WHERE state = 'queued';
CREATE INDEX opt_in_exports_created ON app.opt_in_exports (tenant_id, created_at DESC, id);
CREATE INDEX opt_in_exports_contact ON app.opt_in_exports (tenant_id, contact_id, created_at DESC);

-- What Emarsys is known to hold, so that nothing is written that it already has.
CREATE TABLE app.opt_in_confirmed (
    tenant_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    emarsys_contact_id text NOT NULL,
    field_id text NOT NULL,
    value text NOT NULL,
    consent_at timestamptz,
    confirmed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, contact_id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES app.contacts (tenant_id, id) ON DELETE CASCADE
);

SELECT app.isolate_all();
GRANT SELECT, INSERT, DELETE ON app.consent_entries TO charles_app;
GRANT UPDATE (contact_id) ON app.consent_entries TO charles_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.consents, app.opt_in_exports, app.opt_in_confirmed TO charles_app;
SELECT app.open_to_operator('app.opt_in_exports');
GRANT SELECT (tenant_id, id, status, state, attempts, next_attempt_at, created_at, sent_at, confirmed_at)
    ON app.opt_in_exports TO charles_operator;
