-- Contacts that were deleted, not erased: they stay away too, unless the tenant wants imports to bring them back.
SET LOCAL ROLE charles_owner;

ALTER TABLE app.suppressions ADD COLUMN deleted boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN app.suppressions.deleted IS
    'The contact was deleted, not erased on the person''s demand: with the setting recreate_deleted an import may bring it back.';

-- Values that the guard against mass merges took out are an operator's business; which values they are is not.
SELECT app.open_to_operator('app.identifier_flags');
GRANT SELECT (tenant_id, kind, status, created_at) ON app.identifier_flags TO charles_operator;
CREATE INDEX identifier_flags_quarantined ON app.identifier_flags (created_at) WHERE status = 'quarantined';
