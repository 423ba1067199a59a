-- Renewing the tenants' data keys while they are in use: which columns they seal, and how far it is.
SET LOCAL ROLE charles_owner;

COMMENT ON COLUMN app.connections.secret IS '[sealed by id] Sealed with the tenant''s data key; NULL once disconnected.';
COMMENT ON COLUMN app.webhook_secrets.secret IS '[sealed by id] Sealed with the tenant''s data key.';
COMMENT ON COLUMN app.delivery_endpoints.secret IS '[sealed by tenant] Sealed with the tenant''s data key.';
COMMENT ON COLUMN app.delivery_endpoints.previous_secret IS '[sealed by tenant as secret] Sealed with the tenant''s data key.';
COMMENT ON COLUMN app.privacy_keys.key IS '[sealed by tenant] Sealed with the tenant''s data key.';
COMMENT ON COLUMN app.idempotency_keys.response IS '[sealed by tenant] Sealed with the tenant''s data key.';

-- The rotation under way, or the last one. No tenant's: operators alone see it.
CREATE TABLE app.key_rotation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    with_data_keys boolean NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);
GRANT SELECT, INSERT, UPDATE ON app.key_rotation TO charles_operator;

-- The columns that hold sealed values: by their comments. by_id: the place of a value names the row's id, else the tenant's.
-- as_column: the column under whose name the values were sealed.
CREATE FUNCTION app.sealed_columns() RETURNS TABLE (table_name text, column_name text, by_id boolean, as_column text)
LANGUAGE sql STABLE AS $$
    SELECT c.relname::text, a.attname::text, d.description LIKE '[sealed by id%',
           coalesce(substring(d.description FROM '^\[sealed by \w+ as (\w+)\]'), a.attname)
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = a.attnum
     WHERE c.relnamespace = 'app'::regnamespace AND d.description LIKE '[sealed by %' ORDER BY 1, 2
$$;

-- Some of the tenant's values that another data key than p_version sealed. A sealed value begins with its form (one byte)
-- and the version of its key (four).
CREATE FUNCTION app.sealed_values(p_tenant uuid, p_version int, p_limit int)
RETURNS TABLE (table_name text, column_name text, as_column text, row_id uuid, sealed bytea) LANGUAGE plpgsql STABLE AS $$
DECLARE
    s record;
BEGIN
    FOR s IN SELECT * FROM app.sealed_columns() LOOP
        RETURN QUERY EXECUTE format(
            'SELECT %L::text, %L::text, %L::text, x.%I, x.%I FROM app.%I x WHERE x.tenant_id = $1 AND x.%I IS NOT NULL '
            'AND substring(x.%I FROM 2 FOR 4) <> int4send($2) LIMIT $3',
            s.table_name, s.column_name, s.as_column, CASE WHEN s.by_id THEN 'id' ELSE 'tenant_id' END, s.column_name,
            s.table_name, s.column_name, s.column_name) USING p_tenant, p_version, p_limit;
    END LOOP;
END $$;

-- Puts a newly sealed value in the place of the old one, unless that has changed meanwhile. Answers how many: no two sealed
-- values are alike.
CREATE FUNCTION app.reseal(p_tenant uuid, p_table text, p_column text, p_old bytea, p_new bytea) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_count bigint;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM app.sealed_columns() s WHERE s.table_name = p_table AND s.column_name = p_column) THEN
        RAISE EXCEPTION 'not a sealed column' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('UPDATE app.%I x SET %I = $3 WHERE x.tenant_id = $1 AND x.%I = $2', p_table, p_column, p_column)
        USING p_tenant, p_old, p_new;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;
