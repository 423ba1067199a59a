-- Only look-ups by value may use the index of identifiers' owners.
--
-- Where statistics know nothing of a tenant (the minutes of its first import), PostgreSQL takes each index that begins with
-- tenant_id to pick one row, and of two such indexes takes the smaller: the identifiers of one contact were looked up by
-- walking all active ones of the tenant, and a batch that takes a second took a minute. "value IS NOT NULL" is true of each
-- row and follows from any comparison of value, so a look-up by contact, which has none, no longer fits this index.
SET LOCAL ROLE charles_owner;

CREATE UNIQUE INDEX contact_identifiers_owner_by_value ON app.contact_identifiers (tenant_id, value, kind)
    WHERE status = 'active' AND value IS NOT NULL;
DROP INDEX app.contact_identifiers_owner;
ALTER INDEX app.contact_identifiers_owner_by_value RENAME TO contact_identifiers_owner;
