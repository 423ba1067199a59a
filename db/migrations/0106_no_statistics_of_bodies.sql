-- No plan depends on what stands in JSON columns, and sorting thirty thousand bodies for statistics took the analysis of events a
-- second of a core, at the very time when many arrive.
SET LOCAL ROLE charles_owner;
DO $$
DECLARE
    v_column record;
BEGIN
    FOR v_column IN
        SELECT a.attrelid::regclass AS relation, a.attname
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p') AND a.atttypid = 'jsonb'::regtype
           AND a.attnum > 0 AND NOT a.attisdropped
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', v_column.relation, v_column.attname);
    END LOOP;
END $$;
