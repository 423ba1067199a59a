-- Privacy: the tenant's key for hashing erased people.
SET LOCAL ROLE charles_owner;

CREATE TABLE app.privacy_keys (
    tenant_id uuid PRIMARY KEY REFERENCES app.tenants ON DELETE CASCADE,
    key bytea NOT NULL,
    created_at timestamptz NOT NULL
);
COMMENT ON COLUMN app.privacy_keys.key IS 'Sealed with the tenant''s data key.';
CREATE INDEX suppressions_erasure ON app.suppressions (tenant_id, erasure_id);
CREATE INDEX erasures_contact ON app.erasures (tenant_id, contact_id);

SELECT app.isolate_all();
GRANT SELECT, INSERT, UPDATE, DELETE ON app.privacy_keys TO charles_app;
