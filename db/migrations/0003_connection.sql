-- The connection to Emarsys: credentials, field mapping, selected segments, opt-in field, webhook secrets.
SET LOCAL ROLE charles_owner;

-- Deleting the connection erases its secrets and keeps the row, so that contacts and history stay explainable.
CREATE TABLE app.connections (
    tenant_id uuid PRIMARY KEY REFERENCES app.tenants ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    auth text NOT NULL CHECK (auth IN ('wsse', 'oauth2')),
    principal text,
    secret bytea,
    token_url text,
    base_url text,
    status text NOT NULL CHECK (status IN ('connected', 'failing', 'disconnected')),
    last_error jsonb,
    last_ok_at timestamptz,
    permissions jsonb,
    paused boolean NOT NULL DEFAULT false,
    language text NOT NULL DEFAULT 'en',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN app.connections.principal IS 'WSSE username or OAuth client id.';
COMMENT ON COLUMN app.connections.secret IS 'Sealed with the tenant''s data key; NULL once disconnected.';

-- What a marketer has typed into the five steps so far; no secret is kept here.
CREATE TABLE app.connect_drafts (
    tenant_id uuid PRIMARY KEY REFERENCES app.tenants ON DELETE CASCADE,
    step smallint NOT NULL CHECK (step BETWEEN 1 AND 5),
    draft jsonb NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE app.webhook_secrets (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    secret bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    valid_until timestamptz,
    PRIMARY KEY (tenant_id, id)
);
COMMENT ON COLUMN app.webhook_secrets.valid_until IS 'NULL for the current secret, the end of the overlap for a previous one.';

CREATE TABLE app.custom_properties (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    type text NOT NULL CHECK (type IN ('string', 'number', 'boolean', 'date')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name)
);

CREATE TABLE app.mappings (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    position int NOT NULL,
    source text NOT NULL,
    fallback_source text,
    destination text NOT NULL,
    overwrite text NOT NULL DEFAULT 'always' CHECK (overwrite IN ('always', 'fill_blank', 'never')),
    on_empty text NOT NULL DEFAULT 'clear' CHECK (on_empty IN ('keep', 'clear')),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, destination)
);

CREATE TABLE app.selected_segments (
    tenant_id uuid NOT NULL REFERENCES app.tenants ON DELETE CASCADE,
    segment_id text NOT NULL,
    name text,
    segment_type text,
    interval_hours int,
    size int,
    selected_at timestamptz NOT NULL DEFAULT now(),
    deselected_at timestamptz,
    last_import_id uuid,
    last_imported_at timestamptz,
    next_import_at timestamptz,
    PRIMARY KEY (tenant_id, segment_id)
);
COMMENT ON COLUMN app.selected_segments.deselected_at IS 'Kept after deselection, so that memberships and reports keep the name.';

CREATE TABLE app.opt_in_fields (
    tenant_id uuid PRIMARY KEY REFERENCES app.tenants ON DELETE CASCADE,
    field_id text NOT NULL,
    granted_value text NOT NULL DEFAULT 'granted',
    withdrawn_value text NOT NULL DEFAULT 'withdrawn',
    timestamp_field_id text,
    create_missing boolean NOT NULL DEFAULT false,
    updated_at timestamptz NOT NULL DEFAULT now()
);

SELECT app.isolate_all();
SELECT app.open_to_operator('app.connections');
GRANT SELECT, INSERT, UPDATE, DELETE ON app.connections, app.connect_drafts, app.webhook_secrets, app.custom_properties,
    app.mappings, app.selected_segments, app.opt_in_fields TO charles_app;
GRANT SELECT (tenant_id, name, auth, status, last_error, last_ok_at, paused) ON app.connections TO charles_operator;
