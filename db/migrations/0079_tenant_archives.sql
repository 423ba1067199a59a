-- Taking a tenant out of one database and into another: which tables it has, its rows as text, the same rows restored, and
-- sums that tell whether two databases hold the same. All of it from the catalogue: a new table is carried without a word here.
SET LOCAL ROLE charles_owner;

-- Where a tenant is on its way from one database to another. Belongs to this database.
--   leaving: writes wait, reads are served; its rows are being copied for the last time
--   moved:   another database has it now; everything waits here until the tenant is deleted
--   arriving: it is not complete here yet
CREATE TABLE app.tenant_moves (
    tenant_id uuid PRIMARY KEY REFERENCES app.tenants ON DELETE CASCADE,
    state text NOT NULL CHECK (state IN ('leaving', 'moved', 'arriving')),
    changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE app.tenant_moves IS '[local] Where a tenant is on its way between two databases.';
COMMENT ON TABLE app.directory_changes IS '[local] Which directory entries replicas have to read again.';
COMMENT ON TABLE app.lanes IS '[local] The lanes of a tenant, made anew where it arrives: what they hold is carried.';
COMMENT ON TABLE app.reporting_logins IS '[local] Logins of this cluster; they are granted anew where the tenant arrives.';
SELECT app.isolate_all();
SELECT app.open_to_operator('app.tenant_moves');
GRANT SELECT ON app.tenant_moves TO charles_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.tenant_moves TO charles_operator;

-- Every table of a tenant, those that others refer to first. columns: what is carried, which leaves out what the database
-- numbers or computes itself. is_numbered: such a number is part of the key, so that rows cannot be matched one by one.
-- is_leaf: nothing refers to it. is_directory: operators write it, not the tenant. is_local: it stays.
CREATE FUNCTION app.tenant_tables()
RETURNS TABLE (table_name text, columns text[], keys text[], is_numbered boolean, is_leaf boolean, is_directory boolean,
               is_local boolean)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE tables AS (
        SELECT c.oid, c.relname
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
         WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition),
    depth(oid, level) AS (
        SELECT oid, 0 FROM tables
        UNION
        SELECT k.conrelid, d.level + 1
          FROM depth d JOIN pg_constraint k ON k.confrelid = d.oid AND k.contype = 'f' AND k.confrelid <> k.conrelid
         WHERE d.level < 20)
    SELECT t.relname::text,
           ARRAY(SELECT a.attname::text FROM pg_attribute a
                  WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = '' AND a.attgenerated = ''
                  ORDER BY a.attname),
           ARRAY(SELECT a.attname::text FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
                   JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
                  WHERE i.indrelid = t.oid AND i.indisprimary ORDER BY k.place),
           EXISTS (SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (i.indkey)
                    WHERE i.indrelid = t.oid AND i.indisprimary AND a.attidentity <> ''),
           NOT EXISTS (SELECT 1 FROM pg_constraint k
                        WHERE k.contype = 'f' AND k.confrelid = t.oid AND k.conrelid <> t.oid),
           NOT has_table_privilege('charles_app', t.oid, 'INSERT'),
           coalesce(obj_description(t.oid, 'pg_class') LIKE '[local]%', false)
      FROM tables t JOIN (SELECT oid, max(level) AS level FROM depth GROUP BY oid) d USING (oid)
     ORDER BY d.level, t.relname
$$;

-- Parts of the statements below: the key of a row; the number of its bucket of $2; the order in which a table is read, as
-- the database numbered it, else by its key.
CREATE FUNCTION app.archive_parts(p_table text, OUT key text, OUT bucket text, OUT place text, OUT skipped text[])
LANGUAGE plpgsql STABLE AS $$
DECLARE
    t record;
BEGIN
    SELECT * INTO STRICT t FROM app.tenant_tables() x WHERE x.table_name = p_table;
    key := (SELECT string_agg(format('x.%I', k), ', ') FROM unnest(t.keys) k);
    bucket := CASE WHEN t.is_numbered THEN '0' ELSE format('abs(hashtextextended(ROW(%s)::text, 1) %% $2)::int', key) END;
    SELECT coalesce(string_agg(format('x.%I', a.attname), ', ') FILTER (WHERE a.attidentity <> ''), key),
           coalesce(array_agg(a.attname::text) FILTER (WHERE a.attidentity <> '' OR a.attgenerated <> ''), '{}')
      INTO place, skipped
      FROM pg_attribute a WHERE a.attrelid = format('app.%I', p_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped;
END $$;

-- Opens the cursor "archive" over the tenant's rows of one table: one column of JSON text. p_wanted: only the rows of these
-- buckets of p_buckets. p_keys: only their keys.
CREATE FUNCTION app.open_archive(p_tenant uuid, p_table text, p_buckets int, p_wanted int[], p_keys boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    archive refcursor := 'archive';
    p record;
    v_keys text;
BEGIN
    SELECT * INTO STRICT p FROM app.archive_parts(p_table);
    SELECT string_agg(format('%L, x.%I', k, k), ', ') INTO v_keys
      FROM app.tenant_tables() t CROSS JOIN LATERAL unnest(t.keys) k WHERE t.table_name = p_table;
    OPEN archive NO SCROLL FOR EXECUTE format(
        'SELECT (%s)::text FROM app.%I x WHERE x.tenant_id = $1 AND ($3 IS NULL OR %s = ANY ($3)) ORDER BY %s',
        CASE WHEN p_keys THEN format('jsonb_build_object(%s)', v_keys) ELSE format('to_jsonb(x) - %L::text[]', p.skipped) END,
        p_table, p.bucket, p.place) USING p_tenant, p_buckets, p_wanted;
END $$;

-- Puts rows (an array as app.open_archive gives them) into one table. Rows of a known key take the new values, as far as the
-- calling role may change them. Where a value that is to be unique still stands in a row that changes too, rows go one by
-- one, until no further one fits.
CREATE FUNCTION app.restore_rows(p_tenant uuid, p_table text, p_rows jsonb) RETURNS bigint LANGUAGE plpgsql
SET TimeZone = 'UTC' SET DateStyle = 'ISO' AS $$
DECLARE
    t record;
    v_insert text;
    v_columns text;
    v_changes text;
    v_rows jsonb := p_rows;
    v_left jsonb;
    v_row jsonb;
    v_constraint text;
    v_count bigint;
BEGIN
    SELECT * INTO STRICT t FROM app.tenant_tables() x WHERE x.table_name = p_table AND NOT x.is_local;
    IF EXISTS (SELECT 1 FROM jsonb_array_elements(p_rows) r WHERE r ->> 'tenant_id' IS DISTINCT FROM p_tenant::text) THEN
        RAISE EXCEPTION 'a row of another tenant' USING ERRCODE = 'invalid_authorization_specification';
    END IF;
    SELECT string_agg(quote_ident(c), ', '),
           string_agg(format('%I = EXCLUDED.%I', c, c), ', ')
               FILTER (WHERE has_column_privilege(format('app.%I', p_table)::regclass, c, 'UPDATE') AND c <> ALL (t.keys))
      INTO v_columns, v_changes FROM unnest(t.columns) c;
    v_insert := format('INSERT INTO app.%I (%s) SELECT %s FROM jsonb_populate_recordset(NULL::app.%I, $1)%s',
        p_table, v_columns, v_columns, p_table,
        CASE WHEN t.is_numbered THEN ''
             ELSE format(' ON CONFLICT (%s) DO ', (SELECT string_agg(quote_ident(k), ', ') FROM unnest(t.keys) k))
                  || coalesce('UPDATE SET ' || v_changes, 'NOTHING') END);
    BEGIN
        EXECUTE v_insert USING p_rows;
        RETURN jsonb_array_length(p_rows);
    EXCEPTION WHEN unique_violation THEN
        NULL;
    END;
    LOOP
        v_left := '[]';
        FOR v_row IN SELECT r FROM jsonb_array_elements(v_rows) r LOOP
            BEGIN
                EXECUTE v_insert USING jsonb_build_array(v_row);
            EXCEPTION WHEN unique_violation THEN
                GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
                v_left := v_left || jsonb_build_array(v_row);
            END;
        END LOOP;
        EXIT WHEN v_left = '[]';
        IF jsonb_array_length(v_left) = jsonb_array_length(v_rows) THEN
            RAISE EXCEPTION 'rows of % clash', p_table USING ERRCODE = 'unique_violation', CONSTRAINT = v_constraint;
        END IF;
        v_rows := v_left;
    END LOOP;
    RETURN jsonb_array_length(p_rows);
END $$;

-- Counts and checksums of the tenant's rows of one table by bucket of their key: sums of the rows' hashes, which the order of
-- rows does not change.
CREATE FUNCTION app.sum_rows(p_tenant uuid, p_table text, p_buckets int)
RETURNS TABLE (bucket int, row_count bigint, checksum text) LANGUAGE plpgsql STABLE
SET TimeZone = 'UTC' SET DateStyle = 'ISO' SET bytea_output = 'hex' SET extra_float_digits = 1 SET jit = off AS $$
DECLARE
    v_bucket text := (SELECT p.bucket FROM app.archive_parts(p_table) p);
    v_columns text := (SELECT string_agg(format('x.%I', c), ', ')
                         FROM app.tenant_tables() t CROSS JOIN LATERAL unnest(t.columns) c WHERE t.table_name = p_table);
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT %s, count(*), sum(hashtextextended(ROW(%s)::text, ($2 * 0)::bigint)::numeric)::text FROM app.%I x '
        'WHERE x.tenant_id = $1 GROUP BY 1 ORDER BY 1', v_bucket, v_columns, p_table) USING p_tenant, p_buckets;
END $$;

-- Removes the rows of some buckets whose keys are not among p_keep. Answers how many. What the calling role may not remove is
-- only ever added to, so nothing is to be removed there.
CREATE FUNCTION app.clear_buckets(p_tenant uuid, p_table text, p_buckets int, p_wanted int[], p_keep jsonb) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    t record;
    p record;
    v_count bigint;
BEGIN
    SELECT * INTO STRICT t FROM app.tenant_tables() x WHERE x.table_name = p_table AND NOT x.is_local;
    SELECT * INTO STRICT p FROM app.archive_parts(p_table);
    IF NOT has_table_privilege(format('app.%I', p_table)::regclass, 'DELETE') THEN
        RETURN 0;
    END IF;
    EXECUTE format(
        'DELETE FROM app.%I x WHERE x.tenant_id = $1 AND %s = ANY ($3) '
        'AND NOT EXISTS (SELECT 1 FROM jsonb_populate_recordset(NULL::app.%I, $4) k WHERE (%s) = (%s))',
        p_table, p.bucket, p_table, (SELECT string_agg(format('k.%I', c), ', ') FROM unnest(t.keys) c), p.key)
        USING p_tenant, p_buckets, p_wanted, p_keep;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;
