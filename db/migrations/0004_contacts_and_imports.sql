-- Contacts, their identifiers, merges and conflicts; import runs and what they rejected.
SET LOCAL ROLE charles_owner;

-- phone and email repeat the primary identifiers, so that a read needs one row. A merged contact stays as a tombstone, so
-- that old ids in webhooks, exports and links resolve.
CREATE TABLE app.contacts (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    first_name text,
    last_name text,
    phone text,
    email text,
    external_reference_id text,
    custom_properties jsonb NOT NULL DEFAULT '{}',
    merged_into uuid,
    protected boolean NOT NULL DEFAULT false,
    erased_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 90);
CREATE INDEX contacts_created ON app.contacts (tenant_id, created_at DESC, id) WHERE merged_into IS NULL AND erased_at IS NULL;
CREATE INDEX contacts_merged ON app.contacts (tenant_id, merged_into) WHERE merged_into IS NOT NULL;

-- kind: phone | email | emarsys_contact_id | emarsys_customer_id | wa_bsuid. value is normalised, raw as received.
-- The unique index is the last guard of stitching: one active owner of a value.
CREATE TABLE app.contact_identifiers (
    tenant_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('phone', 'email', 'emarsys_contact_id', 'emarsys_customer_id', 'wa_bsuid')),
    value text NOT NULL,
    contact_id uuid NOT NULL,
    raw text,
    is_primary boolean NOT NULL DEFAULT true,
    source text NOT NULL,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'released', 'shared', 'blocked', 'gone')),
    flags text[] NOT NULL DEFAULT '{}',
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now(),
    source_hash bytea,
    PRIMARY KEY (tenant_id, contact_id, kind, value),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES app.contacts (tenant_id, id) ON DELETE CASCADE
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX contact_identifiers_owner ON app.contact_identifiers (tenant_id, kind, value) WHERE status = 'active';
COMMENT ON COLUMN app.contact_identifiers.source_hash IS
    'On emarsys_contact_id: hash of the mapped source values and the mapping at the last import; equal means nothing to do.';

-- Values that identify nobody: shared by several people, blocked by rule, or quarantined by the mass-merge guard.
CREATE TABLE app.identifier_flags (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    kind text NOT NULL,
    value text NOT NULL,
    status text NOT NULL CHECK (status IN ('shared', 'blocked', 'quarantined')),
    distinct_ids int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, kind, value)
);

CREATE TABLE app.identity_conflicts (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    code text NOT NULL,
    contact_ids uuid[] NOT NULL,
    "values" jsonb NOT NULL DEFAULT '{}',
    source text NOT NULL,
    import_id uuid,
    fingerprint bytea NOT NULL,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'merged', 'not_same')),
    resolved_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX identity_conflicts_open ON app.identity_conflicts (tenant_id, fingerprint) WHERE status = 'open';
CREATE INDEX identity_conflicts_created ON app.identity_conflicts (tenant_id, created_at DESC, id);

-- Pairs that a person declared not to be the same; low id first.
CREATE TABLE app.not_same (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    contact_a uuid NOT NULL,
    contact_b uuid NOT NULL,
    decided_by text NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, contact_a, contact_b),
    CHECK (contact_a < contact_b)
);

CREATE TABLE app.merges (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    survivor_id uuid NOT NULL,
    loser_id uuid NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL,
    import_id uuid,
    survivor_before jsonb NOT NULL,
    loser_before jsonb NOT NULL,
    merged_at timestamptz NOT NULL DEFAULT now(),
    undone_at timestamptz,
    undone_by text,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX merges_merged ON app.merges (tenant_id, merged_at DESC, id);
CREATE INDEX merges_survivor ON app.merges (tenant_id, survivor_id);
CREATE INDEX merges_loser ON app.merges (tenant_id, loser_id);

-- Membership mirrors the segment: leaving never deletes a contact.
CREATE TABLE app.segment_members (
    tenant_id uuid NOT NULL,
    segment_id text NOT NULL,
    contact_id uuid NOT NULL,
    entered_at timestamptz NOT NULL,
    left_at timestamptz,
    PRIMARY KEY (tenant_id, segment_id, contact_id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES app.contacts (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX segment_members_contact ON app.segment_members (tenant_id, contact_id);

CREATE TABLE app.imports (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    trigger text NOT NULL CHECK (trigger IN ('initial', 'schedule', 'manual')),
    mode text NOT NULL CHECK (mode IN ('incremental', 'full')),
    dry_run boolean NOT NULL DEFAULT false,
    segment_ids text[] NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN
        ('queued', 'running', 'waiting', 'succeeded', 'succeeded_with_rejections', 'failed', 'cancelled')),
    cancel_requested boolean NOT NULL DEFAULT false,
    total int,
    read int NOT NULL DEFAULT 0,
    created int NOT NULL DEFAULT 0,
    updated int NOT NULL DEFAULT 0,
    unchanged int NOT NULL DEFAULT 0,
    merged int NOT NULL DEFAULT 0,
    conflicts int NOT NULL DEFAULT 0,
    rejected int NOT NULL DEFAULT 0,
    skipped int NOT NULL DEFAULT 0,
    api_calls int NOT NULL DEFAULT 0,
    sample jsonb,
    error_code text,
    error_detail text,
    error_advice text,
    requested_by text,
    queued_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX imports_queued ON app.imports (tenant_id, queued_at DESC, id);
-- One running per tenant.
CREATE UNIQUE INDEX imports_running ON app.imports (tenant_id) WHERE state IN ('queued', 'running', 'waiting');

-- The ids of a run, in batches: the checkpoint at which a run goes on after a crash.
CREATE TABLE app.import_batches (
    tenant_id uuid NOT NULL,
    import_id uuid NOT NULL,
    batch int NOT NULL,
    emarsys_ids bigint[] NOT NULL,
    done boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, import_id, batch),
    FOREIGN KEY (tenant_id, import_id) REFERENCES app.imports (tenant_id, id) ON DELETE CASCADE
);

-- Which ids belong to which segment of a run, for the membership mirror.
CREATE TABLE app.import_segment_ids (
    tenant_id uuid NOT NULL,
    import_id uuid NOT NULL,
    segment_id text NOT NULL,
    part int NOT NULL,
    emarsys_ids bigint[] NOT NULL,
    PRIMARY KEY (tenant_id, import_id, segment_id, part),
    FOREIGN KEY (tenant_id, import_id) REFERENCES app.imports (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE app.import_rejections (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    import_id uuid NOT NULL,
    code text NOT NULL,
    "values" jsonb NOT NULL,
    contact_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, import_id, id),
    FOREIGN KEY (tenant_id, import_id) REFERENCES app.imports (tenant_id, id) ON DELETE CASCADE
);

-- Keyed hashes of erased people: an import cannot bring them back.
CREATE TABLE app.suppressions (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    kind text NOT NULL,
    value_hash bytea NOT NULL,
    erasure_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, kind, value_hash)
);

CREATE TABLE app.erasures (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    contact_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('received', 'running', 'partial', 'finished', 'failed')),
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    proof jsonb,
    PRIMARY KEY (tenant_id, id)
);

SELECT app.isolate_all();
GRANT SELECT, INSERT, UPDATE, DELETE ON app.contacts, app.contact_identifiers, app.identifier_flags, app.identity_conflicts,
    app.not_same, app.merges, app.segment_members, app.imports, app.import_batches, app.import_segment_ids,
    app.import_rejections, app.suppressions, app.erasures TO charles_app;
SELECT app.open_to_operator('app.imports');
GRANT SELECT ON app.imports TO charles_operator;
