-- What operators do that no other role may: count and remove a tenant; and what replicas poll.
SET LOCAL ROLE charles_owner;

-- Rows of the current tenant in each of its tables that the calling role may read.
CREATE FUNCTION app.count_tenant_rows(p_tenant uuid) RETURNS TABLE (table_name text, row_count bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    t record;
BEGIN
    FOR t IN
        SELECT c.oid::regclass AS name, c.relname
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
         WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND has_table_privilege(c.oid, 'SELECT')
         ORDER BY c.relname
    LOOP
        table_name := t.relname;
        EXECUTE format('SELECT count(*) FROM %s WHERE tenant_id = $1', t.name) INTO row_count USING p_tenant;
        RETURN NEXT;
    END LOOP;
END $$;

-- Removes the current tenant's rows from every table where the calling role may, referencing tables before referenced
-- ones: set by set instead of row by row through cascades.
CREATE FUNCTION app.delete_tenant_rows(p_tenant uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    t record;
BEGIN
    FOR t IN
        WITH RECURSIVE tables AS (
            SELECT c.oid
              FROM pg_class c
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
             WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
               AND has_table_privilege(c.oid, 'DELETE')),
        depth(oid, level) AS (
            SELECT oid, 0 FROM tables
            UNION
            SELECT k.confrelid, d.level + 1
              FROM depth d JOIN pg_constraint k ON k.conrelid = d.oid AND k.contype = 'f' AND k.confrelid <> k.conrelid
             WHERE d.level < 20)
        SELECT d.oid::regclass AS name, max(d.level) AS level
          FROM depth d JOIN tables USING (oid) GROUP BY d.oid ORDER BY 2, 1
    LOOP
        EXECUTE format('DELETE FROM %s WHERE tenant_id = $1', t.name) USING p_tenant;
    END LOOP;
END $$;

-- Like app.changed_instances, with the transaction of each change, so that a poll can tell a change it has seen from a new
-- one of the same tenant while a long transaction keeps the snapshot's lower end back. NULL: only where to read from next.
CREATE FUNCTION app.changed_entries(p_since text)
RETURNS TABLE (next_since text, tenant_ids uuid[], transactions text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text, coalesce(c.ids, '{}'), coalesce(c.xids, '{}')
      FROM (SELECT array_agg(d.tenant_id ORDER BY d.tenant_id) AS ids,
                   array_agg(d.changed_xid::text ORDER BY d.tenant_id) AS xids
              FROM app.directory_changes d WHERE d.changed_xid >= p_since::xid8) c
$$;
GRANT CREATE ON SCHEMA app TO charles_resolver;
ALTER FUNCTION app.changed_entries(text) OWNER TO charles_resolver;
REVOKE CREATE ON SCHEMA app FROM charles_resolver;
SET LOCAL ROLE charles_resolver;
REVOKE ALL ON FUNCTION app.changed_entries(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.changed_entries(text) TO charles_app;
SET LOCAL ROLE charles_owner;
