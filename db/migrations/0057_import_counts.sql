-- Values that did not come in are counted apart from rows that did not: a run that says "with rejections" says of what.
SET LOCAL ROLE charles_owner;

ALTER TABLE app.imports ADD COLUMN rejected_values int NOT NULL DEFAULT 0,
    ADD COLUMN invalid_phones int NOT NULL DEFAULT 0;
COMMENT ON COLUMN app.imports.rejected IS 'Rows that could not become a contact.';
COMMENT ON COLUMN app.imports.rejected_values IS 'Values left out of rows that came in: an unusable phone, a word in a number.';
COMMENT ON COLUMN app.imports.invalid_phones IS 'Rows with a phone that is none.';
